/* Bringing the agent up. */
#ifndef HD_AGENT_START_H
#define HD_AGENT_START_H

#include <stdbool.h>

/* Begins recording as soon as libc has the environment: with the first allocation
 * of the first constructor. Whether the agent is on. */
bool hd_start_early(void);

/* Says so in the log where the program has an allocator linked into it. By a thread
 * that is muted. */
void hd_start_look_for_allocator(void);

#endif
