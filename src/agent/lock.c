#include "lock.h"

#include "clock.h"
#include "fork.h"
#include "sys.h"

#include <linux/futex.h>
#include <time.h>

/* So long a fork may hold the locks: only one that is stuck, or of a huge process,
 * takes longer. */
#define FORK_NS UINT64_C(100000000)
/* The longest sleep: see lock.h. */
#define SLEEP_NS UINT64_C(2000000)

static uint64_t earlier(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

bool hd_lock_wait(struct hd_lock *lock, int timeout_ms)
{
  uint64_t now = hd_monotonic_ns(), patience = now + FORK_NS;
  uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : now + (uint64_t)timeout_ms * 1000000u;
  while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0) {
    now = hd_monotonic_ns();
    if (now >= deadline)
      return false;
    if (now >= patience) {
      hd_fork_yield();
      patience = now + FORK_NS;
    }
    uint64_t until = earlier(now + SLEEP_NS, earlier(patience, deadline));
    struct timespec left = hd_timespec(until - now);
    hd_sys4(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, &left);
  }
  return true;
}

void hd_lock_wake(struct hd_lock *lock)
{
  hd_sys3(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}
