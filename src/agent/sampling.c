#include "sampling.h"

#include "clock.h"
#include "costs.h"
#include "deadly.h"
#include "memory.h"
#include "random.h"
#include "row_cache.h"
#include "series.h"
#include "start.h"
#include "status.h"
#include "sys.h"
#include "ticker.h"
#include "trigger.h"

#include <errno.h>

/* A walk needs more room than a small signal stack has: what it works with is
 * shared. One that is taken is skipped; there are more than threads that run. */
enum { SCRATCHES = 256 };
enum { UNUSED, FREE, TAKEN };

struct scratch {
  struct hd_walk walk;
  struct hd_pending pending;
};
static struct scratch *scratches;
static _Atomic(uint8_t) scratch_state[SCRATCHES];

static struct {
  uint64_t rate, began_ns, salt;
  uint32_t max_frames;
  bool exact, seeded;
} sampling;

static _Atomic(uint64_t) dropped;
__thread struct hd_thread hd_self;
_Atomic(int) hd_state;

/* Without memory until it is used. */
static bool make_scratches(void)
{
  size_t each = hd_walk_room(sampling.max_frames);
  scratches = hd_map_sparse(SCRATCHES * sizeof *scratches);
  char *room = hd_map_sparse(SCRATCHES * each);
  if (!scratches || !room)
    return false;
  for (uint32_t i = 0; i < SCRATCHES; i++)
    hd_walk_place(&scratches[i].walk, room + i * each, sampling.max_frames);
  return true;
}

bool hd_sampling_start(uint64_t rate, uint32_t max_frames, uint64_t seed)
{
  sampling.exact = rate <= 1;
  sampling.rate = sampling.exact ? 1 : rate;
  sampling.max_frames = max_frames;
  sampling.began_ns = hd_monotonic_ns();
  hd_costs_start(sampling.exact);
  sampling.seeded = seed;
  sampling.salt = seed ? seed : hd_clock_ns(CLOCK_REALTIME) + ((uint64_t)hd_getpid() << 40);
  if (!make_scratches() || !hd_row_cache_start(sampling.exact))
    return false;
  hd_live_start(sampling.exact);
  hd_filter_start(sampling.exact);
  return true;
}

void hd_sampling_forked(void)
{
  for (uint32_t i = 0; i < SCRATCHES; i++) {
    if (atomic_load_explicit(&scratch_state[i], memory_order_relaxed) != TAKEN)
      continue;
    scratches[i].walk.reusable = false; /* its thread is gone, in the middle of a walk */
    atomic_store_explicit(&scratch_state[i], FREE, memory_order_relaxed);
  }
  uint64_t other = sampling.seeded ? 1 : (uint64_t)hd_getpid();
  hd_self.random ^= hd_scramble(other);
  sampling.salt ^= other << 40;
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

static void seed(void)
{
  static _Atomic(uint64_t) threads;
  hd_self.seeded = true;
  hd_self.scratch = (uint32_t)atomic_fetch_add(&threads, 1);
  hd_self.random = hd_scramble(sampling.salt + hd_scramble(hd_self.scratch));
}

/* Where the thread's first interval ends: at this allocation? */
static bool is_first_due(size_t size)
{
  hd_self.left = draw();
  return hd_sampling_due(size);
}

bool hd_sampling_decide(size_t size)
{
  hd_self.left += size + 1;
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
  bool first = !hd_self.seeded;
  if (HD_UNLIKELY(first))
    seed();
  if (sampling.exact)
    return true;
  if (first && !is_first_due(size))
    return false;
  hd_self.left = draw();
  return true;
}

/* A thread's own where all is recorded, as the last walk there was the thread's;
 * else any, so that few are ever touched. */
static struct scratch *take_scratch(void)
{
  uint32_t first = sampling.exact ? hd_self.scratch : 0;
  for (uint32_t i = 0; i < SCRATCHES; i++) {
    uint32_t index = (first + i) % SCRATCHES;
    if (atomic_exchange_explicit(&scratch_state[index], TAKEN, memory_order_acquire) != TAKEN)
      return &scratches[index];
  }
  return NULL;
}

static void release_scratch(const struct scratch *scratch)
{
  atomic_store_explicit(&scratch_state[scratch - scratches], FREE, memory_order_release);
}

static bool record(void *block, size_t size, const struct hd_entry *entry)
{
  struct scratch *scratch = take_scratch();
  if (!scratch)
    return false;
  hd_live_call_for((uintptr_t)block);
  hd_walk_stack(&scratch->walk, sampling.max_frames, entry);
  uint32_t id = hd_record_for(&scratch->walk, sampling.exact, size, sampling.rate);
  struct hd_live live = {(uintptr_t)block, size, id & HD_RECORDS_MAX,
                         hd_sampling_clock() & ((UINT64_C(1) << 40) - 1)};
  bool added = id && hd_live_add(&live, &scratch->pending);
  release_scratch(scratch);
  return added;
}

void hd_record_block_at(void *block, size_t size, const struct hd_entry *entry)
{
  int saved = errno;
  if (!block || hd_self.busy || hd_self.muted)
    return;
  hd_self.busy = true;
  uint64_t began = hd_cost_begin();
  bool usable = hd_series_is_current();
  if (usable && !record(block, size, entry)) {
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

void hd_sampling_visit_pending(void (*visit)(uint32_t record, uint64_t objects, uint64_t bytes,
                                             void *context),
                               void *context)
{
  for (uint32_t i = 0; i < SCRATCHES; i++) {
    const struct hd_pending *pending = &scratches[i].pending;
    if (atomic_load_explicit(&scratch_state[i], memory_order_relaxed) == UNUSED)
      continue;
    for (uint32_t k = 0; k < HD_PENDING; k++)
      if (pending->of[k].record)
        visit(pending->of[k].record, pending->of[k].objects, pending->of[k].bytes, context);
  }
}

bool hd_forget_block(void *block, struct hd_live *entry)
{
  int saved = errno;
  bool found = false;
  if (!block || hd_self.busy)
    return false;
  hd_self.busy = true;
  hd_live_call_for((uintptr_t)block);
  uint64_t began = hd_cost_begin();
  if (hd_is_on() && hd_series_is_current())
    found = hd_live_remove((uintptr_t)block, entry);
  hd_cost_end(began);
  hd_self.busy = false;
  hd_deadly_check();
  errno = saved;
  return found;
}

void hd_remember_block(const struct hd_live *entry)
{
  int saved = errno;
  if (hd_self.busy)
    return;
  hd_self.busy = true;
  if (!hd_live_add(entry, NULL))
    atomic_fetch_add(&dropped, 1);
  hd_self.busy = false;
  hd_deadly_check();
  errno = saved;
}
