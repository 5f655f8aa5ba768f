#include "calls_args.h"

static const struct option_row rows[] = {
    {NUMBER_AT(struct calls_args, nodecount), .letter = 'n', .name = "nodecount", .metavar = "N",
     .help = "functions to print, 0: all (default: 80; all in json)"},
    {FLAG_AT(struct calls_args, cum), .name = "cum",
     .help = "in the order of what was allocated in a function or below it"},
    MEASURE_ROW(struct calls_args),
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {CALLS_GROUPS(rows, nested_style_rows)};

static int run(const struct command *command, int argc, char **argv)
{
  return calls_run(command, argc, argv, hd_tree, FEW_OF_TREE);
}

const struct command verb_tree = {
    .name = "tree",
    .summary = "print every function among its callers and callees",
    .synopsis = {"[OPTION...] [SNAPSHOT...]"},
    .about = "Prints the functions that hold or gained most, each among its callers (above it) and "
             "its callees (below), with what was allocated through each call, as 'go tool pprof "
             "-tree' has it. Without snapshots, those that were last used or recorded in this "
             "directory are taken, else heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
