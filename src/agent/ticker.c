#include "ticker.h"

#include "attach.h"
#include "clock.h"
#include "config.h"
#include "control.h"
#include "exit.h"
#include "loader.h"
#include "modules.h"
#include "pressure.h"
#include "recording.h"
#include "regions.h"
#include "series.h"
#include "snapshot.h"
#include "state.h"
#include "sys.h"
#include "trigger.h"

#include <errno.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

/* A child gets its thread no sooner than this after the fork: most children run
 * another program or end before. */
#define CHILD_DELAY_NS UINT64_C(20000000)
#define EXPIRY_NS UINT64_C(1000000000)
#define END_PATIENCE_NS UINT64_C(10000000000)
enum { STACK_BYTES = 256 * 1024, SETTLE_TRIES = 1000, SETTLE_PAUSE_NS = 1000000 };

/* WAITING: to be started by the first recorded allocation after `not_before`. TAKEN: by who
 * starts it just now or, where there is none, does its work. DRIVEN: there can be no thread;
 * recorded allocations take the snapshots. */
enum { ABSENT, WAITING, TAKEN, RUNNING, STOPPING, DRIVEN };
static _Atomic(int) state;
static _Atomic(uint64_t) not_before;
static pthread_t thread;

/* When the next snapshot by the clock is due, and the next look at the memory's
 * limit. Of the one who attends: the thread or, where there can be none, the
 * allocation that has taken `state`. */
static uint64_t interval_at, look_at;

static uint64_t interval_after(uint64_t deadline, uint64_t now)
{
  const uint64_t interval = hd_config.set.interval_ms * 1000000u;
  if (!interval)
    return UINT64_MAX;
  return deadline + interval > now ? deadline + interval : now + interval;
}

static const char *signal_label(void)
{
  return hd_config.set.signal == SIGUSR1   ? "SIGUSR1"
         : hd_config.set.signal == SIGUSR2 ? "SIGUSR2"
                                           : "signal";
}

static bool pressure_has_come(uint64_t now)
{
  return now >= look_at && hd_pressure_has_come(now, &look_at);
}

/* Takes a snapshot where one is due; one serves all that asked for it meanwhile.
 * Returns when to come again at the latest. */
static uint64_t attend(bool by_thread)
{
  if (!hd_is_on()) {
    hd_trigger_take(HD_EVENT_SIGNAL | HD_EVENT_BYTES);
    return UINT64_MAX;
  }
  uint64_t now = hd_monotonic_ns();
  uint32_t events = hd_trigger_take(HD_EVENT_SIGNAL | HD_EVENT_BYTES);
  bool pressed = pressure_has_come(now);
  if (by_thread && (events || now >= interval_at))
    hd_loader_look();
  if (by_thread && (events || pressed || now >= interval_at))
    hd_malloc_ask();
  if (pressed)
    hd_snapshot_take("oom", NULL);
  else if (events & HD_EVENT_SIGNAL)
    hd_snapshot_take("request", signal_label());
  else if (events & HD_EVENT_BYTES)
    hd_snapshot_take("bytes", NULL);
  else if (now >= interval_at)
    hd_snapshot_take("interval", NULL);
  if (now >= interval_at)
    interval_at = interval_after(interval_at, now);
  return interval_at < look_at ? interval_at : look_at;
}

/* A table of file descriptors of its own, empty: whatever the program opens,
 * closes or counts, it never meets the agent's. An older kernel cannot; then they
 * are shared. */
static bool leave_files(void)
{
  return hd_sys3(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE) == 0;
}

static bool is_over(void)
{
  if (atomic_load(&state) == STOPPING)
    return true;
  hd_trigger_take(HD_EVENT_STOP); /* anybody may have raised it in the control */
  return atomic_load(&state) == STOPPING; /* or who stops it, just now */
}

/* Returns when to come again at the latest. */
static uint64_t do_duties(uint64_t *expired)
{
  hd_control_serve();
  uint64_t next = attend(true), now = hd_monotonic_ns(), again = hd_loader_attend(now);
  next = again < next ? again : next;
  hd_trigger_take(~(uint32_t)HD_EVENTS); /* nobody knows these */
  if (now - *expired > EXPIRY_NS) {      /* libc unloads its converters without dlclose */
    hd_modules_expire();
    *expired = now;
  }
  return next;
}

/* Nothing is to be done for a process that is ending, but the thread stays: the last
 * snapshot, which is being taken, does not count it among the program's. */
static uint64_t stand_by(void)
{
  hd_control_close();
  hd_trigger_take(~(uint32_t)HD_EVENT_STOP);
  return UINT64_MAX;
}

