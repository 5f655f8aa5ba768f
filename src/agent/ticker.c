#include "ticker.h"

#include "clock.h"
#include "config.h"
#include "exit.h"
#include "modules.h"
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

enum { ABSENT, WAITING, RUNNING };
static _Atomic(int) state;
static uint64_t not_before;

static void sleep_until(uint64_t deadline)
{
  static uint32_t never;
  uint64_t now = hd_monotonic_ns();
  if (deadline <= now)
    return;
  struct timespec left = hd_timespec(deadline - now);
  hd_sys4(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, &left);
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
  while (!hd_exit_has_begun()) {
    sleep_until(deadline);
    uint64_t now = hd_monotonic_ns();
    if (now < deadline)
      continue;
    if (hd_exit_has_begun())
      break;
    hd_snapshot_take("interval");
    deadline = deadline + interval > now ? deadline + interval : now + interval;
    if (now - expired > EXPIRY_NS) { /* libc unloads its converters without dlclose */
      hd_modules_expire();
      expired = now;
    }
  }
  atomic_store(&state, ABSENT);
  return NULL;
}

/* The thread starts with every signal blocked that libc lets be blocked: its own
 * two it needs, for setuid in all threads. */
void hd_ticker_start(void)
{
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, old;
  atomic_store(&state, RUNNING);
  uint64_t left = hd_mute();
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int error = pthread_create(&thread, &attributes, run, NULL);
  pthread_attr_setstacksize(&attributes, STACK_BYTES * 16);
  if (error && pthread_create(&thread, &attributes, run, NULL) != 0)
    atomic_store(&state, ABSENT);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  hd_unmute(left);
}

void hd_ticker_ensure(void)
{
  int waiting = WAITING;
  if (HD_LIKELY(atomic_load_explicit(&state, memory_order_relaxed) != WAITING))
    return;
  if (hd_self.holds_all || hd_clock_ns(CLOCK_MONOTONIC_COARSE) < not_before ||
      !atomic_compare_exchange_strong(&state, &waiting, ABSENT))
    return;
  hd_ticker_start();
}

bool hd_ticker_is_running(void)
{
  return atomic_load(&state) == RUNNING;
}

void hd_ticker_forked(void)
{
  not_before = hd_monotonic_ns() + CHILD_DELAY_NS;
  atomic_store(&state, hd_config.interval_ms ? WAITING : ABSENT);
}
