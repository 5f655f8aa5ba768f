#include "command.h"
#include "common_args.h"
#include "messages.h"
#include "output.h"
#include "scoped.h"

#include <heapdiff/convert.h>

#include <string.h>
#include <unistd.h>

struct convert_args {
  const char *to, *output, *measure;
  struct input_args input;
};

static const struct option_row rows[] = {
    {CHOICE_AT(struct convert_args, to), .name = "to", .metavar = "NAME",
     .help = "the format to write", .words = hd_target_name},
    {TEXT_AT(struct convert_args, output), .letter = 'o', .name = "output", .metavar = "FILE",
     .path = true, .help = "write here, whole or not at all; gzip'd where it ends in .gz "
                           "(default: standard output)"},
    {CHOICE_AT(struct convert_args, measure), .name = "measure", .metavar = "NAME",
     .help = "what folded stacks count", .words = hd_measure_name},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"writing:", rows, 0},
    {"reading:", input_rows, offsetof(struct convert_args, input)},
    {"URLs:", url_rows, offsetof(struct convert_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct convert_args, input.symbols)},
    OPTION_GROUPS_END,
};

static int convert(const struct convert_args *args, char **paths, int count)
{
  SCOPED(end_session) hd_session *session = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_session_options options = input_options(&args->input);
  struct hd_convert_options target = {
      .to = args->to, .measure = args->measure, .path = args->output, .write = output_write};
  if (!hd_session_create(&options, &session, &error))
    return message_error(&error);
  bool fine = hd_session_select(session, (const char *const *)paths, (size_t)count, &error) &&
              hd_convert(session, &target, &error);
  message_notes(session, 0);
  if (fine)
    return STATUS_FINE;
  return output_failed() ? STATUS_INTERNAL : message_error(&error);
}

static int run(const struct command *command, int argc, char **argv)
{
  struct convert_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  if (!args.to)
    status = command_misused(command, "--to says what to convert to: native, pprof or folded");
  else if (args.measure && strcmp(args.to, "folded") != 0)
    status = command_misused(command, "--measure goes with --to folded: %s holds them all",
                             args.to);
  else if (argc != 1)
    status = command_misused(command, "name one snapshot");
  else if (!args.output && hd_target_binary(args.to) && isatty(STDOUT_FILENO))
    status = command_misused(command, "%s is not for a terminal: name a file with -o", args.to);
  else
    status = convert(&args, argv, argc);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_convert = {
    .name = "convert",
    .summary = "write a snapshot in another format",
    .synopsis = {"--to NAME [-o FILE] [OPTION...] SNAPSHOT"},
    .about = "Writes a snapshot as heapdiff's own format, as pprof's (for go tool pprof and others) "
             "or as folded stacks (for flame graphs), with the names of its functions. What the "
             "format cannot hold is said on standard error.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
