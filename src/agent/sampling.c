#include "sampling.h"

#include "clock.h"
#include "costs.h"
#include "deadly.h"
#include "memory.h"
#include "random.h"
#include "recording.h"
#include "row_cache.h"
#include "series.h"
#include "start.h"
#include "status.h"
#include "sys.h"
#include "tables.h"
#include "ticker.h"
#include "trigger.h"

#include <errno.h>
#include <string.h>

/* A walk needs more room than a small signal stack has: what it works with is
 * shared. One that is taken is skipped; there are more than threads that run. */
enum { SCRATCHES = 256, LOCK_TIMEOUT_MS = 5000 };
enum { UNUSED, FREE, TAKEN };
/* A fraction of a millisecond on any processor. */
enum { SAME_TIME_CYCLES = 1 << 20 };

struct scratch {
  struct hd_walk walk;
  uint64_t cycles, clock_ms; /* when the clock was read last, and what it said */
  struct hd_pending pending;
};
static struct scratch *scratches;
static _Atomic(uint8_t) scratch_state[SCRATCHES];

static struct {
  uint64_t began_ns, salt;
  uint32_t max_frames, room_frames;
  bool exact, seeded, drawn;
} sampling;

/* The rates that there have been, by number from 1: what a thread has drawn by one
 * must be weighed by it, whatever the rate is by then. */
enum { RATES = UINT8_MAX + 1 };
static uint64_t rates[RATES];
static _Atomic(uint8_t) rate_now;

/* The longest interval that a thread is left alone with, and so how late it learns of
 * another rate. An interval that is longer goes on with a fresh one: the distribution
 * has no memory. The other one is for threads that still come by where nothing is to be
 * recorded; where something may be, they learn of it at once. */
enum { LONGEST = 16 << 20, LONGEST_OFF = 64 << 10 };

static _Atomic(uint64_t) dropped;
__thread struct hd_thread hd_self;
_Atomic(int) hd_state;

/* Without memory until it is used. */
static bool make_scratches(void)
{
  size_t each = hd_walk_room(sampling.max_frames);
  if (!scratches)
    scratches = hd_map_sparse(SCRATCHES * sizeof *scratches);
  if (sampling.room_frames >= sampling.max_frames)
    return true;
  char *room = hd_map_sparse(SCRATCHES * each);
  if (!scratches || !room)
    return false;
  sampling.room_frames = sampling.max_frames;
  for (uint32_t i = 0; i < SCRATCHES; i++)
    hd_walk_place(&scratches[i].walk, room + i * each, sampling.max_frames);
  return true;
}

/* 0: there is no room for another. */
static uint8_t number_of(uint64_t rate)
{
  for (int i = 1; i < RATES; i++) {
    if (!rates[i])
      rates[i] = rate;
    if (rates[i] == rate)
      return (uint8_t)i;
  }
  return 0;
}

bool hd_sampling_change_rate(uint64_t rate)
{
  uint8_t number = number_of(rate);
  if (number)
    atomic_store(&rate_now, number);
  return number;
}

bool hd_sampling_has_drawn(void)
{
  return sampling.drawn;
}

bool hd_sampling_is_idle(void)
{
  for (uint32_t i = 0; i < SCRATCHES; i++)
    if (atomic_load(&scratch_state[i]) == TAKEN)
      return false;
  return true;
}

/* With everything locked: nothing is recorded, and nothing of an earlier recording
 * is left. */
static bool start_tables(bool exact)
{
  for (uint32_t i = 0; scratches && i < SCRATCHES; i++) {
    if (atomic_load_explicit(&scratch_state[i], memory_order_relaxed) == UNUSED)
      continue;
    memset(&scratches[i].pending, 0, sizeof scratches[i].pending);
    scratches[i].walk.reusable = false;
    scratches[i].cycles = 0;
  }
  hd_live_start(exact);
  hd_filter_start(exact);
  atomic_store(&dropped, 0);
  return hd_records_start(exact);
}

/* A thread that was stopped for good inside the agent holds a lock for ever: then
 * recording ends all the same, and none begins. */
