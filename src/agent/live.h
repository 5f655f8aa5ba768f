/* The recorded blocks that are live, by address, in shards with a lock each. */
#ifndef HD_AGENT_LIVE_H
#define HD_AGENT_LIVE_H

#include "filter.h"
#include "stacks.h"

struct hd_live {
  uintptr_t address; /* 0: an empty slot */
  uint64_t size;
  uint64_t record : 24;  /* 1-based */
  uint64_t born_ms : 40; /* since the image began */
};

/* Word by word: it was just written so, and what reads two at once would wait until
 * both have reached the processor's cache. */
static inline void hd_live_copy(struct hd_live *to, const struct hd_live *from)
{
  uint64_t last;
  __builtin_memcpy(&last, (const char *)from + 2 * sizeof last, sizeof last);
  to->address = from->address;
  to->size = from->size;
  __builtin_memcpy((char *)to + 2 * sizeof last, &last, sizeof last);
}
_Static_assert(sizeof(struct hd_live) == 3 * sizeof(uint64_t), "three words");

static inline uint64_t hd_live_hash_of(uintptr_t address)
{
  return (address >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

/* When recording starts: whether every block will be recorded. Nothing is live then;
 * with all shards locked. */
void hd_live_start(bool all);

/* What was allocated, by record, and not yet added to the records: each thread that
 * records has one to itself while it does. What differs in HD_PENDING records' ids
 * or less shares none of the places. */
enum { HD_PENDING = 64 };
struct hd_pending {
  struct {
    uint64_t objects, bytes;
    uint32_t record; /* 1-based; 0: none */
  } of[HD_PENDING];
};

/* A block is about to be added or taken out: so that the processor has by then what it
 * is looked up in. */
void hd_live_call_for(uintptr_t address);
/* Adds a block; the record's allocations rise in the same instant, in `pending`
 * unless that is NULL: then the block has been counted before. False when memory is
 * short. */
bool hd_live_add(const struct hd_live *entry, struct hd_pending *pending);
/* Takes a block out, into `entry` unless that is NULL; false where it is not one of
 * the recorded. */
bool hd_live_remove(uintptr_t address, struct hd_live *entry);

/* How many are live; exactly so with all shards locked. */
uint64_t hd_live_count(void);

/* All shards at once: nothing moves between. False when time is up. */
bool hd_live_lock(int timeout_ms);
void hd_live_unlock(void);
bool hd_live_is_unlocked(void);
/* In a child. */
void hd_live_reset_locks(void);
/* Every live block, with all shards locked. */
void hd_live_visit(void (*visit)(const struct hd_live *entry, void *context), void *context);

#endif
