#include "command.h"
#include "show.h"

struct list_args {
  const char *measure;
  struct text_list source_paths, trim_paths;
  struct window_args window;
  struct filter_args filter;
  struct input_args input;
  struct style_args style;
};

static const struct option_row rows[] = {
    MEASURE_ROW(struct list_args),
    {LIST_AT(struct list_args, source_paths), .name = "source-path", .metavar = "DIR", .path = true,
     .help = "look for source files here; may be repeated"},
    {LIST_AT(struct list_args, trim_paths), .name = "trim-path", .metavar = "PREFIX",
     .help = "take this off the names of source files before they are looked for; may be "
             "repeated"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"which snapshots:", window_rows, offsetof(struct list_args, window)},
    {"which allocations:", filter_rows, offsetof(struct list_args, filter)},
    {"call sites:", wrapper_rows, offsetof(struct list_args, input)},
    {"reading:", input_rows, offsetof(struct list_args, input)},
    {"URLs:", url_rows, offsetof(struct list_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct list_args, input.symbols)},
    {"printing:", nested_style_rows, offsetof(struct list_args, style)},
    OPTION_GROUPS_END,
};

static int run(const struct command *command, int argc, char **argv)
{
  struct list_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  struct hd_query query = {
      .measure = args.measure,
      .source_paths = args.source_paths.items,
      .source_path_count = args.source_paths.count,
      .trim_paths = args.trim_paths.items,
      .trim_path_count = args.trim_paths.count,
  };
  filter_query(&args.filter, &query);
  if (window_query(command, &args.window, &query, &status))
    status = show_matches(command, &args.input, &args.style, argv, argc, hd_list, &query);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_list = {
    .name = "list",
    .summary = "print the source of functions with the growth of each line",
    .synopsis = {"[OPTION...] REGEX [SNAPSHOT...]"},
    .about = "Prints the source of each function that matches the regular expression, and beside "
             "each line how much live memory it gained. Without snapshots, those that were last "
             "used or recorded in this directory are taken, else heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
