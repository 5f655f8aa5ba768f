/* A hash table from keys to 32-bit ids (never 0) that is read without a lock and
 * grown under one. The caller keeps the items and compares them. */
#ifndef HD_AGENT_INTERN_H
#define HD_AGENT_INTERN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_intern_table {
  uint64_t mask;
  _Atomic(uint64_t) slots[]; /* upper half of the hash, id; 0 empty */
};

struct hd_intern {
  _Atomic(struct hd_intern_table *) table;
  uint64_t count;
};

typedef bool (*hd_intern_equal)(uint32_t id, const void *key);

/* The id of the key, 0 where it is not there (yet). */
uint32_t hd_intern_find(const struct hd_intern *intern, uint64_t hash, hd_intern_equal equal,
                        const void *key);
/* Makes room for one more, so that the next add cannot fail. */
bool hd_intern_reserve(struct hd_intern *intern);
/* Adds an id whose key is known to be absent, after hd_intern_reserve; what the
 * id stands for must be complete. */
void hd_intern_add(struct hd_intern *intern, uint64_t hash, uint32_t id);

/* Takes all out. Under the lock, and nobody may be reading. */
void hd_intern_clear(struct hd_intern *intern);

/* A cheap mixing step. Good in the upper half, which is what is used. */
static inline uint64_t hd_mix(uint64_t hash, uint64_t value)
{
  return ((hash ^ hash >> 32) + value) * UINT64_C(0x9e3779b97f4a7c15);
}

#endif
