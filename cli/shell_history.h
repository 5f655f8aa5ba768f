/* Where the shell's lines are kept from one time to the next. */
#ifndef HEAPDIFF_CLI_SHELL_HISTORY_H
#define HEAPDIFF_CLI_SHELL_HISTORY_H

#include <histedit.h>
#include <stdbool.h>
#include <stddef.h>

enum { SHELL_KEPT_LINES = 1000 };

/* The functions of libedit that are needed. */
struct history_library {
  __typeof__(history_init) *init;
  __typeof__(history_end) *end;
  __typeof__(history) *history;
};

/* The file's name: below XDG_STATE_HOME, or ~/.local/state. Its folders are made. False:
 * there is no place for it. */
bool shell_history_path(char *path, size_t size);
/* Adds a line to what is in the file by now, other shells' lines with it. A failure is no
 * error: the line is not kept. */
void shell_history_keep(const struct history_library *library, const char *path,
                        const char *line);

#endif
