#include "live.h"

#include "lock.h"
#include "memory.h"
#include "random.h"

#include <stdalign.h>

enum { SHARDS = 64, SHARD_SHIFT = 58, FIRST_SLOTS = 128 };

struct shard {
  alignas(64) struct hd_lock lock;
  struct hd_live *slots;
  uint64_t mask, used;
};

static struct shard shards[SHARDS];
static _Atomic(uint64_t) live_count;

static uint64_t hash_of(uintptr_t address)
{
  return (address >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct shard *shard_of(uint64_t hash)
{
  return &shards[hash >> SHARD_SHIFT];
}

static uint64_t slot_of(const struct shard *shard, uintptr_t address)
{
  return hash_of(address) >> 20 & shard->mask;
}

/* The block's slot or the empty one where it would be. */
static struct hd_live *find(const struct shard *shard, uintptr_t address)
{
  uint64_t i = slot_of(shard, address);
  while (shard->slots[i].address && shard->slots[i].address != address)
    i = (i + 1) & shard->mask;
  return &shard->slots[i];
}

static bool make_room(struct shard *shard)
{
  uint64_t old_slots = shard->slots ? shard->mask + 1 : 0;
  if (shard->used < old_slots / 4 * 3)
    return true;
  uint64_t slots = old_slots ? old_slots * 2 : FIRST_SLOTS;
  struct hd_live *old = shard->slots, *fresh = hd_map(slots * sizeof *fresh);
  if (!fresh)
    return shard->used + 1 < old_slots;
  shard->slots = fresh;
  shard->mask = slots - 1;
  for (uint64_t i = 0; i < old_slots; i++)
    if (old[i].address)
      *find(shard, old[i].address) = old[i];
  hd_unmap(old, old_slots * sizeof *old);
  return true;
}

static void recount(const struct hd_live *entry, void *filter)
{
  hd_filter_count_in(filter, entry->address);
}

static void enlarge_filter(void)
{
  struct hd_filter *filter = NULL;
  hd_live_lock(-1);
  if (hd_filter_is_small(atomic_load(&live_count)))
    filter = hd_filter_larger();
  if (filter) {
    hd_live_visit(recount, filter);
    hd_filter_publish(filter);
  }
  hd_live_unlock();
}

/* With the shard's lock. An entry that is there already is a stale one: its block
 * was freed where the agent could not see it. */
static bool place(struct shard *shard, struct hd_live entry)
{
  if (!make_room(shard))
    return false;
  struct hd_live *slot = find(shard, entry.address);
  if (!slot->address) {
    shard->used++;
    atomic_fetch_add_explicit(&live_count, 1, memory_order_relaxed);
    hd_filter_count(entry.address);
  }
  *slot = entry;
  return true;
}

bool hd_live_add(struct hd_live entry, bool count)
{
  struct shard *shard = shard_of(hash_of(entry.address));
  hd_lock_take(&shard->lock);
  bool placed = place(shard, entry);
  if (placed && count) {
    struct hd_record *record = hd_record_at(entry.record - 1);
    atomic_fetch_add_explicit(&record->objects, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&record->bytes, entry.size, memory_order_relaxed);
  }
  hd_lock_release(&shard->lock);
  if (placed && hd_filter_is_small(atomic_load_explicit(&live_count, memory_order_relaxed)))
    enlarge_filter();
  return placed;
}

/* Closes the gap that a removed entry leaves: an entry behind it moves up unless
 * that would put it before its own slot. */
static void close_gap(struct shard *shard, uint64_t gap)
{
  for (uint64_t i = (gap + 1) & shard->mask; shard->slots[i].address; i = (i + 1) & shard->mask) {
    uint64_t home = slot_of(shard, shard->slots[i].address);
    if (((i - home) & shard->mask) >= ((i - gap) & shard->mask)) {
      shard->slots[gap] = shard->slots[i];
      gap = i;
    }
  }
  shard->slots[gap] = (struct hd_live){0, 0, 0, 0};
}

bool hd_live_remove(uintptr_t address, struct hd_live *entry)
{
  struct shard *shard = shard_of(hash_of(address));
  bool found = false;
  hd_lock_take(&shard->lock);
  if (shard->slots) {
    struct hd_live *slot = find(shard, address);
    found = slot->address;
    if (found) {
      *entry = *slot;
      close_gap(shard, (uint64_t)(slot - shard->slots));
      shard->used--;
      atomic_fetch_sub_explicit(&live_count, 1, memory_order_relaxed);
      hd_filter_discount(address);
    }
  }
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
  for (unsigned i = 0; i < SHARDS; i++)
    for (uint64_t k = 0; shards[i].slots && k <= shards[i].mask; k++)
      if (shards[i].slots[k].address)
        visit(&shards[i].slots[k], context);
}
