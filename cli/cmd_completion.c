#include "completion.h"

#include <string.h>

static const struct option_group groups[] = {OPTION_GROUPS_END};

static const struct {
  const char *name;
  void (*print)(void);
} scripts[] = {
    {"bash", completion_bash},
    {"zsh", completion_zsh},
    {"fish", completion_fish},
    {"rows", completion_rows},
};

static int run(const struct command *command, int argc, char **argv)
{
  int status;
  if (!command_parse(command, NULL, &argc, argv, &status))
    return status;
  for (size_t i = 0; argc == 1 && i < sizeof scripts / sizeof *scripts; i++) {
    if (strcmp(scripts[i].name, argv[0]) != 0)
      continue;
    scripts[i].print();
    return STATUS_FINE;
  }
  return command_misused(command, "name a shell: bash, zsh or fish");
}

const struct command verb_completion = {
    .name = "completion",
    .summary = "print a completion script for a shell",
    .synopsis = {"bash|zsh|fish"},
    .about = "Prints a script that completes verbs, options and their values.\nFor bash: source "
             "<(heapdiff completion bash)",
    .words = "shell",
    .groups = groups,
    .hidden = true,
    .usage_status = STATUS_USAGE,
    .run = run,
};
