/* The last snapshot of a program. */
#ifndef HD_AGENT_EXIT_H
#define HD_AGENT_EXIT_H

#include <stdbool.h>

/* Has quick_exit call it, too. */
void hd_exit_start(void);
/* Takes the last snapshot of this process, once; where another thread is at it, waits
 * for it: this one is about to end the process. */
void hd_exit_take_last(const char *reason);
bool hd_exit_has_begun(void);

#endif
