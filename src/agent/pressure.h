/* How near the process is to being killed for want of memory. */
#ifndef HD_AGENT_PRESSURE_H
#define HD_AGENT_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

/* Looks for limits; to be called before the others. */
void hd_pressure_start(void);
/* Whether there is a limit, and `oom_percent` asks for a snapshot near it. */
bool hd_pressure_is_watched(void);
/* Whether the limit's share has been passed since it was last kept clear of.
 * *next_ns: when to look again. By one thread at a time. */
bool hd_pressure_has_come(uint64_t now_ns, uint64_t *next_ns);
/* In a child, which has a share of its own to pass. */
void hd_pressure_forked(void);

#endif
