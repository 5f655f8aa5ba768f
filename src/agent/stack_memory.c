#include "stack_memory.h"

#include "state.h"
#include "sys.h"

#include <errno.h>
#include <sys/auxv.h>

/* A gap of this many pages between known and wanted is asked about page by page;
 * beyond it a new range begins. */
enum { PAGE = 4096, GAP_PAGES = 16, OWN_PAGES = 256, NO_SUCH_OPERATION = -1 };

/* The kernel copies the set before it looks at the operation, which does not
 * exist: EINVAL says that the address is readable, EFAULT that it is not. */
static bool is_readable(uint64_t page)
{
  return hd_sys4(SYS_rt_sigprocmask, NO_SUCH_OPERATION, page, 0, HD_KERNEL_SIGSET_BYTES) == -EINVAL;
}

/* A new range at this page. It outlives the walk only where it reaches up to what
 * lies at the top of a thread's stack for as long as the thread lives: its control
 * block, or the kernel's random bytes. A fiber's memory may be unmapped. */
static void begin_range(uint64_t page)
{
  bool is_main = hd_sys0(SYS_gettid) == hd_getpid(); /* its block is not on its stack */
  uint64_t top = is_main ? getauxval(AT_RANDOM) : (uintptr_t)__builtin_thread_pointer();
  hd_self.stack_low = page;
  hd_self.stack_high = page + PAGE;
  hd_self.stack_own = false;
  if (top - page >= (uint64_t)PAGE * OWN_PAGES)
    return;
  while (hd_self.stack_high <= top && is_readable(hd_self.stack_high))
    hd_self.stack_high += PAGE;
  hd_self.stack_own = hd_self.stack_high > top;
}

void hd_stack_begin(uint64_t sp)
{
  uint64_t page = sp & -(uint64_t)PAGE;
  if (!hd_self.stack_own || page + (uint64_t)PAGE * GAP_PAGES < hd_self.stack_low ||
      page >= hd_self.stack_high) {
    begin_range(page);
    return;
  }
  for (uint64_t next = hd_self.stack_low - PAGE; next > page; next -= PAGE) {
    if (!is_readable(next)) {
      begin_range(page);
      return;
    }
  }
  hd_self.stack_low = page;
}

/* It becomes part of the known range, or the only one in it. */
bool hd_stack_learn(uint64_t address)
{
  uint64_t page = address & -(uint64_t)PAGE, high = hd_self.stack_high;
  if (!hd_self.stack_own && page >= high && page - high <= (uint64_t)PAGE * GAP_PAGES) {
    while (high < page && is_readable(high))
      high += PAGE;
    if (high == page && is_readable(page)) {
      hd_self.stack_high = page + PAGE;
      return true;
    }
  }
  if (!is_readable(page))
    return false;
  hd_self.stack_low = page;
  hd_self.stack_high = page + PAGE;
  hd_self.stack_own = false;
  return true;
}
