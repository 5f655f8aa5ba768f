/* Ctrl-C and its like, for work that has something to finish first. */
#ifndef HEAPDIFF_CLI_INTERRUPT_H
#define HEAPDIFF_CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on the first SIGINT, SIGTERM or SIGHUP is only remembered; the same signal
 * again ends the process at once. One that is ignored stays so. */
void interrupt_watch(void);
/* The signal that came, 0 none. */
int interrupt_signal(void);
/* Whether one came; as an option of the library's, `context` is not used. */
bool interrupt_came(void *context);

#endif
