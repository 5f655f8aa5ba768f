#include "command.h"

static const struct option_group groups[] = {OPTION_GROUPS_END};

static int run(const struct command *command, int argc, char **argv)
{
  int status;
  if (!command_parse(command, NULL, &argc, argv, &status))
    return status;
  if (argc > 1)
    return command_misused(command, "one verb at a time, not '%s' as well", argv[1]);
  if (argc == 0) {
    command_overview(stdout);
    return STATUS_FINE;
  }
  const struct command *wanted = command_find(argv[0]);
  if (!wanted)
    return command_unknown(argv[0]);
  command_help(wanted);
  return STATUS_FINE;
}

const struct command verb_help = {
    .name = "help",
    .summary = "explain a verb",
    .synopsis = {"[VERB]"},
    .about =
        "Says what a verb does and which options it takes; without one, which verbs there are.",
    .groups = groups,
    .words = "verb",
    .usage_status = STATUS_USAGE,
    .run = run,
};
