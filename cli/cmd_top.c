#include "command.h"
#include "show.h"

struct top_args {
  int64_t nodecount;
  bool all, cum, pprof;
  uint64_t limit;
  const char *measure, *by, *sort;
  struct window_args window;
  struct filter_args filter;
  struct input_args input;
  struct style_args style;
};

static const struct option_row rows[] = {
    {NUMBER_AT(struct top_args, nodecount), .letter = 'n', .name = "nodecount", .metavar = "N",
     .help = "rows to print, 0: all (default: 20; all in json and csv)"},
    {FLAG_AT(struct top_args, all), .name = "all",
     .help = "print all rows, also those within the noise: the same as -n 0"},
    {CHOICE_AT(struct top_args, by), .name = "by", .metavar = "WHAT",
     .help = "what a row is; by default site, and function with --pprof",
     .words = hd_grouping_name},
    {FLAG_AT(struct top_args, cum), .name = "cum",
     .help = "rank by what was allocated at a row or below it"},
    MEASURE_ROW(struct top_args),
    {CHOICE_AT(struct top_args, sort), .name = "sort", .metavar = "COLUMN",
     .help = "the order of the rows; by default score, the value with one snapshot",
     .words = hd_sort_name},
    {SIZE_AT(struct top_args, limit), .name = "limit", .metavar = "SIZE", .least = 1,
     .help = "say when the process reaches this; by default the limit it had, where known"},
    {FLAG_AT(struct top_args, pprof), .name = "pprof",
     .help = "flat, flat%, sum%, cum and cum% as 'go tool pprof -top' lays them out"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"which snapshots:", window_rows, offsetof(struct top_args, window)},
    {"which allocations:", filter_rows, offsetof(struct top_args, filter)},
    {"call sites:", wrapper_rows, offsetof(struct top_args, input)},
    {"reading:", input_rows, offsetof(struct top_args, input)},
    {"series from URLs:", url_series_rows, offsetof(struct top_args, input.urls)},
    {"URLs:", url_rows, offsetof(struct top_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct top_args, input.symbols)},
    {"printing:", style_rows, offsetof(struct top_args, style)},
    OPTION_GROUPS_END,
};

static int run(const struct command *command, int argc, char **argv)
{
  struct top_args args = {.nodecount = NOT_GIVEN};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  struct hd_query query = {
      .measure = args.measure,
      .by = args.by,
      .sort = args.sort,
      .cum = args.cum,
      .nodecount = args.all ? 0 : rows_to_print(args.nodecount, FEW_OF_TOP, &args.style),
      .pprof_layout = args.pprof,
      .keep_small = style_for_programs(&args.style),
      .limit = (int64_t)args.limit,
  };
  filter_query(&args.filter, &query);
  if (window_query(command, &args.window, &query, &status) &&
      url_series_begin(command, &args.input.urls, argv, argc, &status))
    status = show(&args.input, &args.style, argv, argc, hd_top, &query);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_top = {
    .name = "top",
    .summary = "rank the call sites by the live memory that they gained",
    .synopsis = {"[OPTION...] [SNAPSHOT...]"},
    .about = "Ranks the call sites by the live memory that they gained from the first snapshot to "
             "the last; of five or more, by how likely each of them leaks. A snapshot is a file, a "
             "directory of them, a URL or HOST:PORT of a service, or - for standard input; without one, "
             "the snapshots that were last used or recorded in this directory are taken, else heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