static void *run(void *unused)
{
  (void)unused;
  uint64_t expired = 0;
  hd_mute();
  prctl(PR_SET_NAME, HD_THREAD_NAME);
  hd_attach_prepare();
  hd_control_open(leave_files());
  if (hd_is_on())
    hd_snapshot_write_start();
  while (!is_over()) {
    uint64_t next = hd_exit_has_begun() ? stand_by() : do_duties(&expired);
    if (!is_over())
      hd_trigger_wait(next);
  }
  hd_control_close();
  return NULL;
}

void hd_ticker_begin(void)
{
  interval_at = interval_after(hd_monotonic_ns(), 0);
  look_at = 0;
}

/* The thread starts with every signal blocked that libc lets be blocked: its own
 * two it needs, for setuid in all threads. */
void hd_ticker_start(void)
{
  pthread_attr_t attributes;
  sigset_t all, old;
  atomic_store(&state, TAKEN);
  hd_trigger_take(HD_EVENT_STOP);
  hd_ticker_begin();
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

/* The state, once another thread is done with what it has taken it for: soon, or, of a snapshot
 * to a slow disk, too late. */
static int settled_state(void)
{
  const struct timespec pause = {0, SETTLE_PAUSE_NS};
  int found = atomic_load(&state);
  for (int i = 0; i < SETTLE_TRIES && (found == TAKEN || found == STOPPING); i++) {
    hd_sys2(SYS_nanosleep, &pause, 0);
    found = atomic_load(&state);
  }
  return found;
}

/* It may be waiting for the loader's lock, which the caller holds. */
static bool is_gone_in_time(void)
{
  struct timespec end = hd_timespec(hd_monotonic_ns() + END_PATIENCE_NS);
  return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end) == 0;
}

bool hd_ticker_stop(bool for_good)
{
  int running = RUNNING, waiting = WAITING, cancel;
  if (for_good)
    settled_state();
  if (for_good && hd_trigger_needs_thread())
    atomic_compare_exchange_strong(&state, &waiting, DRIVEN);
  if (hd_self.busy || !(hd_is_on() || hd_recording_is_possible) || !hd_series_is_own_process() ||
      !atomic_compare_exchange_strong(&state, &running, STOPPING))
    return false;
  uint64_t left = hd_mute();
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
  hd_trigger_raise(HD_EVENT_STOP);
  bool gone = is_gone_in_time();
  pthread_setcancelstate(cancel, NULL);
  hd_unmute(left);
  if (!gone) {
    hd_trigger_take(HD_EVENT_STOP);
    atomic_store(&state, RUNNING);
    return false;
  }
  atomic_store(&not_before, hd_monotonic_ns());
  atomic_store(&state, for_good ? DRIVEN : WAITING);
  return true;
}

/* By an allocation that took the state. */
static void attend_in_line(void)
{
  uint64_t next = hd_exit_has_begun() ? UINT64_MAX : attend(false);
  atomic_store(&not_before, next);
  atomic_store(&state, DRIVEN);
}

static bool is_due(int found)
{
  return hd_clock_ns(CLOCK_MONOTONIC_COARSE) >= atomic_load(&not_before) ||
         (found == DRIVEN && hd_trigger_is_raised(HD_EVENT_SIGNAL | HD_EVENT_BYTES));
}

void hd_ticker_ensure(void)
{
  int found = atomic_load_explicit(&state, memory_order_relaxed);
  if (HD_LIKELY(found != WAITING && found != DRIVEN))
    return;
  if (hd_self.holds_all || !is_due(found) || !hd_series_is_own_process() ||
      !atomic_compare_exchange_strong(&state, &found, TAKEN))
    return;
  if (found == DRIVEN) {
    attend_in_line();
  } else if (hd_trigger_needs_thread()) {
    hd_ticker_start();
  } else {
    hd_snapshot_begin();
    atomic_store(&state, ABSENT);
  }
}

bool hd_ticker_start_now(void)
{
  int found = settled_state();
  if ((found == ABSENT || found == WAITING || found == DRIVEN) &&
      atomic_compare_exchange_strong(&state, &found, TAKEN))
    hd_ticker_start();
  return hd_ticker_is_running();
}

void hd_ticker_resume(void)
{
  int saved = errno, waiting = WAITING;
  if (!hd_is_on() && hd_recording_is_possible && !hd_self.busy && hd_series_is_own_process() &&
      atomic_compare_exchange_strong(&state, &waiting, TAKEN))
    hd_ticker_start();
  errno = saved;
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
