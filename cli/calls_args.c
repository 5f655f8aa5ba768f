#include "calls_args.h"

/* False: said, and *status is the exit code. */
static bool take(const struct command *command, const struct calls_args *args, char **paths,
                 int count, struct hd_query *query, int *status)
{
  query->measure = args->measure;
  query->cum = args->cum;
  filter_query(&args->filter, query);
  return window_query(command, &args->window, query, status) &&
         url_series_begin(command, &args->input.urls, paths, count, status);
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
  if (take(command, &args, argv, argc, &query, &status))
    status = show(&args.input, &args.style, argv, argc, ask, &query);
  options_release(command->groups, &args);
  return status;
}

int calls_run_matches(const struct command *command, int argc, char **argv, ask_fn ask)
{
  struct calls_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  struct hd_query query = {0};
  int patterns = argc ? 1 : 0;
  if (take(command, &args, argv + patterns, argc - patterns, &query, &status))
    status = show_matches(command, &args.input, &args.style, argv, argc, ask, &query);
  options_release(command->groups, &args);
  return status;
}
