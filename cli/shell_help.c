#include "shell.h"

#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
  char text[1024];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  output_write(NULL, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

/* A text wrapped at 80 columns behind a name. */
static void entry(const char *name, const char *text)
{
  enum { COLUMN = 14, WIDTH = 80 };
  int column = 0;
  put("  %-*s", COLUMN - 2, name);
  column = (int)strlen(name) + 3 > COLUMN ? (int)strlen(name) + 2 : COLUMN;
  for (bool first = true; *text; first = false) {
    int length = (int)strcspn(text, " ");
    if (!first && column + 1 + length > WIDTH) {
      put("\n%*s", COLUMN, "");
      column = COLUMN;
      first = true;
    }
    put("%s%.*s", first ? "" : " ", length, text);
    column += length + !first;
    text += length + (text[length] == ' ');
  }
  put("\n");
}

static void overview(const struct shell *shell)
{
  put("commands:\n");
  for (size_t i = 0; shell_command_at(i); i++)
    if (!shell_command_at(i)->is_alias)
      entry(shell_command_at(i)->name, shell_command_at(i)->help);
  put("\nsettings, NAME=VALUE or NAME VALUE (NAME= sets it back; o shows them all):\n");
  struct option_walk walk = {shell->settings, NULL};
  for (const struct option_row *row; (row = option_next(&walk));)
    entry(row->name, row->help);
  put("\n  COMMAND > FILE   writes the answer to a file\n"
      "  COMMAND | LINE   gives it to a program, by sh\n"
      "  'help COMMAND' explains one of them, 'man heapdiff-shell' has the rest.\n");
}

bool shell_help(struct shell *shell, const struct shell_command *command,
                const struct shell_line *line)
{
  int64_t number;
  (void)command;
  if (line->count < 2) {
    overview(shell);
    return true;
  }
  const char *name = shell_setting_name(shell, line->words[1]);
  const struct shell_command *asked = shell_command_find(line->words[1], &number);
  if (asked) {
    put("%s %s\n", asked->name, asked->synopsis);
    entry("", asked->help);
    return true;
  }
  if (name)
    return shell_settings_print(shell, name);
  shell_complain(shell, "help: there is no command or setting '%s'", line->words[1]);
  return false;
}
