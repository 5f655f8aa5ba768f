#include "calls_args.h"

static const struct option_row rows[] = {
    {NUMBER_AT(struct calls_args, nodecount), .letter = 'n', .name = "nodecount", .metavar = "N",
     .help = "stacks to print, 0: all (default: all)"},
    MEASURE_ROW(struct calls_args),
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {CALLS_GROUPS(rows, style_rows)};

static int run(const struct command *command, int argc, char **argv)
{
  return calls_run(command, argc, argv, hd_traces, FEW_OF_TRACES);
}

const struct command verb_traces = {
    .name = "traces",
    .summary = "print every stack with what it holds or gained",
    .synopsis = {"[OPTION...] [SNAPSHOT...]"},
    .about = "Prints every stack with what it holds or gained, the largest first, as 'go tool "
             "pprof -traces' has it. Without snapshots, those that were last used or recorded in "
             "this directory are taken, else heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
