#include "command.h"
#include "common_args.h"
#include "messages.h"
#include "output.h"
#include "scoped.h"

#include <heapdiff/check.h>

#include <string.h>

struct baseline_args {
  const char *baseline;
  int64_t nodecount;
  struct input_args input;
  struct style_args style;
};

static const struct option_row rows[] = {
    {TEXT_AT(struct baseline_args, baseline), .name = "baseline", .metavar = "FILE", .path = true,
     .standard = "heapdiff.baseline", .help = "the file"},
    {NUMBER_AT(struct baseline_args, nodecount), .letter = 'n', .name = "nodecount",
     .metavar = "N", .standard = "20", .help = "call sites to print, 0: all"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"call sites:", wrapper_rows, offsetof(struct baseline_args, input)},
    {"reading:", input_rows, offsetof(struct baseline_args, input)},
    {"URLs:", url_rows, offsetof(struct baseline_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct baseline_args, input.symbols)},
    {"printing:", style_rows, offsetof(struct baseline_args, style)},
    OPTION_GROUPS_END,
};

static int answer(const struct baseline_args *args, bool update, char **paths, int count)
{
  SCOPED(end_session) hd_session *session = NULL;
  SCOPED(end_view) hd_view *view = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_session_options options = input_options(&args->input);
  if (!hd_session_create(&options, &session, &error))
    return message_error(&error);
  bool fine = update ? hd_baseline_update(session, args->baseline, (const char *const *)paths,
                                          (size_t)count, args->nodecount, &view, &error)
                     : hd_baseline_show(session, args->baseline, args->nodecount, &view, &error);
  message_notes(session, 0);
  if (!fine)
    return message_error(&error);
  struct hd_style looks = style_of(&args->style);
  if (hd_report(view, &looks, output_write, NULL, &error))
    return STATUS_FINE;
  return output_failed() ? STATUS_INTERNAL : message_error(&error);
}

static int run(const struct command *command, int argc, char **argv)
{
  struct baseline_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  bool update = argc && strcmp(argv[0], "update") == 0, show = argc && strcmp(argv[0], "show") == 0;
  if (!update && !show)
    status = command_misused(command, "say what to do: 'update' or 'show'%s%s%s",
                             argc ? ", not '" : "", argc ? argv[0] : "", argc ? "'" : "");
  else if (show && argc > 1)
    status = command_misused(command, "'%s': show takes no words; the file is named with "
                                      "--baseline", argv[1]);
  else
    status = answer(&args, update, argv + 1, argc - 1);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_baseline = {
    .name = "baseline",
    .summary = "write the file that check compares with, or show it",
    .synopsis = {"update [OPTION...] [SNAPSHOT...]", "show [OPTION...]"},
    .about = "A baseline is a small text file of what each call chain holds, to be kept under "
             "version control beside the program. update writes it from the snapshots of one run "
             "or more, and says what that changes; show says what is in it.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
