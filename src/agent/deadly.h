/* Signals that end a program by default: the last snapshot is taken first. */
#ifndef HD_AGENT_DEADLY_H
#define HD_AGENT_DEADLY_H

#include "state.h"

void hd_deadly_start(void);
/* Gives the signals back. */
void hd_deadly_stop(void);

/* A signal that came while its thread was inside the agent, 0 none. */
extern _Atomic(int) hd_deadly_pending;
/* Ends the program by it. To be called where a thread leaves the agent. */
void hd_deadly_now(void);

static inline void hd_deadly_check(void)
{
  if (HD_UNLIKELY(atomic_load_explicit(&hd_deadly_pending, memory_order_relaxed)))
    hd_deadly_now();
}

#endif
