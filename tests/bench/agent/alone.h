/* The agent's unwinder outside of the agent: what it needs of the rest. */
#ifndef BENCH_ALONE_H
#define BENCH_ALONE_H

#include "fork.h"
#include "modules.h"
#include "row_cache.h"
#include "state.h"
#include "unwind.h"

enum { ALONE_FRAMES = 1024 };

__thread struct hd_thread hd_self;
_Atomic(int) hd_state = HD_ON;

void hd_fork_yield(void)
{
}

/* A walk's own memory, for one thread at a time. */
static inline struct hd_walk *alone_walk(void)
{
  static __thread struct hd_walk walk;
  static __thread struct hd_step steps[ALONE_FRAMES], fresh[ALONE_FRAMES];
  walk.steps = steps;
  walk.fresh = fresh;
  return &walk;
}

/* Without hd_unwind_start no frame counts as the agent's own. */
static inline void alone_start(void)
{
  hd_row_cache_start(true);
}

#endif
