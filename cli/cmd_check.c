#include "command.h"
#include "common_args.h"
#include "gate_args.h"
#include "messages.h"
#include "output.h"
#include "recording.h"
#include "scoped.h"

#include <heapdiff/check.h>

#include <stdio.h>
#include <string.h>

enum { STATUS_REGRESSION = 1 };

struct check_args {
  bool warn_only;
  int64_t nodecount;
  struct text_list outputs;
  struct gate_args gate;
  struct recording_args record;
  struct text_list source_paths, trim_paths;
  struct input_args input;
  struct style_args style;
};

static const struct option_row rows[] = {
    {FLAG_AT(struct check_args, warn_only), .name = "warn-only",
     .help = "say what is found, and exit with 0 all the same"},
    {NUMBER_AT(struct check_args, nodecount), .letter = 'n', .name = "nodecount", .metavar = "N",
     .standard = "10", .help = "rows of the table that are within their budgets, 0: all"},
    {LIST_AT(struct check_args, outputs), .name = "output", .metavar = "FORMAT=FILE", .path = true,
     .help = "write what is found to a file, too, in any of the formats of --format; may be "
             "repeated"},
    {LIST_AT(struct check_args, source_paths), .name = "source-path", .metavar = "DIR",
     .path = true, .help = "where to look for source files; may be repeated"},
    {LIST_AT(struct check_args, trim_paths), .name = "trim-path", .metavar = "PREFIX",
     .help = "take this off the names of source files; may be repeated"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"what may grow:", gate_rows, offsetof(struct check_args, gate)},
    {"recording, with -- PROGRAM:", recording_rows, offsetof(struct check_args, record)},
    {"call sites:", wrapper_rows, offsetof(struct check_args, input)},
    {"reading:", input_rows, offsetof(struct check_args, input)},
    {"URLs:", url_rows, offsetof(struct check_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct check_args, input.symbols)},
    {"printing:", finding_style_rows, offsetof(struct check_args, style)},
    OPTION_GROUPS_END,
};

static bool is_format(const char *word, size_t length)
{
  for (size_t i = 0; hd_finding_format_name(i); i++)
    if (strlen(hd_finding_format_name(i)) == length &&
        strncmp(hd_finding_format_name(i), word, length) == 0)
      return true;
  return false;
}

/* A format that there is not, before anything is recorded. */
static int refuse_format(const struct command *command, const char *item, size_t length)
{
  char names[200] = "";
  size_t used = 0;
  for (size_t i = 0; hd_finding_format_name(i) && used < sizeof names; i++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                             hd_finding_format_name(i));
  return command_misused(command, "--output: there is no format '%.*s'; there are %s", (int)length,
                         item, names);
}

static bool outputs_fine(const struct command *command, const struct check_args *args, int *status)
{
  for (size_t i = 0; i < args->outputs.count; i++) {
    const char *item = args->outputs.items[i], *file = strchr(item, '=');
    if (file && file[1] && is_format(item, (size_t)(file - item)))
      continue;
    if (file && file[1]) {
      *status = refuse_format(command, item, (size_t)(file - item));
      return false;
    }
    *status = command_misused(command, "--output takes FORMAT=FILE, such as junit=heap.xml, not "
                                       "'%s'", item);
    return false;
  }
  return true;
}

/* Each by itself: what cannot be written takes nothing from the others. */
static int write_outputs(hd_view *view, const struct check_args *args)
{
  int status = STATUS_FINE;
  for (size_t i = 0; i < args->outputs.count; i++) {
    const char *item = args->outputs.items[i], *file = strchr(item, '=') + 1;
    struct hd_error error = HD_ERROR_INIT;
    char format[32];
    snprintf(format, sizeof format, "%.*s", (int)(file - 1 - item), item);
    struct hd_style style = {.format = format, .unit = args->style.unit,
                             .bytes = args->style.bytes, .ascii = args->style.ascii};
    if (!hd_report_file(view, &style, file, &error))
      status = message_error(&error);
  }
  return status;
}

/* The answer to standard output, notes and errors to standard error. */
static int print(const hd_session *session, hd_view *view, const struct check_args *args)
{
  struct hd_error error = HD_ERROR_INIT;
  message_notes(session, 0);
  struct hd_style looks = style_of(&args->style);
  int status = STATUS_FINE;
  if (!hd_report(view, &looks, output_write, NULL, &error))
    status = output_failed() ? STATUS_INTERNAL : message_error(&error);
  int written = write_outputs(view, args);
  return status ? status : written;
}

static int gate(const struct check_args *args, const char *const *paths, size_t count)
{
  SCOPED(end_session) hd_session *session = NULL;
  SCOPED(end_view) hd_view *view = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_session_options session_options = input_options(&args->input);
  struct hd_check_options options;
  struct hd_check_result result;
  struct gate_budgets budgets;
  if (!gate_options(&args->gate, &options, &budgets))
    return STATUS_USAGE;
  options.nodecount = args->nodecount;
  options.source_paths = args->source_paths.items;
  options.source_path_count = args->source_paths.count;
  options.trim_paths = args->trim_paths.items;
  options.trim_path_count = args->trim_paths.count;
  bool fine = hd_session_create(&session_options, &session, &error) &&
              hd_check(session, paths, count, &options, &view, &result, &error);
  gate_options_release(&budgets);
  if (!fine) {
    if (session)
      message_notes(session, 0);
    return message_error(&error);
  }
  int status = print(session, view, args);
  return status ? status : result.regressions && !args->warn_only ? STATUS_REGRESSION : STATUS_FINE;
}

/* The program's own failure comes before what it holds. */
static int record_and_gate(const struct check_args *args, char **program)
{
  struct recording recording;
  int status = recording_run(&args->record, program, &recording);
  if (status)
    return status;
  const char *directory = recording.directory;
  status = gate(args, &directory, 1);
  if (!recording.exit_status)
    return status;
  recording_say_failure(&recording);
  return recording.exit_status;
}

static int run(const struct command *command, int argc, char **argv)
{
  struct check_args args = {0};
  int status, words = recording_split(argc, argv);
  char **program = words < argc ? argv + words + 1 : NULL;
  argc = words;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  if (program && !program[0])
    status = command_misused(command, "name the program after --");
  else if (program && argc)
    status = command_misused(command, "'%s': with -- PROGRAM the snapshots are the program's; the "
                                      "base is named with --baseline", argv[0]);
  else if (outputs_fine(command, &args, &status))
    status = program ? record_and_gate(&args, program)
                     : gate(&args, (const char *const *)argv, (size_t)argc);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_check = {
    .name = "check",
    .summary = "fail where memory has grown by more than it may: a gate for CI",
    .synopsis = {"[OPTION...] BASE NEW", "[OPTION...] --baseline BASE [SNAPSHOT...]",
                 "[OPTION...] -- PROGRAM [ARGUMENT...]"},
    .about = "Compares the memory of two builds, or of one process at two times, with what each "
             "call site and all of them may grow by, and exits with 1 where one of them has grown "
             "by more, beyond what chance explains; 0 where none has. With a program it is "
             "recorded first; where the program fails, its status is passed on.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
