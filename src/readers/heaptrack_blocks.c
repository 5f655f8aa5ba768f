/* Blocks by address: a hash table with open addressing, as its entries go as often
 * as they come. */
#include "readers/heaptrack.h"

enum { LEAST_SLOTS = 1024 };

static size_t home(const struct hd_heaptrack_blocks *blocks, uint64_t pointer)
{
  return hd_hash(&pointer, sizeof pointer) & (blocks->capacity - 1);
}

/* Where the pointer is, or the free slot in which it would be. */
static size_t find(const struct hd_heaptrack_blocks *blocks, uint64_t pointer)
{
  size_t at = home(blocks, pointer);
  while (blocks->slots[at].info && blocks->slots[at].pointer != pointer)
    at = (at + 1) & (blocks->capacity - 1);
  return at;
}

static bool grow(struct hd_heaptrack_blocks *blocks)
{
  size_t capacity = blocks->capacity ? blocks->capacity * 2 : LEAST_SLOTS;
  struct hd_heaptrack_blocks grown = {hd_alloc_zeroed(capacity, sizeof *grown.slots), blocks->count,
                                      capacity};
  if (!grown.slots)
    return false;
  for (size_t i = 0; i < blocks->capacity; i++)
    if (blocks->slots[i].info)
      grown.slots[find(&grown, blocks->slots[i].pointer)] = blocks->slots[i];
  hd_free(blocks->slots);
  *blocks = grown;
  return true;
}

bool hd_heaptrack_blocks_add(struct hd_heaptrack_blocks *blocks, uint64_t pointer, uint32_t info)
{
  if (blocks->count >= blocks->capacity / 2 && !grow(blocks))
    return false;
  size_t at = find(blocks, pointer);
  blocks->count += !blocks->slots[at].info;
  blocks->slots[at] = (struct hd_heaptrack_block){pointer, info + 1};
  return true;
}

/* What follows moves up, so that no search ends early at the gap. */
static void close_gap(struct hd_heaptrack_blocks *blocks, size_t gap)
{
  size_t mask = blocks->capacity - 1;
  for (size_t at = (gap + 1) & mask; blocks->slots[at].info; at = (at + 1) & mask) {
    size_t away = (at - home(blocks, blocks->slots[at].pointer)) & mask;
    if (away < ((at - gap) & mask))
      continue;
    blocks->slots[gap] = blocks->slots[at];
    gap = at;
  }
  blocks->slots[gap].info = 0;
}

uint32_t hd_heaptrack_blocks_take(struct hd_heaptrack_blocks *blocks, uint64_t pointer)
{
  if (!blocks->count)
    return 0;
  size_t at = find(blocks, pointer);
  uint32_t info = blocks->slots[at].info;
  if (!info)
    return 0;
  blocks->count--;
  close_gap(blocks, at);
  return info;
}
