#include "ticker.h"

#include "clock.h"
#include "config.h"
#include "exit.h"
#include "modules.h"
#include "series.h"
#include "snapshot.h"
#include "state.h"
#include "sys.h"

#include <linux/close_range.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

/* A child gets its thread no sooner than this after the fork: most children run
 * another program or end before. */
#define CHILD_DELAY_NS UINT64_C(20000000)
#define EXPIRY_NS UINT64_C(1000000000)
enum { STACK_BYTES = 256 * 1024 };

/* WAITING: to be started by the first recorded allocation after `not_before`.
 * DRIVEN: there can be no thread; recorded allocations take the snapshots. */
enum { ABSENT, WAITING, RUNNING, STOPPING, DRIVEN };
static _Atomic(int) state;
static _Atomic(uint64_t) not_before;
static _Atomic(uint32_t) stop;
static pthread_t thread;

static void sleep_until(uint64_t deadline)
{
  uint64_t now = hd_monotonic_ns();
  if (deadline <= now)
    return;
  struct timespec left = hd_timespec(deadline - now);
  hd_sys4(SYS_futex, &stop, FUTEX_WAIT_PRIVATE, 0, &left);
}

/* A table of file descriptors of its own, empty: whatever the program opens,
 * closes or counts, it never meets the agent's. An older kernel cannot; then they
 * are shared. */
static void leave_files(void)
{
  hd_sys3(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE);
}

static void *run(void *unused)
{
  (void)unused;
  const uint64_t interval = hd_config.interval_ms * 1000000u;
  uint64_t deadline = hd_monotonic_ns() + interval, expired = 0;
  hd_mute();
  leave_files();
  prctl(PR_SET_NAME, "heapdiff");
  hd_snapshot_write_start();
  while (!hd_exit_has_begun() && !atomic_load(&stop)) {
    sleep_until(deadline);
    uint64_t now = hd_monotonic_ns();
    if (now < deadline || hd_exit_has_begun() || atomic_load(&stop))
      continue;
    hd_snapshot_take("interval");
    deadline = deadline + interval > now ? deadline + interval : now + interval;
    if (now - expired > EXPIRY_NS) { /* libc unloads its converters without dlclose */
      hd_modules_expire();
      expired = now;
    }
  }
  return NULL;
}

/* The thread starts with every signal blocked that libc lets be blocked: its own
 * two it needs, for setuid in all threads. */
void hd_ticker_start(void)
{
  pthread_attr_t attributes;
  sigset_t all, old;
  atomic_store(&stop, 0);
  uint64_t left = hd_mute();
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int error = pthread_create(&thread, &attributes, run, NULL);
  pthread_attr_setstacksize(&attributes, STACK_BYTES * 16);
  if (error)
    error = pthread_create(&thread, &attributes, run, NULL);
  atomic_store(&state, error ? DRIVEN : RUNNING);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  hd_unmute(left);
}

bool hd_ticker_stop(bool for_good)
{
  int running = RUNNING, waiting = WAITING, cancel;
  if (for_good && hd_config.interval_ms)
    atomic_compare_exchange_strong(&state, &waiting, DRIVEN);
  if (hd_self.busy || !hd_is_on() || !hd_series_is_own_process() ||
      !atomic_compare_exchange_strong(&state, &running, STOPPING))
    return false;
  uint64_t left = hd_mute();
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
  atomic_store(&stop, 1);
  hd_sys3(SYS_futex, &stop, FUTEX_WAKE_PRIVATE, 1);
  pthread_join(thread, NULL);
  pthread_setcancelstate(cancel, NULL);
  hd_unmute(left);
  atomic_store(&not_before, hd_monotonic_ns());
  atomic_store(&state, for_good ? DRIVEN : WAITING);
  return true;
}

static void take_in_line(void)
{
  if (!hd_exit_has_begun())
    hd_snapshot_take("interval");
  atomic_store(&not_before, hd_monotonic_ns() + hd_config.interval_ms * 1000000u);
  atomic_store(&state, DRIVEN);
}

void hd_ticker_ensure(void)
{
  int found = atomic_load_explicit(&state, memory_order_relaxed);
  if (HD_LIKELY(found != WAITING && found != DRIVEN))
    return;
  if (hd_self.holds_all || hd_clock_ns(CLOCK_MONOTONIC_COARSE) < atomic_load(&not_before) ||
      !hd_series_is_own_process() || !atomic_compare_exchange_strong(&state, &found, ABSENT))
    return;
  if (found == DRIVEN)
    take_in_line();
  else if (hd_config.interval_ms)
    hd_ticker_start();
  else
    hd_snapshot_begin();
}

bool hd_ticker_is_running(void)
{
  return atomic_load(&state) == RUNNING;
}

void hd_ticker_forked(void)
{
  atomic_store(&not_before, hd_monotonic_ns() + CHILD_DELAY_NS);
  atomic_store(&state, WAITING);
}
