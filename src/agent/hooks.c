/* What the program calls in place of its allocator. Each reaches the real one
 * with the same arguments, whatever the agent does; a recorded block is entered
 * after it was allocated and taken out before it is freed, so that another thread
 * that gets the address next is not mistaken for it.
 *
 * No header of the allocator is included: its declarations carry attributes by
 * which the compiler would take these bodies apart. */
#include "hooks.h"

#include "next.h"
#include "sampling.h"

#include <errno.h>

HD_EXPORT void *malloc(size_t size)
{
  if (HD_LIKELY(!hd_sampling_due(size)))
    return hd_next.malloc(size);
  void *block = hd_next.malloc(size);
  hd_record_block(block, size);
  return block;
}

HD_EXPORT void *calloc(size_t count, size_t size)
{
  size_t bytes;
  if (HD_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)) ||
      HD_LIKELY(!hd_sampling_due(bytes)))
    return hd_next.calloc(count, size);
  void *block = hd_next.calloc(count, size);
  hd_record_block(block, bytes);
  return block;
}

HD_EXPORT void free(void *block)
{
  if (HD_UNLIKELY(hd_is_boot_memory(block)))
    return;
  if (HD_UNLIKELY(hd_filter_maybe(block))) {
    struct hd_live entry;
    hd_forget_block(block, &entry);
  }
  hd_next.free(block);
}

HD_EXPORT void free_sized(void *block, size_t size)
{
  if (HD_UNLIKELY(hd_is_boot_memory(block)))
    return;
  if (HD_UNLIKELY(hd_filter_maybe(block))) {
    struct hd_live entry;
    hd_forget_block(block, &entry);
  }
  hd_next.free_sized(block, size);
}

HD_EXPORT void free_aligned_sized(void *block, size_t align, size_t size)
{
  if (HD_UNLIKELY(hd_is_boot_memory(block)))
    return;
  if (HD_UNLIKELY(hd_filter_maybe(block))) {
    struct hd_live entry;
    hd_forget_block(block, &entry);
  }
  hd_next.free_aligned_sized(block, align, size);
}

static void *leave_boot_memory(const void *block, size_t size)
{
  char *fresh = hd_next.malloc(size);
  size_t known = hd_boot_size(block);
  for (size_t i = 0; fresh && i < size && i < known; i++)
    fresh[i] = ((const char *)block)[i];
  return fresh;
}

/* A block that is reallocated counts as freed and allocated anew. NULL for a size
 * of 0 means that it was freed, NULL for any other that it is still there. */
static void settle(void *fresh, size_t size, bool due, const struct hd_live *entry)
{
  if (!fresh && size && entry->address)
    hd_remember_block(entry);
  if (due)
    hd_record_block(fresh, size);
}

static void *reallocate(void *block, size_t size)
{
  struct hd_live entry = {0, 0, 0, 0};
  if (HD_UNLIKELY(hd_is_boot_memory(block)))
    return leave_boot_memory(block, size);
  bool due = hd_sampling_due(size);
  if (HD_UNLIKELY(hd_filter_maybe(block)))
    hd_forget_block(block, &entry);
  if (HD_LIKELY(!due && !entry.address))
    return hd_next.realloc(block, size);
  void *fresh = hd_next.realloc(block, size);
  settle(fresh, size, due, &entry);
  return fresh;
}

HD_EXPORT void *realloc(void *block, size_t size)
{
  return reallocate(block, size);
}

HD_EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
  size_t bytes;
  if (HD_LIKELY(!__builtin_mul_overflow(count, size, &bytes)))
    return reallocate(block, bytes);
  errno = ENOMEM;
  return NULL;
}

HD_EXPORT int posix_memalign(void **block, size_t align, size_t size)
{
  if (HD_LIKELY(!hd_sampling_due(size)))
    return hd_next.posix_memalign(block, align, size);
  int result = hd_next.posix_memalign(block, align, size);
  if (result == 0)
    hd_record_block(*block, size);
  return result;
}

HD_EXPORT void *aligned_alloc(size_t align, size_t size)
{
  if (HD_LIKELY(!hd_sampling_due(size)))
    return hd_next.aligned_alloc(align, size);
  void *block = hd_next.aligned_alloc(align, size);
  hd_record_block(block, size);
  return block;
}

HD_EXPORT void *memalign(size_t align, size_t size)
{
  if (HD_LIKELY(!hd_sampling_due(size)))
    return hd_next.memalign(align, size);
  void *block = hd_next.memalign(align, size);
  hd_record_block(block, size);
  return block;
}

HD_EXPORT void *valloc(size_t size)
{
  if (HD_LIKELY(!hd_sampling_due(size)))
    return hd_next.valloc(size);
  void *block = hd_next.valloc(size);
  hd_record_block(block, size);
  return block;
}

HD_EXPORT void *pvalloc(size_t size)
{
  if (HD_LIKELY(!hd_sampling_due(size)))
    return hd_next.pvalloc(size);
  void *block = hd_next.pvalloc(size);
  hd_record_block(block, size);
  return block;
}

HD_EXPORT size_t malloc_usable_size(void *block)
{
  if (HD_UNLIKELY(hd_is_boot_memory(block)))
    return hd_boot_size(block);
  return hd_next.malloc_usable_size(block);
}
