/* Signals that end a program, for work that has something to finish first. */
#ifndef HEAPDIFF_CLI_ENDING_H
#define HEAPDIFF_CLI_ENDING_H

#include <stdbool.h>

/* From here on the first SIGINT, SIGTERM or SIGHUP is only remembered; the same signal
 * again ends the process at once. One that is ignored stays so. */
void ending_watch(void);
/* The signal that came, 0 none. */
int ending_signal(void);
/* Whether one came; as an option of the library's, `context` is not used. */
bool ending_came(void *context);

#endif
