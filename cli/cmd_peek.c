#include "calls_args.h"

static const struct option_row rows[] = {
    MEASURE_ROW(struct calls_args),
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {CALLS_GROUPS(rows, nested_style_rows)};

static int run(const struct command *command, int argc, char **argv)
{
  return calls_run_matches(command, argc, argv, hd_peek);
}

const struct command verb_peek = {
    .name = "peek",
    .summary = "print the callers and the callees of functions",
    .synopsis = {"[OPTION...] REGEX [SNAPSHOT...]"},
    .about = "Prints each function that matches the regular expression among its callers (above "
             "it) and its callees (below), with what was allocated through each call, as 'go tool "
             "pprof -peek' has it. Without snapshots, those that were last used or recorded in "
             "this directory are taken, else heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
