/* What `tree`, `peek` and `traces` share: views of functions as they call each other, in
 * which no function is a wrapper. */
#ifndef HEAPDIFF_CLI_CALLS_ARGS_H
#define HEAPDIFF_CLI_CALLS_ARGS_H

#include "show.h"

struct calls_args {
  int64_t nodecount;
  bool cum;
  const char *measure;
  struct window_args window;
  struct filter_args filter;
  struct input_args input;
  struct style_args style;
};

/* All groups of such a verb: its own rows, and how it prints. */
#define CALLS_GROUPS(own, style_rows)                                                              \
  {"options:", own, 0}, {"which snapshots:", window_rows, offsetof(struct calls_args, window)},    \
      {"which allocations:", filter_rows, offsetof(struct calls_args, filter)},                    \
      {"reading:", input_rows, offsetof(struct calls_args, input)},                                \
      {"series from URLs:", url_series_rows, offsetof(struct calls_args, input.urls)},             \
      {"URLs:", url_rows, offsetof(struct calls_args, input.urls)},                                \
      {"symbols:", symbol_rows, offsetof(struct calls_args, input.symbols)},                       \
      {"printing:", style_rows, offsetof(struct calls_args, style)}, OPTION_GROUPS_END

/* Runs such a verb: parses, asks, prints. People get `few` rows. Returns the exit code. */
int calls_run(const struct command *command, int argc, char **argv, ask_fn ask, int64_t few);
/* Of one whose first word is a pattern of function names. */
int calls_run_matches(const struct command *command, int argc, char **argv, ask_fn ask);

#endif
