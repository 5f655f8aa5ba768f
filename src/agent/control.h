/* How a client talks to this process while it runs: protocol.h has the contract. All
 * but hd_control_forked is for the agent's thread. */
#ifndef HD_AGENT_CONTROL_H
#define HD_AGENT_CONTROL_H

#include "protocol.h"

#include <stdbool.h>

/* Makes the control where the thread has a table of files of its own. */
void hd_control_open(bool own_files);
/* Does what a client has asked for. */
void hd_control_serve(void);
/* Says what has changed of itself: the state, and how many places are patched. At any time:
 * it leaves alone what clients write. */
void hd_control_tell(uint64_t patched);
/* The thread ends, and its files with it. */
void hd_control_close(void);
/* In a child: what there is belongs to the parent. */
void hd_control_forked(void);
/* Its counters, NULL where there is no control. */
struct hd_agent_status *hd_control_counters(void);

#endif
