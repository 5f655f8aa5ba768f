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

/* Adds a block; with `count` the record's allocations rise in the same instant.
 * False when memory is short. */
bool hd_live_add(struct hd_live entry, bool count);
/* Takes a block out; false where it is not one of the recorded. */
bool hd_live_remove(uintptr_t address, struct hd_live *entry);

/* All shards at once: nothing moves between. False when time is up. */
bool hd_live_lock(int timeout_ms);
void hd_live_unlock(void);
bool hd_live_is_unlocked(void);
/* In a child. */
void hd_live_reset_locks(void);
/* Every live block, with all shards locked. */
void hd_live_visit(void (*visit)(const struct hd_live *entry, void *context), void *context);

#endif
