#include "sampling.h"

#include "clock.h"
#include "costs.h"
#include "deadly.h"
#include "random.h"
#include "series.h"
#include "start.h"
#include "status.h"
#include "sys.h"
#include "ticker.h"
#include "trigger.h"

#include <errno.h>

/* A walk needs more room than a small signal stack has: its buffers are shared.
 * One that is taken is skipped; there are more than threads that run. */
enum { SCRATCHES = 256 };

static struct {
  _Atomic(bool) taken;
  struct hd_walk walk;
} scratches[SCRATCHES];

static struct {
  uint64_t rate, began_ns, salt;
  uint32_t max_frames;
  bool exact;
} sampling;

static _Atomic(uint64_t) dropped;
__thread struct hd_thread hd_self;
_Atomic(int) hd_state;

bool hd_sampling_start(uint64_t rate, uint32_t max_frames)
{
  sampling.exact = rate <= 1;
  sampling.rate = sampling.exact ? 1 : rate;
  sampling.max_frames = max_frames;
  sampling.began_ns = hd_monotonic_ns();
  hd_costs_start(sampling.exact);
  sampling.salt = hd_clock_ns(CLOCK_REALTIME) + ((uint64_t)hd_getpid() << 40);
  return hd_filter_start(sampling.exact);
}

void hd_sampling_forked(void)
{
  for (uint32_t i = 0; i < SCRATCHES; i++) /* those of threads that are gone */
    atomic_store_explicit(&scratches[i].taken, false, memory_order_relaxed);
  hd_self.random ^= hd_scramble((uint64_t)hd_getpid());
  sampling.salt ^= (uint64_t)hd_getpid() << 40;
}

uint64_t hd_sampling_rate(void)
{
  return sampling.rate;
}

bool hd_sampling_is_exact(void)
{
  return sampling.exact;
}

uint64_t hd_sampling_dropped(void)
{
  return atomic_load(&dropped);
}

/* Exact recording reads the clock at every allocation: there the kernel's coarse
 * one (4 ms) has to do. */
uint64_t hd_sampling_clock(void)
{
  clockid_t clock = sampling.exact ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC;
  uint64_t now = hd_clock_ns(clock);
  return now > sampling.began_ns ? (now - sampling.began_ns) / 1000000u : 0;
}

static uint64_t draw(void)
{
  return hd_random_interval(&hd_self.random, sampling.rate);
}

static bool draw_first(size_t size)
{
  static _Atomic(uint64_t) threads;
  hd_self.seeded = true;
  hd_self.scratch = (uint32_t)atomic_fetch_add(&threads, 1);
  hd_self.random = hd_scramble(sampling.salt ^ (uintptr_t)&hd_self) + hd_self.scratch;
  hd_self.left = draw();
  if (hd_self.left <= size)
    return true;
  hd_self.left -= size + 1;
  return false;
}

bool hd_sampling_due_slowly(size_t size)
{
  if (HD_UNLIKELY(hd_self.nested)) {
    hd_unnest();
    return false;
  }
  if (hd_self.muted || hd_self.busy)
    return false;
  if (HD_UNLIKELY(!hd_is_on()) && !hd_start_early()) {
    hd_self.left = atomic_load(&hd_state) == HD_OFF ? UINT64_MAX : 0;
    return false;
  }
  if (sampling.exact)
    return true;
  if (!hd_self.seeded && !draw_first(size))
    return false;
  hd_self.left = draw();
  return true;
}

static struct hd_walk *take_scratch(uint32_t *index)
{
  for (uint32_t i = 0; i < SCRATCHES; i++) {
    *index = (hd_self.scratch + i) % SCRATCHES;
    if (!atomic_exchange_explicit(&scratches[*index].taken, true, memory_order_acquire))
      return &scratches[*index].walk;
  }
  return NULL;
}

static bool record(void *block, size_t size)
{
  uint32_t index;
  struct hd_walk *walk = take_scratch(&index);
  if (!walk)
    return false;
  hd_walk_stack(walk, sampling.max_frames);
  uint32_t id = hd_record_for(walk, sampling.exact, size, sampling.rate);
  atomic_store_explicit(&scratches[index].taken, false, memory_order_release);
  if (!id)
    return false;
  struct hd_live entry = {(uintptr_t)block, size, id & HD_RECORDS_MAX,
                          hd_sampling_clock() & ((UINT64_C(1) << 40) - 1)};
  return hd_live_add(entry, true);
}

void hd_record_block(void *block, size_t size)
{
  int saved = errno;
  if (!block || hd_self.busy || hd_self.muted)
    return;
  hd_self.busy = true;
  uint64_t began = hd_cost_begin();
  bool usable = hd_series_is_current();
  if (usable && !record(block, size)) {
    atomic_fetch_add(&dropped, 1);
    hd_status_count_dropped();
  }
  hd_cost_end(began);
  hd_self.busy = false;
  hd_deadly_check();
  if (usable) {
    hd_trigger_count(size);
    hd_ticker_ensure();
  }
  errno = saved;
}

void hd_forget_block(void *block, struct hd_live *entry)
{
  int saved = errno;
  entry->address = 0;
  if (!block || hd_self.busy)
    return;
  hd_self.busy = true;
  uint64_t began = hd_cost_begin();
  if (hd_is_on() && hd_series_is_current() && !hd_live_remove((uintptr_t)block, entry))
    entry->address = 0;
  hd_cost_end(began);
  hd_self.busy = false;
  hd_deadly_check();
  errno = saved;
}

void hd_remember_block(const struct hd_live *entry)
{
  int saved = errno;
  if (!entry->address || hd_self.busy)
    return;
  hd_self.busy = true;
  if (!hd_live_add(*entry, false))
    atomic_fetch_add(&dropped, 1);
  hd_self.busy = false;
  hd_deadly_check();
  errno = saved;
}
