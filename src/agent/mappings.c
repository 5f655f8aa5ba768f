/* A table of ranges in the order of their addresses. Mappings below the limit are
 * in it, too, without a stack: one may grow. The kernel knows no mapping as such,
 * only pages, and neither does this: unmapping or mapping over a part takes the
 * part away. */
/* Else mmap has another name here. */
#undef _FILE_OFFSET_BITS
#include "mappings.h"

#include "config.h"
#include "deadly.h"
#include "hooks.h"
#include "lock.h"
#include "memory.h"
#include "sampling.h"
#include "series.h"
#include "stacks.h"
#include "sys.h"
#include "unwind.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

enum { RECORDED_BYTES = 1 << 20, PAGE = 4096 };
enum { FIRST_RANGES = 256, MAX_RANGES = 1 << 17 };

struct range {
  uintptr_t start, end;
  uint32_t stack; /* 1-based; 0: too small to have one */
};

static struct hd_lock table_lock, walk_lock;
static struct range *ranges;
static size_t count, capacity;
static uint64_t dropped;
static struct hd_walk walk; /* with walk_lock, and so its limit */
static uint32_t walk_limit;
static bool recorded;

/* Nobody is walking: a thread that was is waited for. */
void hd_mappings_start(void)
{
  hd_lock_take(&walk_lock);
  if (walk.steps && hd_config.set.max_frames > walk_limit)
    walk.steps = NULL;
  walk.reusable = false;
  hd_lock_release(&walk_lock);
  hd_mappings_lock();
  count = 0;
  dropped = 0;
  recorded = hd_config.set.mmap != 0;
  hd_mappings_unlock();
}

void hd_mappings_stop(void)
{
  recorded = false;
}

bool hd_mappings_are_recorded(void)
{
  return recorded;
}

void hd_mappings_lock(void)
{
  hd_lock_take(&table_lock);
}

void hd_mappings_unlock(void)
{
  hd_lock_release(&table_lock);
}

bool hd_mappings_are_unlocked(void)
{
  return hd_lock_is_free(&table_lock);
}

void hd_mappings_reset_locks(void)
{
  hd_lock_reset(&table_lock);
  hd_lock_reset(&walk_lock);
}

/* --- the table, with its lock ---------------------------------------------------- */

static bool make_room(void)
{
  if (count < capacity)
    return true;
  size_t more = capacity ? capacity * 2 : FIRST_RANGES;
  struct range *fresh = more <= MAX_RANGES ? hd_map(more * sizeof *fresh) : NULL;
  if (!fresh)
    return false;
  memcpy(fresh, ranges, count * sizeof *fresh);
  hd_unmap(ranges, capacity * sizeof *ranges);
  ranges = fresh;
  capacity = more;
  return true;
}

