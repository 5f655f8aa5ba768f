#include "filter.h"

#include "memory.h"

enum { FIRST_SIZE = 64 * 1024, GROWTH = 16, SIZES = 4, FULL = UINT8_MAX };

static _Atomic(uint8_t) nothing, everything = FULL;
static const struct hd_filter off = {0, &nothing}, exact_filter = {0, &everything};
static struct hd_filter sizes[SIZES];
static unsigned used;

_Atomic(const struct hd_filter *) hd_filter = &off;

struct hd_filter *hd_filter_larger(void)
{
  size_t size = FIRST_SIZE;
  if (used == SIZES)
    return NULL;
  for (unsigned i = 0; i < used; i++)
    size *= GROWTH;
  sizes[used].counters = hd_map(size);
  if (!sizes[used].counters)
    return NULL;
  sizes[used].mask = size - 1;
  return &sizes[used++];
}

bool hd_filter_start(bool exact)
{
  const struct hd_filter *filter = exact ? &exact_filter : hd_filter_larger();
  if (filter)
    hd_filter_publish(filter);
  return filter;
}

void hd_filter_publish(const struct hd_filter *filter)
{
  atomic_store_explicit(&hd_filter, filter, memory_order_release);
}

void hd_filter_count_in(const struct hd_filter *filter, uintptr_t address)
{
  _Atomic(uint8_t) *counter = &filter->counters[hd_filter_index(filter, address)];
  uint8_t old = atomic_load_explicit(counter, memory_order_relaxed);
  while (old != FULL && !atomic_compare_exchange_weak(counter, &old, (uint8_t)(old + 1)))
    ;
}

void hd_filter_count(uintptr_t address)
{
  hd_filter_count_in(atomic_load_explicit(&hd_filter, memory_order_acquire), address);
}

void hd_filter_discount(uintptr_t address)
{
  const struct hd_filter *filter = atomic_load_explicit(&hd_filter, memory_order_acquire);
  _Atomic(uint8_t) *counter = &filter->counters[hd_filter_index(filter, address)];
  uint8_t old = atomic_load_explicit(counter, memory_order_relaxed);
  while (old != FULL && old != 0 &&
         !atomic_compare_exchange_weak(counter, &old, (uint8_t)(old - 1)))
    ;
}

bool hd_filter_is_small(uint64_t blocks)
{
  const struct hd_filter *filter = atomic_load_explicit(&hd_filter, memory_order_acquire);
  return filter->mask && used < SIZES && blocks > filter->mask / 4;
}
