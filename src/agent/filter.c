#include "filter.h"

#include "memory.h"
#include "next.h"

#include <string.h>

/* The first one is there from the start, untouched and so without memory. It grows
 * once more than one cell in SPARSE is taken. */
enum { FIRST_CELLS = 64 * 1024, GROWTH = 4, LARGEST = 64 * 1024 * 1024, SPARSE = 16 };
enum { MANY = 3, LARGER = 5 };

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

static void clear(struct hd_filter *filter)
{
  memset((void *)filter->cells, 0, filter->mask + 1);
}

/* Those of an earlier recording are kept, as nobody knows who still looks at them. */
struct hd_filter *hd_filter_larger(void)
{
  static struct hd_filter *kept[LARGER];
  size_t cells = (current()->mask + 1) * GROWTH;
  unsigned step = 0;
  for (size_t of = FIRST_CELLS * GROWTH; of < cells; of *= GROWTH)
    step++;
  if (cells > LARGEST || step >= LARGER)
    return NULL;
  if (kept[step]) {
    clear(kept[step]);
    return kept[step];
  }
  kept[step] = hd_map(sizeof *kept[step] + cells);
  if (kept[step])
    kept[step]->mask = cells - 1;
  return kept[step];
}

/* The first recording of all finds it as it should be. */
void hd_filter_start(bool exact)
{
  static bool used;
  atomic_store(&everything.filter.cells[0], UINT8_MAX);
  if (used) {
    clear(&first.filter);
    hd_boot_count_in(&first.filter);
  }
  used = true;
  hd_filter_publish(exact ? &everything.filter : &first.filter);
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
