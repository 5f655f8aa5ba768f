/* How snapshots are fetched from URLs. */
#ifndef HEAPDIFF_CLI_URL_ARGS_H
#define HEAPDIFF_CLI_URL_ARGS_H

#include "command.h"

#include <heapdiff/url.h>

struct url_args {
  const char *user;
  struct text_list headers;
  const char *ca_cert;
  bool insecure, gc;
  uint64_t max_body;
  struct duration every, lasting;
};
extern const struct option_row url_rows[];
/* A series out of one URL, for verbs that compare: --every and --for. */
extern const struct option_row url_series_rows[];

/* Whether any of those that say how is given. */
bool url_args_given(const struct url_args *args);

/* The list stays that of `args`. Of a series the first Ctrl-C ends the waiting. */
struct hd_url_options url_options(const struct url_args *args);

/* Says what is waited for, where a series is. False where none of the words is a URL:
 * that is said, and *status the exit code. */
bool url_series_begin(const struct command *command, const struct url_args *args, char **words,
                      int count, int *status);

#endif
