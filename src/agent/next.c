#include "next.h"

#include "cxx.h"
#include "filter.h"
#include "hook_table.h"
#include "state.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>

alignas(16) char hd_boot_memory[HD_BOOT_BYTES];
static size_t boot_used;
static _Atomic(int) boot_blocks;
static bool resolving, resolved;

enum { BOOT_HEADER = 16 };

static size_t boot_need(size_t size)
{
  return BOOT_HEADER + ((size + 15) & ~(size_t)15);
}

static void *boot_take(size_t size)
{
  if (size > HD_BOOT_BYTES)
    return NULL;
  size_t need = boot_need(size);
  if (need > HD_BOOT_BYTES - boot_used)
    return NULL;
  char *block = hd_boot_memory + boot_used + BOOT_HEADER;
  memcpy(block - BOOT_HEADER, &size, sizeof size);
  boot_used += need;
  hd_filter_count((uintptr_t)block);
  atomic_fetch_add(&boot_blocks, 1);
  return block;
}

size_t hd_boot_size(const void *block)
{
  size_t size;
  memcpy(&size, (const char *)block - BOOT_HEADER, sizeof size);
  return size;
}

void hd_boot_freed(void)
{
  atomic_fetch_sub(&boot_blocks, 1);
}

bool hd_boot_is_used(void)
{
  return atomic_load(&boot_blocks) > 0;
}

void hd_boot_count_in(struct hd_filter *filter)
{
  for (size_t at = 0; at < boot_used;) {
    const char *block = hd_boot_memory + at + BOOT_HEADER;
    hd_filter_count_in(filter, (uintptr_t)block);
    at += boot_need(hd_boot_size(block));
  }
}

/* What the pointers in hd_next are at first. dlsym itself may allocate. */
static void *first_malloc(size_t size)
{
  if (resolving)
    return boot_take(size);
  hd_next_resolve();
  return hd_next.malloc(size);
}

static void *first_calloc(size_t count, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes))
    return NULL;
  if (resolving)
    return boot_take(bytes);
  hd_next_resolve();
  return hd_next.calloc(count, size);
}

static void *first_realloc(void *block, size_t size)
{
  if (resolving)
    return block ? NULL : boot_take(size);
  hd_next_resolve();
  return hd_next.realloc(block, size);
}

static void first_free(void *block)
{
  if (resolving)
    return;
  hd_next_resolve();
  hd_next.free(block);
}

static int first_posix_memalign(void **block, size_t align, size_t size)
{
  hd_next_resolve();
  return hd_next.posix_memalign(block, align, size);
}

static void *first_aligned_alloc(size_t align, size_t size)
{
  hd_next_resolve();
  return hd_next.aligned_alloc(align, size);
}

static void *first_memalign(size_t align, size_t size)
{
  hd_next_resolve();
  return hd_next.memalign(align, size);
}

static void *first_valloc(size_t size)
{
  hd_next_resolve();
  return hd_next.valloc(size);
}

static void *first_pvalloc(size_t size)
{
  hd_next_resolve();
  return hd_next.pvalloc(size);
}

static size_t first_malloc_usable_size(void *block)
{
  hd_next_resolve();
  return hd_next.malloc_usable_size(block);
}

/* glibc 2.36 has neither; where the allocator has, they are used. */
static void plain_free_sized(void *block, size_t size)
{
  (void)size;
  hd_next.free(block);
}

static void plain_free_aligned_sized(void *block, size_t align, size_t size)
{
  (void)align;
  (void)size;
  hd_next.free(block);
}

static void *no_aligned(size_t align, size_t size)
{
  (void)align;
  (void)size;
  errno = ENOMEM;
  return NULL;
}

static void *no_valloc(size_t size)
{
  return no_aligned(0, size);
}

static size_t no_usable_size(void *block)
{
  (void)block;
  return 0;
}

struct hd_next hd_next = {
    .malloc = first_malloc,
    .calloc = first_calloc,
    .realloc = first_realloc,
    .free = first_free,
    .posix_memalign = first_posix_memalign,
    .aligned_alloc = first_aligned_alloc,
    .memalign = first_memalign,
    .valloc = first_valloc,
    .pvalloc = first_pvalloc,
    .malloc_usable_size = first_malloc_usable_size,
    .free_sized = plain_free_sized,
    .free_aligned_sized = plain_free_aligned_sized,
};

bool hd_attached;

void *hd_next_look_up(const char *name)
{
  return hd_attached ? hd_hook_search(name) : dlsym(RTLD_NEXT, name);
}

/* Hooks ask for it, under whatever locks the program holds. */
void *hd_next_find(const char *name)
{
  const struct hd_hook *hook = hd_attached ? hd_hook_named(name) : NULL;
  return hook ? hook->real : hd_next_look_up(name);
}

#define FIND(name, otherwise)                                                                      \
  do {                                                                                             \
    void *found = hd_next_find(#name);                                                             \
    next.name = found ? (__typeof__(next.name))(uintptr_t)found : (otherwise);                     \
  } while (0)

static int no_posix_memalign(void **block, size_t align, size_t size)
{
  (void)block;
  (void)align;
  (void)size;
  return ENOMEM;
}

/* Only one thread exists when the first allocation of a process is made. */
void hd_next_resolve(void)
{
  if (resolved || resolving)
    return;
  resolving = true;
  int saved = errno;
  struct hd_next next;
  FIND(malloc, first_malloc);
  FIND(calloc, first_calloc);
  FIND(realloc, first_realloc);
  FIND(free, first_free);
  FIND(posix_memalign, no_posix_memalign);
  FIND(aligned_alloc, no_aligned);
  FIND(memalign, no_aligned);
  FIND(valloc, no_valloc);
  FIND(pvalloc, no_valloc);
  FIND(malloc_usable_size, no_usable_size);
  FIND(free_sized, plain_free_sized);
  FIND(free_aligned_sized, plain_free_aligned_sized);
  hd_next = next;
  hd_cxx_resolve();
  /* What was not found is no business of the program's: a search that succeeds
   * clears it. dlerror itself would take libc's locale lock for its translation,
   * and the first allocation may be made by newlocale, which holds it. */
  hd_next_find("malloc");
  errno = saved;
  resolving = false;
  resolved = true;
}
