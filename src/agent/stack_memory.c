#include "stack_memory.h"

#include "state.h"
#include "sys.h"

#include <errno.h>
#include <string.h>

/* A gap of this many pages between known and wanted is asked about page by page;
 * beyond it a new range begins. */
enum { PAGE = 4096, GAP_PAGES = 16, NO_SUCH_OPERATION = -1 };

/* The kernel copies the set before it looks at the operation, which does not
 * exist: EINVAL says that the address is readable, EFAULT that it is not. */
static bool is_readable(uint64_t page)
{
  return hd_sys4(SYS_rt_sigprocmask, NO_SUCH_OPERATION, page, 0, HD_KERNEL_SIGSET_BYTES) == -EINVAL;
}

void hd_stack_enter(uint64_t sp)
{
  uint64_t page = sp & -(uint64_t)PAGE;
  if (page >= hd_self.stack_low && page < hd_self.stack_high)
    return;
  if (page + (uint64_t)PAGE * GAP_PAGES < hd_self.stack_low || page >= hd_self.stack_high) {
    hd_self.stack_low = page;
    hd_self.stack_high = page + PAGE;
    return;
  }
  for (uint64_t next = hd_self.stack_low - PAGE; next > page; next -= PAGE) {
    if (!is_readable(next)) {
      hd_self.stack_high = page + PAGE;
      break;
    }
  }
  hd_self.stack_low = page;
}

/* Makes the page part of the known range, or the only one in it. */
static bool learn(uint64_t page)
{
  uint64_t high = hd_self.stack_high;
  if (page >= high && page - high <= (uint64_t)PAGE * GAP_PAGES) {
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
  return true;
}

bool hd_stack_read(uint64_t address, uint64_t *value)
{
  if (address % sizeof *value)
    return false;
  if (HD_UNLIKELY(address < hd_self.stack_low || address >= hd_self.stack_high) &&
      !learn(address & -(uint64_t)PAGE))
    return false;
  memcpy(value, (const void *)(uintptr_t)address, sizeof *value);
  return true;
}
