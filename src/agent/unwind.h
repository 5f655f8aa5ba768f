/* The calling thread's stack, as frames. */
#ifndef HD_AGENT_UNWIND_H
#define HD_AGENT_UNWIND_H

#include "entry.h"
#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>

/* A frame as it was met: what the walk knew there, and where its caller's rbp is
 * saved (NULL: it is still in the register). */
struct hd_step {
  uint64_t pc, sp, rbp;
  const uint64_t *rbp_saved;
  uint64_t hash; /* of this frame and all that are rootward of it */
  uint32_t frame;
  bool by_rbp;    /* its caller is found by rbp */
  bool needs_rbp; /* the way to the root depends on what rbp is here */
};

/* Kept from walk to walk: the next one stops where it meets what the last one has
 * seen, and nothing has changed. */
struct hd_walk {
  uint32_t count;
  bool truncated;        /* it goes on rootward, where nobody knows */
  bool failed;           /* a frame found no room: the stack is of no use */
  bool reusable;         /* all of it, by the next walk */
  uint32_t generation;   /* that the addresses belong to */
  uint32_t stack;        /* the stack's id where it is that of the last walk, else 0 */
  struct hd_step *steps; /* root first */
  struct hd_step *fresh; /* leaf first, while walking */
};

static inline uint64_t hd_walk_hash(const struct hd_walk *walk)
{
  return walk->count ? walk->steps[walk->count - 1].hash : walk->truncated;
}

/* The frame's id, counted from the leaf. */
static inline uint32_t hd_walk_frame(const struct hd_walk *walk, uint32_t index)
{
  return walk->steps[walk->count - 1 - index].frame;
}

/* Gives a walk, zeroed, its memory; false where there is none. */
bool hd_walk_init(struct hd_walk *walk, uint32_t limit);
/* To be called once, before the first walk. */
void hd_unwind_start(void);
/* Walks rootward, at most `limit` frames, from what the entry stands for or, where
 * that is NULL, from the caller of the agent. Takes no lock but the tables', and
 * that only for addresses not seen before; whatever the stack holds, it reads
 * nothing that is not readable. */
void hd_walk_stack(struct hd_walk *walk, uint32_t limit, const struct hd_entry *entry);

#endif
