/* Live blocks where few are recorded: an open hash table by address. A part of what
 * is live, under its shard's lock. */
#ifndef HD_AGENT_LIVE_HASH_H
#define HD_AGENT_LIVE_HASH_H

#include "live.h"

struct hd_live_hash {
  struct hd_live *slots;
  uint64_t mask;
};

/* As in live_pages.h. */
bool hd_live_hash_put(struct hd_live_hash *table, uint64_t used, const struct hd_live *entry,
                      bool *fresh);
bool hd_live_hash_take(struct hd_live_hash *table, uintptr_t address, struct hd_live *entry);
/* Takes all out, and gives the memory back. */
void hd_live_hash_empty(struct hd_live_hash *table);
void hd_live_hash_visit(const struct hd_live_hash *table,
                        void (*visit)(const struct hd_live *entry, void *context), void *context);

#endif
