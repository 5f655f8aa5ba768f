#include "lock.h"

#include "clock.h"
#include "sys.h"

#include <linux/futex.h>
#include <time.h>

bool hd_lock_wait(struct hd_lock *lock, int timeout_ms)
{
  uint64_t deadline = timeout_ms < 0 ? 0 : hd_monotonic_ns() + (uint64_t)timeout_ms * 1000000u;
  while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0) {
    struct timespec left, *limit = NULL;
    if (timeout_ms >= 0) {
      uint64_t now = hd_monotonic_ns();
      if (now >= deadline)
        return false;
      left = hd_timespec(deadline - now);
      limit = &left;
    }
    hd_sys4(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, limit);
  }
  return true;
}

void hd_lock_wake(struct hd_lock *lock)
{
  hd_sys3(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}
