#include "command.h"

#include "messages.h"
#include "nearest.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define COMMAND(name) extern const struct command verb_##name;
#include "commands.def"
#undef COMMAND

static const struct command *const commands[] = {
#define COMMAND(name) &verb_##name,
#include "commands.def"
#undef COMMAND
    NULL,
};

const struct command *command_at(size_t i)
{
  return commands[i];
}

const struct command *command_find(const char *name)
{
  for (size_t i = 0; commands[i]; i++)
    if (strcmp(commands[i]->name, name) == 0)
      return commands[i];
  return NULL;
}

bool command_parse(const struct command *command, void *values, int *argc, char **argv, int *status)
{
  char error[OPTION_ERROR_TEXT];
  switch (options_parse(command->groups, values, command->program_follows, argc, argv, error)) {
  case OPTIONS_OK: return true;
  case OPTIONS_HELP:
    command_help(command);
    *status = STATUS_FINE;
    break;
  case OPTIONS_BAD: *status = command_misused(command, "%s", error); break;
  }
  options_release(command->groups, values);
  return false;
}

int command_misused(const struct command *command, const char *format, ...)
{
  char text[OPTION_ERROR_TEXT + 64];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  message_of(command->name, "%s", text);
  return command->usage_status;
}

int command_unknown(const char *name)
{
  struct nearest nearest = nearest_to(name);
  for (size_t i = 0; commands[i]; i++)
    if (!commands[i]->hidden)
      nearest_offer(&nearest, commands[i]->name);
  if (nearest.best)
    message("unknown verb '%s': did you mean %s?", name, nearest.best);
  else if (access(name, F_OK) == 0)
    message("unknown verb '%s': did you mean 'heapdiff top %s'?", name, name);
  else
    message("unknown verb '%s': 'heapdiff help' lists them", name);
  return STATUS_USAGE;
}
