/* Which addresses may be recorded ones: what lets nearly every free pass after
 * one look. Counters of a byte, indexed by a hash of the address that keeps
 * neighbours together; one that is full stays so. */
#ifndef HD_AGENT_FILTER_H
#define HD_AGENT_FILTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hd_filter {
  uintptr_t mask;
  _Atomic(uint8_t) *counters;
};

/* Off: one counter of 0, nothing passes. Exact: one of 255, everything does. */
extern _Atomic(const struct hd_filter *) hd_filter;

static inline uintptr_t hd_filter_index(const struct hd_filter *filter, uintptr_t address)
{
  return (address >> 4 ^ address >> 20) & filter->mask;
}

static inline bool hd_filter_maybe(const void *block)
{
  const struct hd_filter *filter = atomic_load_explicit(&hd_filter, memory_order_acquire);
  uintptr_t i = hd_filter_index(filter, (uintptr_t)block);
  return atomic_load_explicit(&filter->counters[i], memory_order_relaxed) != 0;
}

/* False when memory is short. */
bool hd_filter_start(bool exact);
void hd_filter_count(uintptr_t address);
void hd_filter_discount(uintptr_t address);
/* Whether the filter has become too full for so many blocks. */
bool hd_filter_is_small(uint64_t blocks);
/* Replaces it by a larger one, empty; the caller counts everything again with
 * `hd_filter_count_in` and then publishes, nothing being added meanwhile. The old
 * one stays for those who are looking at it. NULL when there is no larger one. */
struct hd_filter *hd_filter_larger(void);
void hd_filter_count_in(const struct hd_filter *filter, uintptr_t address);
void hd_filter_publish(const struct hd_filter *filter);

#endif
