/* Ctrl-C ends what is being done, and not the program. */
#ifndef HEAPDIFF_CLI_INTERRUPT_H
#define HEAPDIFF_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT is only noted. Programs that are started have it as ever. */
void interrupt_watch(void);
/* Whether it came since the last interrupt_clear. */
bool interrupt_came(void);
void interrupt_clear(void);
/* While this is on, what waits is interrupted, again and again, once SIGINT has come, so that
 * a wait that was only about to begin then does not miss it. */
void interrupt_insist(bool on);

/* From now on writing to a pipe that nobody reads fails, and ends nothing. Programs that are
 * started have SIGPIPE as ever. */
void interrupt_no_sigpipe(void);

#endif