/* The first range that ends behind an address. */
static size_t find(uintptr_t address)
{
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (ranges[middle].end <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void insert(size_t at, struct range range)
{
  if (!make_room()) {
    dropped++;
    return;
  }
  memmove(&ranges[at + 1], &ranges[at], (count - at) * sizeof *ranges);
  ranges[at] = range;
  count++;
}

/* Takes away what lies in [start, end). Whether anything did. */
static bool cut(uintptr_t start, uintptr_t end)
{
  size_t first = find(start), last = first;
  if (first == count || ranges[first].start >= end)
    return false;
  if (ranges[first].start < start) {
    struct range tail = ranges[first];
    ranges[first++].end = start;
    last = first;
    if (tail.end > end) {
      tail.start = end;
      insert(first, tail);
      return true;
    }
  }
  while (last < count && ranges[last].end <= end)
    last++;
  if (last < count && ranges[last].start < end)
    ranges[last].start = end;
  memmove(&ranges[first], &ranges[last], (count - last) * sizeof *ranges);
  count -= last - first;
  return true;
}

struct hd_mapped *hd_mappings_sum(uint32_t stacks, size_t *size, uint64_t *lost)
{
  struct hd_mapped *sums = NULL;
  hd_mappings_lock();
  *lost = dropped;
  *size = ((size_t)stacks + 1) * sizeof *sums;
  for (size_t i = 0; i < count; i++) {
    if (!ranges[i].stack || ranges[i].stack > stacks)
      continue;
    if (!sums)
      sums = hd_map(*size);
    if (!sums)
      break;
    sums[ranges[i].stack].bytes += ranges[i].end - ranges[i].start;
    sums[ranges[i].stack].objects++;
  }
  hd_mappings_unlock();
  return sums;
}

/* --- recording -------------------------------------------------------------------- */

/* Begins a visit of the agent by a thread that maps or unmaps. */
static bool enter(void)
{
  if (!recorded || hd_self.busy || hd_self.muted || !hd_is_on())
    return false;
  hd_self.busy = true;
  if (hd_series_is_current())
    return true;
  hd_self.busy = false;
  return false;
}

static void leave(void)
{
  hd_self.busy = false;
  hd_deadly_check();
}

static uint32_t stack_of_caller(void)
{
  uint32_t limit = (uint32_t)hd_config.set.max_frames, stack = 0;
  hd_lock_take(&walk_lock);
  if (!walk.steps)
    walk_limit = limit;
  if (limit <= walk_limit && (walk.steps || hd_walk_init(&walk, limit))) {
    hd_walk_stack(&walk, limit, NULL);
    stack = walk.failed ? 0 : hd_stack_for(&walk, hd_sampling_is_exact());
  }
  hd_lock_release(&walk_lock);
  return stack;
}

static size_t whole_pages(size_t size)
{
  return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* An anonymous mapping, in place of whatever was there. */
static void remember(uintptr_t start, size_t size)
{
  uint32_t stack = size >= RECORDED_BYTES ? stack_of_caller() : 0;
  hd_mappings_lock();
  dropped += size >= RECORDED_BYTES && !stack;
  cut(start, start + size);
  insert(find(start), (struct range){start, start + size, stack});
  hd_mappings_unlock();
}

static void forget(uintptr_t start, size_t size)
{
  if (start % PAGE || start + size < start)
    return;
  hd_mappings_lock();
  cut(start, start + whole_pages(size));
  hd_mappings_unlock();
}

/* Address space that may not be touched is no memory. */
static void note_mapped(void *address, size_t size, int protection, int flags)
{
  int saved = errno;
  if (address == MAP_FAILED || !enter())
    return;
  if (flags & MAP_ANONYMOUS && protection != PROT_NONE)
    remember((uintptr_t)address, whole_pages(size));
  else if (flags & MAP_FIXED)
    forget((uintptr_t)address, size);
  leave();
  errno = saved;
}

/* --- the hooks -------------------------------------------------------------------- */

/* Straight to the kernel: looking for libc's own would allocate, and an allocator
 * that is being started calls these. Nothing is lost: libc's do no more. */
static long result_of(long result)
{
  if (result >= 0 || result < -4095)
    return result;
  errno = (int)-result;
  return -1;
}

HD_EXPORT void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
  if (offset & (PAGE - 1)) {
    errno = EINVAL;
    return MAP_FAILED;
  }
  void *result = (void *)result_of(
      hd_sys6(SYS_mmap, (long)address, (long)size, protection, flags, fd, offset));
  if (HD_UNLIKELY(recorded))
    note_mapped(result, size, protection, flags);
  return result;
}

HD_EXPORT void *mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
  return mmap(address, size, protection, flags, fd, offset);
}

/* Forgotten before: another thread may get the address at once. One that the kernel
 * then refuses to unmap, as the mapping would have to be split, stays forgotten. */
HD_EXPORT int munmap(void *address, size_t size)
{
  if (HD_UNLIKELY(recorded) && enter()) {
    forget((uintptr_t)address, size);
    leave();
  }
  return (int)result_of(hd_sys2(SYS_munmap, address, size));
}

/* A mapping that is moved or resized is one that its new stack asked for. It is
 * forgotten before, as its address may be another's at once, and put back where it
 * stayed. */
static bool begin_remap(uintptr_t start, size_t size, uint32_t *stack)
{
  if (!enter())
    return false;
  hd_mappings_lock();
  size_t at = find(start);
  *stack = at < count ? ranges[at].stack : 0;
  bool known = start % PAGE == 0 && start + size >= start && cut(start, start + whole_pages(size));
  hd_mappings_unlock();
  if (!known)
    leave();
  return known;
}

static void end_remap(void *result, size_t size, uintptr_t old, size_t old_size, uint32_t stack)
{
  int saved = errno;
  if (result != MAP_FAILED) {
    remember((uintptr_t)result, whole_pages(size));
  } else {
    hd_mappings_lock();
    insert(find(old), (struct range){old, old + whole_pages(old_size), stack});
    hd_mappings_unlock();
  }
  leave();
  errno = saved;
}

HD_EXPORT void *mremap(void *address, size_t old_size, size_t size, int flags, ...)
{
  void *wanted = NULL;
  uint32_t stack = 0;
  if (flags & MREMAP_FIXED) {
    va_list arguments;
    va_start(arguments, flags);
    wanted = va_arg(arguments, void *);
    va_end(arguments);
  }
  bool known = HD_UNLIKELY(recorded) && begin_remap((uintptr_t)address, old_size, &stack);
  void *result = (void *)result_of(hd_sys5(SYS_mremap, address, old_size, size, flags, wanted));
  if (known)
    end_remap(result, size, (uintptr_t)address, old_size, stack);
  return result;
}
