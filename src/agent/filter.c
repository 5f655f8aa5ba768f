#include "filter.h"

#include "memory.h"

/* The first one is there from the start, untouched and so without memory. It grows
 * once more than one cell in SPARSE is taken. */
enum { FIRST_CELLS = 64 * 1024, GROWTH = 4, LARGEST = 64 * 1024 * 1024, SPARSE = 16 };
enum { MANY = 3 };

static union {
  struct hd_filter filter;
  char memory[sizeof(struct hd_filter) + FIRST_CELLS];
} first = {.filter = {.mask = FIRST_CELLS - 1}};

static union {
  struct hd_filter filter;
  char memory[sizeof(struct hd_filter) + 1];
} everything;

_Atomic(struct hd_filter *) hd_filter = &first.filter;

static struct hd_filter *current(void)
{
  return atomic_load_explicit(&hd_filter, memory_order_acquire);
}

struct hd_filter *hd_filter_larger(void)
{
  size_t cells = (current()->mask + 1) * GROWTH;
  struct hd_filter *filter = cells <= LARGEST ? hd_map(sizeof *filter + cells) : NULL;
  if (filter)
    filter->mask = cells - 1;
  return filter;
}

void hd_filter_start(bool exact)
{
  if (!exact)
    return;
  atomic_store(&everything.filter.cells[0], UINT8_MAX);
  hd_filter_publish(&everything.filter);
}

void hd_filter_publish(struct hd_filter *filter)
{
  atomic_store_explicit(&hd_filter, filter, memory_order_release);
}

static uint8_t with(uint8_t cell, uintptr_t address, int change)
{
  int count = cell / HD_FILTER_ONE;
  if (count == MANY || count + change < 0)
    return cell;
  uint8_t tags = (cell ^ hd_filter_single(address)) & HD_FILTER_TAGS;
  return (uint8_t)((count + change) * HD_FILTER_ONE + tags);
}

static void update(struct hd_filter *filter, uintptr_t address, int change)
{
  _Atomic(uint8_t) *cell = &filter->cells[hd_filter_index(filter, address)];
  uint8_t old = atomic_load_explicit(cell, memory_order_relaxed), fresh;
  do
    fresh = with(old, address, change);
  while (fresh != old && !atomic_compare_exchange_weak(cell, &old, fresh));
}

void hd_filter_count_in(struct hd_filter *filter, uintptr_t address)
{
  update(filter, address, 1);
}

void hd_filter_count(uintptr_t address)
{
  update(current(), address, 1);
}

void hd_filter_discount(uintptr_t address)
{
  update(current(), address, -1);
}

bool hd_filter_is_small(uint64_t blocks)
{
  const struct hd_filter *filter = current();
  return filter->mask && filter->mask < LARGEST - 1 && blocks > filter->mask / SPARSE;
}
