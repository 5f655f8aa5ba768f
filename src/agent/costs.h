/* What the agent costs the program: measured where it is slow, so that the fast
 * path carries nothing for it. */
#ifndef HD_AGENT_COSTS_H
#define HD_AGENT_COSTS_H

#include "state.h"

#include <stdint.h>

struct hd_costs {
  uint64_t samples;      /* allocations that were recorded */
  uint64_t recording_ns; /* in the hooks' slow path, all threads together */
  uint64_t writing_ns;   /* CPU time of taking and writing snapshots */
  uint64_t memory;       /* bytes that are mapped for the agent */
  uint64_t cpu_ns;       /* CPU time of the whole process, the agent's with it */
};

/* Every so manieth visit is timed, less one: all when sampling. */
extern uint32_t hd_cost_skipped;

void hd_costs_start(bool exact);
/* Whether the processor's cycle counter is read by the processor itself: a virtual
 * machine may make a detour of it. */
bool hd_cost_cycles_are_cheap(void);

/* Around a visit of the slow path; 0 where it is not timed. */
uint64_t hd_cost_begin_timed(void);
static inline uint64_t hd_cost_begin(void)
{
  if (HD_UNLIKELY(!hd_self.visits))
    return hd_cost_begin_timed();
  hd_self.visits--;
  return 0;
}
void hd_cost_add(uint64_t began);
static inline void hd_cost_end(uint64_t began)
{
  if (began)
    hd_cost_add(began);
}

/* CPU time of this thread, before and after it took a snapshot. */
uint64_t hd_cost_thread_ns(void);
void hd_cost_add_writing(uint64_t ns);

/* The costs so far; `samples` is the caller's to fill in. */
struct hd_costs hd_costs_now(void);
/* In a child: its own from here on. */
void hd_costs_forked(void);

#endif
