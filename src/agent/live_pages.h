/* Live blocks where all are recorded: found through a table that covers the heap
 * like its pages, a word for every 32 bytes, so that neighbours in the heap, which
 * live and die together, are neighbours here. It would waste memory on few blocks
 * far apart; those are in a hash table (live_hash.h).
 *
 * A part of what is live, under its shard's lock. */
#ifndef HD_AGENT_LIVE_PAGES_H
#define HD_AGENT_LIVE_PAGES_H

#include "live.h"
#include "memory.h"

/* 64 kB of the heap; all blocks that begin there are in one shard. */
enum { HD_REGION_BITS = 16 };

struct hd_region {
  uint64_t key;    /* the address's upper bits; they are not 0 */
  uint32_t *words; /* what begins in each granule: a link, 0 for none */
  uint32_t blocks;
};

struct hd_live_pages {
  struct hd_region *regions, *last;
  uint64_t region_mask, region_count;
  void *spare_words; /* of regions that are gone, chained by their beginnings */
  uint32_t *fresh_words, fresh_left;
  struct hd_pool entries;
  uint32_t *free; /* the numbers of unused entries: taking one does not touch it */
  uint32_t free_count, free_size;
};

/* Without the lock: calls for what is known of an address into the processor's cache,
 * where it is likely to be found. */
void hd_live_pages_call_for(const struct hd_live_pages *pages, uintptr_t address);
/* Puts an entry in, in place of one with the same address. False when memory is
 * short. `*fresh`: there was none. */
bool hd_live_pages_put(struct hd_live_pages *pages, const struct hd_live *entry, bool *fresh);
/* Takes one out; what it was goes into `entry` unless that is NULL. */
bool hd_live_pages_take(struct hd_live_pages *pages, uintptr_t address, struct hd_live *entry);
/* Takes all out; the memory is kept for the next ones. */
void hd_live_pages_empty(struct hd_live_pages *pages);
void hd_live_pages_visit(const struct hd_live_pages *pages,
                         void (*visit)(const struct hd_live *entry, void *context), void *context);

#endif
