#include "calls_args.h"

static int answer(const struct command *command, const struct calls_args *args, char **paths,
                  int count, ask_fn ask, struct hd_query *query)
{
  int status;
  query->measure = args->measure;
  query->cum = args->cum;
  filter_query(&args->filter, query);
  if (!window_query(command, &args->window, query, &status) ||
      !url_series_begin(command, &args->input.urls, paths, count, &status))
    return status;
  return show(&args->input, &args->style, paths, count, ask, query);
}

int calls_run(const struct command *command, int argc, char **argv, ask_fn ask, int64_t few)
{
  struct calls_args args = {.nodecount = NOT_GIVEN};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  struct hd_query query = {
      .nodecount = rows_to_print(args.nodecount, few, &args.style),
      .keep_small = style_for_programs(&args.style),
  };
  status = answer(command, &args, argv, argc, ask, &query);
  options_release(command->groups, &args);
  return status;
}

int calls_run_pattern(const struct command *command, int argc, char **argv, ask_fn ask)
{
  struct calls_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  struct hd_query query = {.pattern = argv[0]};
  status = argc ? answer(command, &args, argv + 1, argc - 1, ask, &query)
                : command_misused(command, "name a function: heapdiff %s REGEX [SNAPSHOT...]",
                                  command->name);
  options_release(command->groups, &args);
  return status;
}
