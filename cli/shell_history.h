/* Where the shell's lines are kept from one time to the next. */
#ifndef HEAPDIFF_CLI_SHELL_HISTORY_H
#define HEAPDIFF_CLI_SHELL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

/* The file's name: below XDG_STATE_HOME, or ~/.local/state. Its folders are made. False:
 * there is no place for it. */
bool shell_history_path(char *path, size_t size);

#endif
