#include "live.h"

#include "live_hash.h"
#include "live_pages.h"
#include "lock.h"
#include "next.h"
#include "state.h"

#include <stdalign.h>

enum { SHARDS = 64, SHARD_SHIFT = 58 };

struct shard {
  alignas(64) struct hd_lock lock;
  uint64_t used;
  struct hd_live_hash hash;
  struct hd_live_pages pages; /* when recording exactly */
};

static struct shard shards[SHARDS];
static bool exact;

void hd_live_start(bool all)
{
  for (unsigned i = 0; i < SHARDS; i++) {
    hd_live_hash_empty(&shards[i].hash);
    hd_live_pages_empty(&shards[i].pages);
    shards[i].used = 0;
  }
  exact = all;
}

static struct shard *shard_of(uintptr_t address)
{
  return &shards[hd_live_hash_of(exact ? address >> HD_REGION_BITS << 4 : address) >> SHARD_SHIFT];
}

uint64_t hd_live_count(void)
{
  uint64_t count = 0;
  for (unsigned i = 0; i < SHARDS; i++)
    count += shards[i].used;
  return count;
}

static void recount(const struct hd_live *entry, void *filter)
{
  hd_filter_count_in(filter, entry->address);
}

static void enlarge_filter(void)
{
  struct hd_filter *filter = NULL;
  hd_live_lock(-1);
  if (hd_filter_is_small(hd_live_count()))
    filter = hd_filter_larger();
  if (filter) {
    hd_live_visit(recount, filter);
    hd_boot_count_in(filter);
    hd_filter_publish(filter);
  }
  hd_live_unlock();
}

/* With the shard's lock. An entry that is there already is a stale one: its block
 * was freed where the agent could not see it. */
static bool place(struct shard *shard, const struct hd_live *entry)
{
  bool fresh, placed = exact ? hd_live_pages_put(&shard->pages, entry, &fresh)
                             : hd_live_hash_put(&shard->hash, shard->used, entry, &fresh);
  shard->used += fresh;
  if (fresh && !exact)
    hd_filter_count(entry->address);
  return placed;
}

/* With a shard's lock, which keeps a capture away. */
static void count(const struct hd_live *entry, struct hd_pending *pending)
{
  __typeof__(pending->of[0]) *place = &pending->of[entry->record % HD_PENDING];
  if (place->record != entry->record) {
    if (place->record) {
      struct hd_record *record = hd_record_at(place->record - 1);
      atomic_fetch_add_explicit(&record->objects, place->objects, memory_order_relaxed);
      atomic_fetch_add_explicit(&record->bytes, place->bytes, memory_order_relaxed);
    }
    place->record = entry->record;
    place->objects = place->bytes = 0;
  }
  place->objects++;
  place->bytes += entry->size;
}

/* Whether there may be too many for the filter, by one shard of all. */
static bool is_crowded(const struct shard *shard)
{
  return !exact && hd_filter_is_small(shard->used * SHARDS);
}

void hd_live_call_for(uintptr_t address)
{
  if (exact)
    hd_live_pages_call_for(&shard_of(address)->pages, address);
}

bool hd_live_add(const struct hd_live *entry, struct hd_pending *pending)
{
  struct shard *shard = shard_of(entry->address);
  hd_lock_take(&shard->lock);
  bool placed = place(shard, entry), crowded = placed && is_crowded(shard);
  if (placed && pending)
    count(entry, pending);
  hd_lock_release(&shard->lock);
  if (HD_UNLIKELY(crowded))
    enlarge_filter();
  return placed;
}

bool hd_live_remove(uintptr_t address, struct hd_live *entry)
{
  struct shard *shard = shard_of(address);
  hd_lock_take(&shard->lock);
  bool found = exact ? hd_live_pages_take(&shard->pages, address, entry)
                     : hd_live_hash_take(&shard->hash, address, entry);
  shard->used -= found;
  if (found && !exact)
    hd_filter_discount(address);
  hd_lock_release(&shard->lock);
  return found;
}

bool hd_live_lock(int timeout_ms)
{
  for (unsigned i = 0; i < SHARDS; i++) {
    if (hd_lock_take_within(&shards[i].lock, timeout_ms))
      continue;
    while (i-- > 0)
      hd_lock_release(&shards[i].lock);
    return false;
  }
  return true;
}

void hd_live_unlock(void)
{
  for (unsigned i = 0; i < SHARDS; i++)
    hd_lock_release(&shards[i].lock);
}

bool hd_live_is_unlocked(void)
{
  for (unsigned i = 0; i < SHARDS; i++)
    if (!hd_lock_is_free(&shards[i].lock))
      return false;
  return true;
}

void hd_live_reset_locks(void)
{
  for (unsigned i = 0; i < SHARDS; i++)
    hd_lock_reset(&shards[i].lock);
}

void hd_live_visit(void (*visit)(const struct hd_live *entry, void *context), void *context)
{
  for (unsigned i = 0; i < SHARDS; i++) {
    if (exact)
      hd_live_pages_visit(&shards[i].pages, visit, context);
    else
      hd_live_hash_visit(&shards[i].hash, visit, context);
  }
}
