/* The agent's unwinder outside of the agent: what it needs of the rest. */
#ifndef BENCH_ALONE_H
#define BENCH_ALONE_H

#include "fork.h"
#include "modules.h"
#include "row_cache.h"
#include "state.h"
#include "unwind.h"

enum { ALONE_FRAMES = 128 };

__thread struct hd_thread hd_self;
_Atomic(int) hd_state = HD_ON;

void hd_fork_yield(void)
{
}

/* One of the thread's own walks. */
enum alone_walk { ALONE_HELPED, ALONE_ANEW, ALONE_WALKS };
static inline struct hd_walk *alone_walk(enum alone_walk which)
{
  static __thread struct hd_walk walks[ALONE_WALKS];
  static __thread struct hd_step room[ALONE_WALKS][4 * ALONE_FRAMES + 2];
  if (!walks[which].steps)
    hd_walk_place(&walks[which], room[which], ALONE_FRAMES);
  return &walks[which];
}

/* Without hd_unwind_start no frame counts as the agent's own. */
static inline void alone_start(void)
{
  hd_row_cache_start(true);
}

#endif
