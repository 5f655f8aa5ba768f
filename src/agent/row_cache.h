/* What walking needs to know about an address, from the last time it was looked
 * up: the frame's id and the rule to its caller. Shared by all threads without a
 * lock: an entry that is being written counts as absent. */
#ifndef HD_AGENT_ROW_CACHE_H
#define HD_AGENT_ROW_CACHE_H

#include "cfi.h"
#include "state.h"

#include <stdatomic.h>

/* Stands for a frame of the agent itself, which is not recorded. */
#define HD_OWN_FRAME UINT32_MAX

/* The registers that a function keeps for its caller. */
enum { HD_CACHED_REGISTERS = 6, HD_CACHED_RBP = 5 };
extern const uint8_t hd_cached_registers[HD_CACHED_REGISTERS] __attribute__((visibility("hidden")));

/* What is out of the ordinary about a row; by rbp is not, but the CFA is else sp's. */
enum {
  HD_ROW_BY_RBP = 1,
  HD_ROW_OUTERMOST = 2,
  HD_ROW_MAY_SWITCH = 4,
  /* A realigned stack: the CFA is saved at rbp + cfa_offset, and the registers
   * below rbp + 8 instead of the CFA. */
  HD_ROW_REALIGNED = 8,
  HD_ROW_BY_OTHER = 16, /* the CFA is found by yet another register */
  HD_ROW_OWN = 32       /* of the agent */
};

/* Two words, taken apart in registers: the frame and the CFA's offset; its register,
 * the flags, and for each kept register how many words from the CFA it is saved: below,
 * so less than 0; 0 where it is not. */
struct hd_cached_row {
  uint64_t first, second;
};

static inline uint32_t hd_row_frame(struct hd_cached_row row)
{
  return (uint32_t)row.first;
}

static inline uint64_t hd_row_cfa_offset(struct hd_cached_row row)
{
  return (uint64_t)(int64_t)(int32_t)(row.first >> 32);
}

static inline unsigned hd_row_cfa_register(struct hd_cached_row row)
{
  return row.second & 0xff;
}

static inline unsigned hd_row_flags(struct hd_cached_row row)
{
  return row.second >> 8 & 0xff;
}

static inline int64_t hd_row_saved(struct hd_cached_row row, unsigned i)
{
  return (int8_t)(row.second >> (16 + 8 * i));
}

static inline bool hd_row_has(struct hd_cached_row row, unsigned flags)
{
  return (uint32_t)row.second & flags << 8;
}

/* Nothing is out of the ordinary. */
static inline bool hd_row_is_plain(struct hd_cached_row row)
{
  return !hd_row_has(row, 0xffu & ~HD_ROW_BY_RBP);
}

/* The version is odd while the entry is being written. */
struct hd_row_entry {
  _Atomic(uint64_t) version, key, first, second;
};

enum { HD_ROW_WORDS = sizeof(struct hd_row_entry) / sizeof(uint64_t) };

struct hd_row_cache {
  uint64_t mask; /* of the indexes of entries, in words */
  _Atomic(uint64_t) *words;
};

/* Another one takes its place only for more room; whoever is still in the old one may
 * stay there. */
extern _Atomic(struct hd_row_cache *) hd_row_cache __attribute__((visibility("hidden")));

static inline struct hd_row_cache hd_row_cache_now(void)
{
  return *atomic_load_explicit(&hd_row_cache, memory_order_acquire);
}

/* Room for more where every allocation is recorded. False when memory is short. */
bool hd_row_cache_start(bool exact);

/* False where the row is not of a plain kind: CFA from a register, the return
 * address just below it, the kept registers saved further below. */
bool hd_row_compress(const struct hd_cfi_row *row, uint32_t frame, struct hd_cached_row *cached);
void hd_row_cache_put(uintptr_t lookup, uint32_t generation, struct hd_cached_row row);

/* Injective in the address within a generation, and never 0: user addresses have
 * 47 bits. */
static inline uint64_t hd_row_key(uintptr_t lookup, uint32_t generation)
{
  return lookup + ((uint64_t)generation << 47);
}

/* The first word of an address's entry; it may also be in the other entry of the same
 * line of the processor's cache. The address after a call is told from others best by its
 * low bits, save the last two, as a call is longer. */
static inline uint64_t hd_row_index(struct hd_row_cache cache, uintptr_t lookup)
{
  return (lookup + 1) & cache.mask;
}

static inline uint64_t hd_row_other(uint64_t index)
{
  return index ^ HD_ROW_WORDS;
}

static inline struct hd_row_entry *hd_row_entry(struct hd_row_cache cache, uint64_t index)
{
  return (struct hd_row_entry *)&cache.words[index];
}

/* An odd version is never met again. */
static inline bool hd_row_read(const struct hd_row_entry *entry, uint64_t wanted,
                               struct hd_cached_row *row)
{
  uint64_t version = atomic_load_explicit(&entry->version, memory_order_acquire);
  uint64_t key = atomic_load_explicit(&entry->key, memory_order_acquire);
  row->first = atomic_load_explicit(&entry->first, memory_order_acquire);
  row->second = atomic_load_explicit(&entry->second, memory_order_acquire);
  if (HD_UNLIKELY(key != wanted))
    return false;
  return HD_LIKELY((version & ~UINT64_C(1)) ==
                   atomic_load_explicit(&entry->version, memory_order_relaxed));
}

static inline bool hd_row_cache_get(struct hd_row_cache cache, uintptr_t lookup,
                                    uint32_t generation, struct hd_cached_row *row)
{
  uint64_t index = hd_row_index(cache, lookup), key = hd_row_key(lookup, generation);
  return HD_LIKELY(hd_row_read(hd_row_entry(cache, index), key, row)) ||
         hd_row_read(hd_row_entry(cache, hd_row_other(index)), key, row);
}

#endif
