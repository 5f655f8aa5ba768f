#include "live_hash.h"

#include "memory.h"

enum { FIRST_SLOTS = 128 };

static uint64_t slot_of(const struct hd_live_hash *table, uintptr_t address)
{
  return hd_live_hash_of(address) >> 20 & table->mask;
}

/* The block's slot or the empty one where it would be. */
static struct hd_live *find(const struct hd_live_hash *table, uintptr_t address)
{
  uint64_t i = slot_of(table, address);
  while (table->slots[i].address && table->slots[i].address != address)
    i = (i + 1) & table->mask;
  return &table->slots[i];
}

static bool make_room(struct hd_live_hash *table, uint64_t used)
{
  uint64_t old_slots = table->slots ? table->mask + 1 : 0;
  if (used < old_slots / 4 * 3)
    return true;
  uint64_t slots = old_slots ? old_slots * 2 : FIRST_SLOTS;
  struct hd_live *old = table->slots, *fresh = hd_map(slots * sizeof *fresh);
  if (!fresh)
    return used + 1 < old_slots;
  table->slots = fresh;
  table->mask = slots - 1;
  for (uint64_t i = 0; i < old_slots; i++)
    if (old[i].address)
      *find(table, old[i].address) = old[i];
  hd_unmap(old, old_slots * sizeof *old);
  return true;
}

bool hd_live_hash_put(struct hd_live_hash *table, uint64_t used, const struct hd_live *entry,
                      bool *fresh)
{
  *fresh = false;
  if (!make_room(table, used))
    return false;
  struct hd_live *slot = find(table, entry->address);
  *fresh = !slot->address;
  hd_live_copy(slot, entry);
  return true;
}

/* Closes the gap that a removed entry leaves: an entry behind it moves up unless
 * that would put it before its own slot. */
static void close_gap(struct hd_live_hash *table, uint64_t gap)
{
  for (uint64_t i = (gap + 1) & table->mask; table->slots[i].address; i = (i + 1) & table->mask) {
    uint64_t home = slot_of(table, table->slots[i].address);
    if (((i - home) & table->mask) >= ((i - gap) & table->mask)) {
      table->slots[gap] = table->slots[i];
      gap = i;
    }
  }
  table->slots[gap] = (struct hd_live){0, 0, 0, 0};
}

bool hd_live_hash_take(struct hd_live_hash *table, uintptr_t address, struct hd_live *entry)
{
  struct hd_live *slot = table->slots ? find(table, address) : NULL;
  if (!slot || !slot->address)
    return false;
  if (entry)
    *entry = *slot;
  close_gap(table, (uint64_t)(slot - table->slots));
  return true;
}

void hd_live_hash_empty(struct hd_live_hash *table)
{
  if (table->slots)
    hd_unmap(table->slots, (table->mask + 1) * sizeof *table->slots);
  *table = (struct hd_live_hash){.slots = NULL};
}

void hd_live_hash_visit(const struct hd_live_hash *table,
                        void (*visit)(const struct hd_live *entry, void *context), void *context)
{
  for (uint64_t i = 0; table->slots && i <= table->mask; i++)
    if (table->slots[i].address)
      visit(&table->slots[i], context);
}
