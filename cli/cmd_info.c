#include "command.h"
#include "show.h"

struct info_args {
  struct input_args input;
  struct style_args style;
};

static const struct option_group groups[] = {
    {"reading:", input_rows, offsetof(struct info_args, input)},
    {"URLs:", url_rows, offsetof(struct info_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct info_args, input.symbols)},
    {"printing:", style_rows, offsetof(struct info_args, style)},
    OPTION_GROUPS_END,
};

static bool ask(hd_session *session, const struct hd_query *query, hd_view **view,
                struct hd_error *error)
{
  (void)query;
  return hd_info(session, view, error);
}

static int run(const struct command *command, int argc, char **argv)
{
  struct info_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  status = show(&args.input, &args.style, argv, argc, ask, NULL);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_info = {
    .name = "info",
    .summary = "say what snapshots are and what they hold",
    .synopsis = {"[OPTION...] [SNAPSHOT...]"},
    .about = "Says of each snapshot its format, time, program, build-ids, sampling rate, measures "
             "and totals, how many frames have symbols, and why the others have none. Without "
             "snapshots, those that were last used or recorded in this directory are taken, else "
             "heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
