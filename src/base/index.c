#include "base/index.h"

#include "base/alloc.h"

#include <xxhash.h>

uint64_t hd_hash(const void *data, size_t size)
{
  return XXH3_64bits(data, size);
}

/* One folded 32-bit hash serves as position and as first comparison: tables
 * hold fewer than 2^32 items, and the caller's `equal` decides in the end. */
static uint32_t fold(uint64_t hash)
{
  return (uint32_t)(hash ^ (hash >> 32));
}

uint32_t hd_index_find(const struct hd_index *index, uint64_t hash, hd_index_equal equal,
                       const void *context, const void *key)
{
  if (!index->capacity)
    return 0;
  size_t mask = index->capacity - 1;
  uint32_t folded = fold(hash);
  for (size_t at = folded & mask;; at = (at + 1) & mask) {
    const struct hd_index_slot *slot = &index->slots[at];
    if (!slot->id)
      return 0;
    if (slot->hash == folded && equal(context, slot->id, key))
      return slot->id;
  }
}

static void place(struct hd_index_slot *slots, size_t capacity, struct hd_index_slot slot)
{
  size_t mask = capacity - 1, at = slot.hash & mask;
  while (slots[at].id)
    at = (at + 1) & mask;
  slots[at] = slot;
}

static bool grow(struct hd_index *index)
{
  size_t capacity = index->capacity ? index->capacity * 2 : 64;
  struct hd_index_slot *slots = hd_alloc_zeroed(capacity, sizeof *slots);
  if (!slots)
    return false;
  for (size_t i = 0; i < index->capacity; i++)
    if (index->slots[i].id)
      place(slots, capacity, index->slots[i]);
  hd_free(index->slots);
  index->slots = slots;
  index->capacity = capacity;
  return true;
}

bool hd_index_add(struct hd_index *index, uint64_t hash, uint32_t id)
{
  if (index->count + 1 > index->capacity - index->capacity / 4 && !grow(index))
    return false;
  place(index->slots, index->capacity, (struct hd_index_slot){fold(hash), id});
  index->count++;
  return true;
}

void hd_index_deinit(struct hd_index *index)
{
  hd_free(index->slots);
  *index = (struct hd_index){0};
}
