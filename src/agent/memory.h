/* The agent's own memory: straight from the kernel, never given back piecemeal,
 * never through a function that is hooked. */
#ifndef HD_AGENT_MEMORY_H
#define HD_AGENT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed pages; NULL when there are none. */
void *hd_map(size_t size);
/* The same, its memory there at once where it is not huge: what is written with a lock
 * held must not wait for the kernel page by page. */
void *hd_map_ready(size_t size);
/* Pages that for the most part will never be touched, so not counted: what is used of
 * them is counted where it is taken. Not to be unmapped. */
void *hd_map_sparse(size_t size);
void *hd_count_mapped(size_t size, void *memory);
void hd_unmap(void *memory, size_t size);
/* How much is mapped by these. */
size_t hd_mapped_bytes(void);

/* Memory for small things that live as long as the process. Not locked: the
 * caller holds the tables' lock. */
void *hd_arena_take(size_t size, size_t align);

/* Items of one size with stable addresses, numbered from 0. Readers need no lock
 * for items below a count that they got from the writer. */
enum { HD_POOL_FIRST = 1024, HD_POOL_CHUNKS = 20 };

struct hd_pool {
  void *chunks[HD_POOL_CHUNKS]; /* chunk k has HD_POOL_FIRST << k items */
  size_t item_size;
  uint32_t count;
};

/* A new item, zeroed; NULL when memory is short or the pool full. */
void *hd_pool_add(struct hd_pool *pool);

/* With the items' size at hand no multiplication is needed to find one. */
static inline void *hd_pool_at(const struct hd_pool *pool, uint32_t index, size_t item_size)
{
  uint32_t chunk = 31u - (uint32_t)__builtin_clz(index / HD_POOL_FIRST + 1);
  size_t first = (size_t)HD_POOL_FIRST * ((1u << chunk) - 1);
  return (char *)pool->chunks[chunk] + (index - first) * item_size;
}

#endif
