#include "row_cache.h"

#include "random.h"

#include <stdatomic.h>
#include <string.h>

enum { ENTRIES = 16384, MAX_SAVED = 255 };

const uint8_t hd_cached_registers[HD_CACHED_REGISTERS] = {HD_REG_RBX, HD_REG_RBP, HD_REG_R12,
                                                          13,         14,         HD_REG_R15};

_Static_assert(sizeof(struct hd_cached_row) == 16, "two words an entry");

static struct {
  _Atomic(uint64_t) check, first, second;
} entries[ENTRIES];

static bool compress_register(const struct hd_rule *rule, uint8_t *saved)
{
  *saved = 0;
  if (rule->kind == HD_RULE_SAME)
    return true;
  if (rule->kind != HD_RULE_OFFSET || rule->value >= 0 || rule->value % 8 ||
      rule->value < -8 * MAX_SAVED)
    return false;
  *saved = (uint8_t)(-rule->value / 8);
  return true;
}

bool hd_row_compress(const struct hd_cfi_row *row, uint32_t frame, struct hd_cached_row *cached)
{
  const struct hd_rule *ra = &row->rules[HD_REG_RA];
  *cached = (struct hd_cached_row){.frame = frame};
  if (row->is_signal_frame)
    return false;
  if (ra->kind == HD_RULE_UNDEFINED) {
    cached->outermost = true;
    return true;
  }
  if (row->cfa.kind != HD_RULE_VAL_OFFSET || row->cfa.value != (int32_t)row->cfa.value ||
      row->cfa_register >= HD_REGS || ra->kind != HD_RULE_OFFSET || ra->value != -8 ||
      row->rules[HD_REG_RSP].kind != HD_RULE_SAME)
    return false;
  cached->may_switch = row->may_switch;
  cached->cfa_register = row->cfa_register & 0x3f;
  cached->cfa_offset = (int32_t)row->cfa.value;
  for (unsigned i = 0; i < HD_CACHED_REGISTERS; i++)
    if (!compress_register(&row->rules[hd_cached_registers[i]], &cached->saved[i]))
      return false;
  return true;
}

/* Injective in the address within a generation: user addresses have 47 bits. */
static uint64_t check_word(uintptr_t lookup, uint32_t generation, uint64_t first, uint64_t second)
{
  return (lookup + ((uint64_t)generation << 47)) ^ hd_scramble(first + hd_scramble(second));
}

static size_t index_of(uintptr_t lookup)
{
  return (lookup ^ lookup >> 13) % ENTRIES;
}

bool hd_row_cache_get(uintptr_t lookup, uint32_t generation, struct hd_cached_row *row)
{
  size_t i = index_of(lookup);
  uint64_t words[2] = {atomic_load_explicit(&entries[i].first, memory_order_relaxed),
                       atomic_load_explicit(&entries[i].second, memory_order_relaxed)};
  uint64_t check = atomic_load_explicit(&entries[i].check, memory_order_relaxed);
  if (check != check_word(lookup, generation, words[0], words[1]) || !(uint32_t)words[0])
    return false;
  memcpy(row, words, sizeof words);
  return true;
}

void hd_row_cache_put(uintptr_t lookup, uint32_t generation, const struct hd_cached_row *row)
{
  size_t i = index_of(lookup);
  uint64_t words[2];
  memcpy(words, row, sizeof words);
  atomic_store_explicit(&entries[i].first, words[0], memory_order_relaxed);
  atomic_store_explicit(&entries[i].second, words[1], memory_order_relaxed);
  atomic_store_explicit(&entries[i].check, check_word(lookup, generation, words[0], words[1]),
                        memory_order_relaxed);
}