static bool renew_tables(bool exact, bool stop)
{
  bool live = hd_live_lock(LOCK_TIMEOUT_MS);
  bool tables = live && hd_lock_take_within(&hd_tables_lock, LOCK_TIMEOUT_MS);
  if (stop)
    atomic_store(&hd_state, HD_OFF);
  bool done = tables && start_tables(exact);
  if (tables)
    hd_lock_release(&hd_tables_lock);
  if (live)
    hd_live_unlock();
  return done;
}

void hd_sampling_stop(void)
{
  renew_tables(false, true);
}

bool hd_sampling_start(uint64_t rate, uint32_t max_frames, uint64_t seed)
{
  sampling.exact = rate <= 1;
  sampling.drawn |= !sampling.exact;
  sampling.max_frames = max_frames;
  sampling.began_ns = hd_monotonic_ns();
  hd_costs_start(sampling.exact);
  sampling.seeded = seed;
  sampling.salt = seed ? seed : hd_clock_ns(CLOCK_REALTIME) + ((uint64_t)hd_getpid() << 40);
  return hd_sampling_change_rate(sampling.exact ? 1 : rate) && make_scratches() &&
         hd_row_cache_start(sampling.exact) && renew_tables(sampling.exact, false);
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
  return rates[atomic_load(&rate_now)];
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

/* The same for what is being recorded. Reading the clock costs twice as much as reading
 * the cycle counter, by which it cannot have gone on: a difference that is negative, of
 * two processors or after a sleep, is a large one. */
static uint64_t clock_of(struct scratch *scratch)
{
  if (!sampling.exact || !hd_cost_cycles_are_cheap())
    return hd_sampling_clock();
  uint64_t cycles = __builtin_ia32_rdtsc();
  if (cycles - scratch->cycles >= SAME_TIME_CYCLES) {
    scratch->clock_ms = hd_sampling_clock();
    scratch->cycles = cycles;
  }
  return scratch->clock_ms;
}

static uint64_t draw(void)
{
  hd_self.drawn_by = atomic_load_explicit(&rate_now, memory_order_relaxed);
  return hd_random_interval(&hd_self.random, rates[hd_self.drawn_by]);
}

static void set_left(uint64_t left)
{
  hd_self.capped = left > LONGEST;
  hd_self.left = hd_self.capped ? LONGEST : left;
}

static void seed(void)
{
  static _Atomic(uint64_t) threads;
  hd_self.seeded = true;
  hd_self.scratch = (uint32_t)atomic_fetch_add(&threads, 1);
  hd_self.random = hd_scramble(sampling.salt + hd_scramble(hd_self.scratch));
}

/* Whether the thread's interval ends in this allocation: one that is only now drawn,
 * from the byte where the countdown ran out. */
static bool ends_in(size_t size)
{
  if (hd_self.drawn_by && !hd_self.capped)
    return true;
  uint64_t total = hd_self.left + draw();
  if (total < size + 1)
    return true;
  set_left(total - (size + 1));
  return false;
}

static bool decline(void)
{
  hd_self.drawn_by = 0;
  if (atomic_load(&hd_state) != HD_OFF)
    hd_self.left = 0;
  else
    hd_self.left = hd_recording_is_possible ? 0 : LONGEST_OFF;
  return false;
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
  if (HD_UNLIKELY(!hd_is_on()) && !hd_start_early())
    return decline();
  if (HD_UNLIKELY(!hd_self.seeded))
    seed();
  if (sampling.exact) {
    hd_self.drawn_by = hd_self.due_by = 0;
    hd_self.left = 0;
    return true;
  }
  if (!ends_in(size))
    return false;
  hd_self.due_by = hd_self.drawn_by;
  set_left(draw());
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
  /* It was ended while this thread was on its way here; another has begun, perhaps. */
  if (!hd_is_on() || (!sampling.exact && !hd_self.due_by)) {
    release_scratch(scratch);
    return true;
  }
  hd_live_call_for((uintptr_t)block);
  hd_walk_stack(&scratch->walk, sampling.max_frames, entry);
  uint32_t id = hd_record_for(&scratch->walk, sampling.exact, size, rates[hd_self.due_by]);
  struct hd_live live = {(uintptr_t)block, size, id & HD_RECORDS_MAX,
                         clock_of(scratch) & ((UINT64_C(1) << 40) - 1)};
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
  if (hd_is_on() && !hd_live_add(entry, NULL))
    atomic_fetch_add(&dropped, 1);
  hd_self.busy = false;
  hd_deadly_check();
  errno = saved;
}
