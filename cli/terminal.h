/* What the terminal, and the environment that speaks for it, can do. */
#ifndef HEAPDIFF_CLI_TERMINAL_H
#define HEAPDIFF_CLI_TERMINAL_H

#include <stdbool.h>

/* Columns of standard output: COLUMNS where it is set, else the terminal's width;
 * 0, no limit, where it is no terminal. */
unsigned terminal_width(void);
/* Whether standard output is a terminal that shows colors, and the user has not
 * asked for none (NO_COLOR, https://no-color.org; TERM=dumb). */
bool terminal_has_color(void);
/* Whether the locale's characters are UTF-8; setlocale has been called. */
bool terminal_is_utf8(void);
/* Whether the user watches standard error. */
bool terminal_is_watched(void);

#endif
