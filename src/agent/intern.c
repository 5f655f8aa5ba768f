#include "intern.h"

#include "memory.h"

enum { FIRST_SLOTS = 2048 };

uint32_t hd_intern_find(const struct hd_intern *intern, uint64_t hash, hd_intern_equal equal,
                        const void *key)
{
  const struct hd_intern_table *table = atomic_load_explicit(&intern->table, memory_order_acquire);
  if (!table)
    return 0;
  for (uint64_t i = (hash >> 32) & table->mask;; i = (i + 1) & table->mask) {
    uint64_t slot = atomic_load_explicit(&table->slots[i], memory_order_acquire);
    if (!slot)
      return 0;
    if (slot >> 32 == hash >> 32 && equal((uint32_t)slot, key))
      return (uint32_t)slot;
  }
}

static void place(struct hd_intern_table *table, uint64_t start, uint64_t slot)
{
  uint64_t i = start & table->mask;
  while (atomic_load_explicit(&table->slots[i], memory_order_relaxed))
    i = (i + 1) & table->mask;
  atomic_store_explicit(&table->slots[i], slot, memory_order_release);
}

/* The old table is left to readers that are still in it: all old ones together
 * are smaller than the new one. The lower half of a hash is not kept, so a table
 * is indexed by the upper half. */
bool hd_intern_reserve(struct hd_intern *intern)
{
  struct hd_intern_table *old = atomic_load_explicit(&intern->table, memory_order_relaxed);
  if (old && intern->count < (old->mask + 1) / 2)
    return true;
  uint64_t slots = old ? (old->mask + 1) * 2 : FIRST_SLOTS;
  struct hd_intern_table *table = hd_map(sizeof *table + slots * sizeof table->slots[0]);
  if (!table)
    return false;
  table->mask = slots - 1;
  for (uint64_t i = 0; old && i <= old->mask; i++) {
    uint64_t slot = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
    if (slot)
      place(table, slot >> 32, slot);
  }
  atomic_store_explicit(&intern->table, table, memory_order_release);
  return true;
}

void hd_intern_add(struct hd_intern *intern, uint64_t hash, uint32_t id)
{
  struct hd_intern_table *table = atomic_load_explicit(&intern->table, memory_order_relaxed);
  place(table, hash >> 32, (hash >> 32 << 32) | id);
  intern->count++;
}

void hd_intern_clear(struct hd_intern *intern)
{
  struct hd_intern_table *table = atomic_load_explicit(&intern->table, memory_order_relaxed);
  for (uint64_t i = 0; table && i <= table->mask; i++)
    atomic_store_explicit(&table->slots[i], 0, memory_order_relaxed);
  intern->count = 0;
}
