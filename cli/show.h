/* The way that every reading verb goes: select snapshots, ask, print. */
#ifndef HEAPDIFF_CLI_SHOW_H
#define HEAPDIFF_CLI_SHOW_H

#include "common_args.h"

typedef bool (*ask_fn)(hd_session *session, const struct hd_query *query, hd_view **view,
                       struct hd_error *error);

/* Selects the snapshots that `paths` names (none: those remembered), asks, prints
 * the answer to standard output and what went wrong or should be known to standard
 * error. Returns the exit code. */
int show(const struct input_args *input, const struct style_args *style, char **paths, int count,
         ask_fn ask, const struct hd_query *query);

#endif
