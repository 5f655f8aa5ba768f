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
/* The same where the first of the words is query->pattern, of function names: says that it is
 * missing, or that a file stands in its place. */
int show_matches(const struct command *command, const struct input_args *input,
                 const struct style_args *style, char **words, int count, ask_fn ask,
                 struct hd_query *query);

#endif
