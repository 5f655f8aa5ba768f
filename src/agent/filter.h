/* Which addresses may be recorded ones: what lets nearly every free pass after
 * one look. Cells of a byte, indexed by a hash of the address that keeps
 * neighbours together. A cell has a count in its two upper bits (3: three or more,
 * and so for good) and below it the exclusive or of the tags of what it counts: one
 * that counts a single block lets any with another tag pass. */
#ifndef HD_AGENT_FILTER_H
#define HD_AGENT_FILTER_H

#include "state.h"

#include <stddef.h>

enum { HD_FILTER_ONE = 1 << 6, HD_FILTER_TAGS = HD_FILTER_ONE - 1 };

/* Off: nothing passes for recorded but what the agent itself handed out. Exact: all
 * does. */
struct hd_filter {
  uintptr_t mask;
  _Atomic(uint8_t) cells[];
};

extern _Atomic(struct hd_filter *) hd_filter __attribute__((visibility("hidden")));

/* The cell that says "just this one, and no other". */
static inline uint8_t hd_filter_single(uintptr_t address)
{
  return (uint8_t)(HD_FILTER_ONE | (address >> 20 & HD_FILTER_TAGS));
}

/* A sum, as by an exclusive or blocks that lie a little more than 1 MiB apart, each a
 * large one with its header, would share few cells. */
static inline uintptr_t hd_filter_index(const struct hd_filter *filter, uintptr_t address)
{
  return (address + (address >> 20)) >> 4 & filter->mask;
}

/* The difference is 0 for a cell with this one alone, and has the upper bit where
 * the cell counts two or more: nothing else is as small, read with a sign. */
static inline bool hd_filter_maybe(const void *block)
{
  const struct hd_filter *filter = atomic_load_explicit(&hd_filter, memory_order_acquire);
  uintptr_t address = (uintptr_t)block;
  uint8_t cell =
      atomic_load_explicit(&filter->cells[hd_filter_index(filter, address)], memory_order_relaxed);
  return (int8_t)(cell ^ hd_filter_single(address)) <= 0;
}

/* When recording starts, or ends (then as when sampling): nothing is counted in it
 * but the agent's own blocks. */
void hd_filter_start(bool exact);
void hd_filter_count(uintptr_t address);
void hd_filter_discount(uintptr_t address);
/* Whether the filter has become too full for so many blocks. */
bool hd_filter_is_small(uint64_t blocks);
/* A larger one, empty; the caller counts everything again with
 * `hd_filter_count_in` and then publishes, nothing being added meanwhile. The old
 * one stays for those who are looking at it. NULL when there is no larger one. */
struct hd_filter *hd_filter_larger(void);
void hd_filter_count_in(struct hd_filter *filter, uintptr_t address);
void hd_filter_publish(struct hd_filter *filter);

#endif
