#include "command.h"
#include "show.h"

struct explain_args {
  int64_t nodecount;
  const char *measure;
  struct window_args window;
  struct filter_args filter;
  struct input_args input;
  struct style_args style;
};

static const struct option_row rows[] = {
    {NUMBER_AT(struct explain_args, nodecount), .letter = 'n', .name = "nodecount", .metavar = "N",
     .help = "call sites to print, 0: all (default: 3; all in json)"},
    MEASURE_ROW(struct explain_args),
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"which snapshots:", window_rows, offsetof(struct explain_args, window)},
    {"which allocations:", filter_rows, offsetof(struct explain_args, filter)},
    {"call sites:", wrapper_rows, offsetof(struct explain_args, input)},
    {"reading:", input_rows, offsetof(struct explain_args, input)},
    {"URLs:", url_rows, offsetof(struct explain_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct explain_args, input.symbols)},
    {"printing:", nested_style_rows, offsetof(struct explain_args, style)},
    OPTION_GROUPS_END,
};

static int run(const struct command *command, int argc, char **argv)
{
  struct explain_args args = {.nodecount = NOT_GIVEN};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  struct hd_query query = {
      .measure = args.measure,
      .nodecount = rows_to_print(args.nodecount, FEW_OF_EXPLAIN, &args.style),
  };
  filter_query(&args.filter, &query);
  if (window_query(command, &args.window, &query, &status))
    status = show_matches(command, &args.input, &args.style, argv, argc, hd_explain, &query);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_explain = {
    .name = "explain",
    .summary = "show why a call site is called a leak, or is not",
    .synopsis = {"[OPTION...] REGEX [SNAPSHOT...]"},
    .about = "Shows the whole evidence on each call site in a function that matches the regular "
             "expression: its course as a table and a chart, the shapes that were tried, how sure "
             "its growth is, what it keeps of what it allocates, and in one sentence why it got "
             "its verdict. Without snapshots, those that were last used or recorded in this "
             "directory are taken, else heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
