/* A hash index from keys to 32-bit ids that the caller stores: the index keeps
 * (hash, id) and asks the caller to compare. Id 0 means none. */
#ifndef HD_BASE_INDEX_H
#define HD_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_index_slot {
  uint32_t hash, id;
};

struct hd_index {
  struct hd_index_slot *slots;
  size_t count, capacity; /* capacity is 0 or a power of two */
};

/* Says whether the item `id` has this key. */
typedef bool (*hd_index_equal)(const void *context, uint32_t id, const void *key);

/* The id of the item with this key, 0 where there is none. */
uint32_t hd_index_find(const struct hd_index *index, uint64_t hash, hd_index_equal equal,
                       const void *context, const void *key);
/* Adds an id whose key is known to be absent; false when memory is short. */
bool hd_index_add(struct hd_index *index, uint64_t hash, uint32_t id);
void hd_index_deinit(struct hd_index *index);

/* A 64-bit hash of bytes (XXH3). */
uint64_t hd_hash(const void *data, size_t size);

#endif
