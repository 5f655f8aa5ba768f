/* What the program calls in place of its allocator. Each reaches the real one
 * with the same arguments, whatever the agent does; a recorded block is entered
 * after it was allocated and taken out before it is freed, so that another thread
 * that gets the address next is not mistaken for it.
 *
 * What nearly every call does is in the hook, which needs no stack of its own; the
 * rest is done by a function of its own, entered as entry.h says.
 *
 * No header of the allocator is included: its declarations carry attributes by
 * which the compiler would take these bodies apart. */
#include "hooks.h"

#include "entry.h"
#include "next.h"
#include "sampling.h"

#include <errno.h>

/* The hook of a function that allocates `size` bytes, and what it does where that
 * is due; `reg` is that of the first argument after its own. */
#define ALLOCATING(name, size, reg, arguments, ...)                                                \
  HD_ENTERED void *record_##name(__VA_ARGS__, const struct hd_entry *entry)                        \
  {                                                                                                \
    bool due = hd_sampling_decide(size);                                                           \
    void *block = hd_next.name arguments;                                                          \
    if (due)                                                                                       \
      hd_record_block_at(block, size, entry);                                                      \
    return block;                                                                                  \
  }                                                                                                \
  HD_ENTRY(record_##name, reg);                                                                    \
  void *hd_enter_record_##name(__VA_ARGS__);                                                       \
  HD_EXPORT void *name(__VA_ARGS__)                                                                \
  {                                                                                                \
    if (HD_UNLIKELY(hd_sampling_due(size)))                                                        \
      return hd_enter_record_##name arguments;                                                     \
    return hd_next.name arguments;                                                                 \
  }

ALLOCATING(malloc, size, "rsi", (size), size_t size)
ALLOCATING(valloc, size, "rsi", (size), size_t size)
ALLOCATING(pvalloc, size, "rsi", (size), size_t size)
ALLOCATING(aligned_alloc, size, "rdx", (align, size), size_t align, size_t size)
ALLOCATING(memalign, size, "rdx", (align, size), size_t align, size_t size)

/* What overflows is never allocated. */
HD_ENTERED void *record_calloc(size_t count, size_t size, const struct hd_entry *entry)
{
  size_t bytes;
  bool due = !__builtin_mul_overflow(count, size, &bytes) && hd_sampling_decide(bytes);
  void *block = hd_next.calloc(count, size);
  if (due)
    hd_record_block_at(block, bytes, entry);
  return block;
}

void *hd_enter_record_calloc(size_t count, size_t size);
HD_ENTRY(record_calloc, "rdx");

HD_EXPORT void *calloc(size_t count, size_t size)
{
  size_t bytes;
  if (HD_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
    return hd_next.calloc(count, size);
  if (HD_UNLIKELY(hd_sampling_due(bytes)))
    return hd_enter_record_calloc(count, size);
  return hd_next.calloc(count, size);
}

HD_ENTERED int record_posix_memalign(void **block, size_t align, size_t size,
                                     const struct hd_entry *entry)
{
  bool due = hd_sampling_decide(size);
  int result = hd_next.posix_memalign(block, align, size);
  if (due && result == 0)
    hd_record_block_at(*block, size, entry);
  return result;
}

int hd_enter_record_posix_memalign(void **block, size_t align, size_t size);
HD_ENTRY(record_posix_memalign, "rcx");

HD_EXPORT int posix_memalign(void **block, size_t align, size_t size)
{
  if (HD_UNLIKELY(hd_sampling_due(size)))
    return hd_enter_record_posix_memalign(block, align, size);
  return hd_next.posix_memalign(block, align, size);
}

/* Whether the block is to be freed by the real function: what that looks at first,
 * just before the block, is on its way meanwhile. */
static inline bool forget(void *block)
{
  if (HD_UNLIKELY(hd_is_boot_memory(block))) {
    hd_boot_freed();
    return false;
  }
  __builtin_prefetch((const void *)((uintptr_t)block - sizeof(size_t)));
  hd_forget_block(block, NULL);
  return true;
}

static __attribute__((noinline)) void free_recorded(void *block)
{
  if (forget(block))
    hd_next.free(block);
}

HD_EXPORT void free(void *block)
{
  if (HD_UNLIKELY(hd_filter_maybe(block)))
    free_recorded(block);
  else
    hd_next.free(block);
}

static __attribute__((noinline)) void free_sized_recorded(void *block, size_t size)
{
  if (forget(block))
    hd_next.free_sized(block, size);
}

HD_EXPORT void free_sized(void *block, size_t size)
{
  if (HD_UNLIKELY(hd_filter_maybe(block)))
    free_sized_recorded(block, size);
  else
    hd_next.free_sized(block, size);
}

static __attribute__((noinline)) void free_aligned_recorded(void *block, size_t align, size_t size)
{
  if (forget(block))
    hd_next.free_aligned_sized(block, align, size);
}

HD_EXPORT void free_aligned_sized(void *block, size_t align, size_t size)
{
  if (HD_UNLIKELY(hd_filter_maybe(block)))
    free_aligned_recorded(block, align, size);
  else
    hd_next.free_aligned_sized(block, align, size);
}

static void *leave_boot_memory(const void *block, size_t size)
{
  char *fresh = hd_next.malloc(size);
  size_t known = hd_boot_size(block);
  for (size_t i = 0; fresh && i < size && i < known; i++)
    fresh[i] = ((const char *)block)[i];
  if (fresh)
    hd_boot_freed();
  return fresh;
}

/* A block that is reallocated counts as freed and allocated anew. NULL for a size
 * of 0 means that it was freed, NULL for any other that it is still there. */
HD_ENTERED void *record_realloc(void *block, size_t size, bool due, const struct hd_entry *entry)
{
  struct hd_live old;
  if (due)
    due = hd_sampling_decide(size);
  if (hd_is_boot_memory(block))
    return leave_boot_memory(block, size);
  bool known = hd_forget_block(block, &old);
  void *fresh = hd_next.realloc(block, size);
  if (!fresh && size && known)
    hd_remember_block(&old);
  if (due)
    hd_record_block_at(fresh, size, entry);
  return fresh;
}

void *hd_enter_record_realloc(void *block, size_t size, bool due);
HD_ENTRY(record_realloc, "rcx");

HD_EXPORT void *realloc(void *block, size_t size)
{
  if (HD_UNLIKELY(hd_sampling_due(size)))
    return hd_enter_record_realloc(block, size, true);
  if (HD_UNLIKELY(hd_filter_maybe(block)))
    return hd_enter_record_realloc(block, size, false);
  return hd_next.realloc(block, size);
}

HD_EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
  size_t bytes;
  if (HD_UNLIKELY(__builtin_mul_overflow(count, size, &bytes))) {
    errno = ENOMEM;
    return NULL;
  }
  if (HD_UNLIKELY(hd_sampling_due(bytes)))
    return hd_enter_record_realloc(block, bytes, true);
  if (HD_UNLIKELY(hd_filter_maybe(block)))
    return hd_enter_record_realloc(block, bytes, false);
  return hd_next.realloc(block, bytes);
}

HD_EXPORT size_t malloc_usable_size(void *block)
{
  if (HD_UNLIKELY(hd_is_boot_memory(block)))
    return hd_boot_size(block);
  return hd_next.malloc_usable_size(block);
}
