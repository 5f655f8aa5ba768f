/* The calling thread's stack, as frames. */
#ifndef HD_AGENT_UNWIND_H
#define HD_AGENT_UNWIND_H

#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct hd_walk {
  uint32_t count;
  bool truncated;                     /* it goes on rootward, where nobody knows */
  bool failed;                        /* a frame found no room: the stack is of no use */
  uint32_t frames[HD_MAX_MAX_FRAMES]; /* ids, leaf first */
};

/* To be called once, before the first walk. */
void hd_unwind_start(void);
/* Walks from the caller of the agent's hook rootward, at most `limit` frames.
 * Takes no lock but the tables', and that only for addresses not seen before;
 * whatever the stack holds, it reads nothing that is not readable. */
void hd_walk_stack(struct hd_walk *walk, uint32_t limit);

#endif
