/* The calling thread's stack, as frames. */
#ifndef HD_AGENT_UNWIND_H
#define HD_AGENT_UNWIND_H

#include "entry.h"
#include "protocol.h"
#include "row_cache.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A frame as it was met: what the walk knew there, and how it went on to the caller. */
struct hd_step {
  uint64_t pc, sp, rbp;
  uint64_t before; /* the hash of what was met before it, see hd_walk_mix */
  struct hd_cached_row row;
};

/* Kept from walk to walk: the next one stops where it meets what the last one has
 * seen, and nothing has changed. A walk from nothing writes its steps into the other
 * room, from the middle on; what a later one meets stays where it is, and the new
 * steps are put before it: rootward is always up. */
struct hd_walk {
  struct hd_step *leaf;  /* its steps are from here to `end`, where one follows that no */
  struct hd_step *end;   /* other comes up to */
  struct hd_step *by_sp; /* from here on rootward no caller is found by rbp, for certain */
  uint32_t generation;   /* that the addresses belong to */
  uint32_t stack;        /* the stack's id where it is that of the last walk, else 0 */
  bool truncated;        /* it goes on rootward, where nobody knows */
  bool failed;           /* a frame found no room: the stack is of no use */
  bool reusable;         /* all of it, by the next walk */
  uint64_t hash;         /* of its frames */
  uint64_t whole;        /* that of the last walk from nothing, for `before` */
  struct hd_step *steps; /* twice as many as the longest walk has */
  struct hd_step *fresh; /* the other room */
};

/* The hash of a walk that goes on, rootward, to one more frame. In the end each frame
 * has been turned by as many bits as there are frames rootward of it: so the part of
 * the root alone can be told from the whole and what was before. */
static inline uint64_t hd_walk_mix(uint64_t hash, uint32_t frame)
{
  return (hash << 1 | hash >> 63) ^ frame * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t hd_walk_count(const struct hd_walk *walk)
{
  return (uint32_t)(walk->end - walk->leaf);
}

/* The frame's id, counted from the leaf. */
static inline uint32_t hd_walk_frame(const struct hd_walk *walk, uint32_t index)
{
  return hd_row_frame(walk->leaf[index].row);
}

/* How much memory walks of at most so many frames need, and giving it to one that is
 * zeroed. */
static inline size_t hd_walk_room(uint32_t limit)
{
  return 2 * (2 * (size_t)limit + 1) * sizeof(struct hd_step);
}

static inline void hd_walk_place(struct hd_walk *walk, void *room, uint32_t limit)
{
  walk->steps = room;
  walk->fresh = walk->steps + 2 * (size_t)limit + 1;
}

/* The same with memory of its own; false where there is none. */
bool hd_walk_init(struct hd_walk *walk, uint32_t limit);
/* To be called once, before the first walk. */
void hd_unwind_start(void);
/* Walks rootward, at most `limit` frames, from what the entry stands for or, where
 * that is NULL, from the caller of the agent. Takes no lock but the tables', and
 * that only for addresses not seen before; whatever the stack holds, it reads
 * nothing that is not readable. */
void hd_walk_stack(struct hd_walk *walk, uint32_t limit, const struct hd_entry *entry);

#endif
