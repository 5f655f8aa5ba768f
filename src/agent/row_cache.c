#include "row_cache.h"

#include "memory.h"

enum { ENTRIES = 8192, EXACT_ENTRIES = 65536, MAX_SAVED = 128 };
enum { OP_DEREF = 0x06, OP_BREG_RBP = 0x70 + HD_REG_RBP };

const uint8_t hd_cached_registers[HD_CACHED_REGISTERS] = {HD_REG_RBX, HD_REG_R12, 13,
                                                          14,         HD_REG_R15, HD_REG_RBP};
_Atomic(struct hd_row_cache *) hd_row_cache;

_Static_assert(sizeof(struct hd_cached_row) == 16, "two words an entry");
_Static_assert(sizeof(struct hd_row_entry) == 32, "an entry in one line");

bool hd_row_cache_start(bool exact)
{
  static struct hd_row_cache caches[2];
  uint64_t entries = exact ? EXACT_ENTRIES : ENTRIES, mask = (entries - 1) * HD_ROW_WORDS;
  struct hd_row_cache *last = atomic_load(&hd_row_cache), *cache = &caches[exact];
  if (last && last->mask >= mask)
    return true; /* of an earlier recording: as good as new */
  *cache = (struct hd_row_cache){mask, hd_map_sparse(entries * sizeof(struct hd_row_entry))};
  if (cache->words)
    atomic_store(&hd_row_cache, cache);
  return cache->words;
}

/* The operand where the expression is rbp + operand, then `last` and nothing else. */
static bool is_rbp_plus(const struct hd_rule *rule, bool deref, int64_t *operand)
{
  struct hd_bytes code = {rule->code, rule->code + rule->length, false};
  if (hd_bytes_unsigned(&code, 1) != OP_BREG_RBP)
    return false;
  *operand = hd_bytes_sleb(&code);
  if (deref && hd_bytes_unsigned(&code, 1) != OP_DEREF)
    return false;
  return !code.failed && code.at == code.end;
}

static bool compress_offset(int64_t offset, int8_t *saved)
{
  if (offset >= 0 || offset % 8 || offset < -8 * MAX_SAVED)
    return false;
  *saved = (int8_t)(offset / 8);
  return true;
}

static bool compress_register(const struct hd_rule *rule, bool realigned, int8_t *saved)
{
  int64_t offset;
  *saved = 0;
  if (rule->kind == HD_RULE_SAME)
    return true;
  if (realigned)
    return rule->kind == HD_RULE_EXPRESSION && is_rbp_plus(rule, false, &offset) &&
           compress_offset(offset - 8, saved);
  return rule->kind == HD_RULE_OFFSET && compress_offset(rule->value, saved);
}

static bool compress_cfa(const struct hd_cfi_row *row, uint32_t frame, unsigned *flags,
                         struct hd_cached_row *cached)
{
  int64_t offset = row->cfa.value;
  uint64_t reg = row->cfa_register;
  if (row->cfa.kind == HD_RULE_VAL_EXPRESSION) {
    if (!is_rbp_plus(&row->cfa, true, &offset))
      return false;
    *flags |= HD_ROW_REALIGNED;
    reg = HD_REG_RBP;
  }
  *flags |= reg == HD_REG_RBP ? HD_ROW_BY_RBP : reg == HD_REG_RSP ? 0 : HD_ROW_BY_OTHER;
  cached->first = frame | (uint64_t)(uint32_t)offset << 32;
  cached->second = reg | *flags << 8;
  return reg < HD_REGS && offset == (int32_t)offset;
}

bool hd_row_compress(const struct hd_cfi_row *row, uint32_t frame, struct hd_cached_row *cached)
{
  const struct hd_rule *ra = &row->rules[HD_REG_RA];
  unsigned flags =
      (row->may_switch ? HD_ROW_MAY_SWITCH : 0) | (frame == HD_OWN_FRAME ? HD_ROW_OWN : 0);
  if (row->is_signal_frame)
    return false;
  if (ra->kind == HD_RULE_UNDEFINED) {
    *cached = (struct hd_cached_row){frame, HD_ROW_OUTERMOST << 8};
    return true;
  }
  if (!compress_cfa(row, frame, &flags, cached) || ra->kind != HD_RULE_OFFSET || ra->value != -8 ||
      row->rules[HD_REG_RSP].kind != HD_RULE_SAME)
    return false;
  for (unsigned i = 0; i < HD_CACHED_REGISTERS; i++) {
    int8_t saved;
    if (!compress_register(&row->rules[hd_cached_registers[i]], flags & HD_ROW_REALIGNED, &saved))
      return false;
    cached->second |= (uint64_t)(uint8_t)saved << (16 + 8 * i);
  }
  return true;
}

/* One that has the address already, or is of an earlier generation; else each in
 * turn. */
static struct hd_row_entry *choose(struct hd_row_cache cache, uint64_t index, uint64_t key)
{
  struct hd_row_entry *pair[2] = {hd_row_entry(cache, index),
                                  hd_row_entry(cache, hd_row_other(index))};
  uint64_t versions = 0;
  for (unsigned i = 0; i < 2; i++) {
    uint64_t found = atomic_load_explicit(&pair[i]->key, memory_order_relaxed);
    if (found == key || found >> 47 != key >> 47)
      return pair[i];
    versions += atomic_load_explicit(&pair[i]->version, memory_order_relaxed);
  }
  return pair[versions / 2 % 2];
}

/* Of two who write at once the second gives up. */
void hd_row_cache_put(uintptr_t lookup, uint32_t generation, struct hd_cached_row row)
{
  uint64_t key = hd_row_key(lookup, generation);
  struct hd_row_cache cache = hd_row_cache_now();
  struct hd_row_entry *entry = choose(cache, hd_row_index(cache, lookup), key);
  uint64_t version = atomic_load_explicit(&entry->version, memory_order_relaxed);
  if (version % 2 ||
      !atomic_compare_exchange_strong_explicit(&entry->version, &version, version + 1,
                                               memory_order_acquire, memory_order_relaxed))
    return;
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&entry->key, key, memory_order_relaxed);
  atomic_store_explicit(&entry->first, row.first, memory_order_relaxed);
  atomic_store_explicit(&entry->second, row.second, memory_order_relaxed);
  atomic_store_explicit(&entry->version, version + 2, memory_order_release);
}
