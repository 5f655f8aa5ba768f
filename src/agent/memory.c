#include "memory.h"

#include "sys.h"

#include <stdatomic.h>
#include <sys/mman.h>

enum { ARENA_CHUNK = 256 * 1024, HUGE = 64 * 1024 * 1024 };

static struct {
  char *next;
  size_t left;
} arena;

static _Atomic(size_t) mapped;

size_t hd_mapped_bytes(void)
{
  return mapped;
}

void *hd_count_mapped(size_t size, void *memory)
{
  if (memory)
    mapped += size;
  return memory;
}

static void *map(size_t size, long flags)
{
  long result = hd_sys6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return result < 0 && result > -4096 ? NULL : (void *)result;
}

void *hd_map(size_t size)
{
  return hd_count_mapped(size, map(size, 0));
}

void *hd_map_ready(size_t size)
{
  return hd_count_mapped(size, map(size, size <= HUGE ? MAP_POPULATE : 0));
}

void *hd_map_sparse(size_t size)
{
  return map(size, 0);
}

void hd_unmap(void *memory, size_t size)
{
  if (!memory)
    return;
  mapped -= size;
  hd_sys2(SYS_munmap, memory, size);
}

void *hd_arena_take(size_t size, size_t align)
{
  size_t pad = -(uintptr_t)arena.next & (align - 1);
  if (!arena.next || arena.left < size + pad) {
    if (size > ARENA_CHUNK / 4)
      return hd_map(size);
    char *chunk = hd_map(ARENA_CHUNK);
    if (!chunk)
      return NULL;
    arena.next = chunk;
    arena.left = ARENA_CHUNK;
    pad = 0;
  }
  char *result = arena.next + pad;
  arena.next = result + size;
  arena.left -= size + pad;
  return result;
}

void *hd_pool_add(struct hd_pool *pool)
{
  uint32_t chunk = 31u - (uint32_t)__builtin_clz(pool->count / HD_POOL_FIRST + 1);
  if (chunk >= HD_POOL_CHUNKS)
    return NULL;
  if (!pool->chunks[chunk]) {
    pool->chunks[chunk] = hd_map(((size_t)HD_POOL_FIRST << chunk) * pool->item_size);
    if (!pool->chunks[chunk])
      return NULL;
  }
  return hd_pool_at(pool, pool->count++, pool->item_size);
}
