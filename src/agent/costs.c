#include "costs.h"

#include "clock.h"
#include "memory.h"

#include <stdatomic.h>

/* A visit that seems to last longer was interrupted by the scheduler or waited for
 * a lock: what another thread did meanwhile is no cost. Cycles, some microseconds. */
#define LONGEST_VISIT 10000u
/* When every allocation is recorded: odd, as allocations and frees often alternate. */
#define EXACT_EVERY 61u

/* Reading the counter takes some tens of cycles, by a detour thousands. */
#define CHEAP_CYCLES 200u

uint32_t hd_cost_skipped;

static struct {
  uint64_t tsc, mono_ns; /* when recording began */
  uint64_t reading;      /* cycles that reading the counter takes by itself */
  _Atomic(uint64_t) cycles, writing_ns;
} costs;

/* Both clocks at one moment: where the scheduler comes between the two, the ratio of a
 * young process's would be far off, so the closest of some tries counts. */
static void read_clocks(uint64_t *tsc, uint64_t *mono_ns)
{
  enum { TRIES = 8, CLOSE_NS = 2000 };
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < TRIES && least > CLOSE_NS; i++) {
    uint64_t before = hd_monotonic_ns(), now = __builtin_ia32_rdtsc();
    uint64_t took = hd_monotonic_ns() - before;
    if (took >= least)
      continue;
    least = took;
    *tsc = now;
    *mono_ns = before + took / 2;
  }
}

static void begin(void)
{
  read_clocks(&costs.tsc, &costs.mono_ns);
}

static uint64_t cycles_of_reading(void)
{
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 16; i++) {
    uint64_t before = __builtin_ia32_rdtsc(), taken = __builtin_ia32_rdtsc() - before;
    least = taken < least ? taken : least;
  }
  return least;
}

void hd_costs_start(bool exact)
{
  hd_cost_skipped = exact ? EXACT_EVERY - 1 : 0;
  costs.reading = cycles_of_reading();
  atomic_store(&costs.cycles, 0);
  atomic_store(&costs.writing_ns, 0);
  begin();
}

bool hd_cost_cycles_are_cheap(void)
{
  return costs.reading < CHEAP_CYCLES;
}

/* Threads begin to count anywhere between two timed visits: those that live shortly
 * would count too much if all of their first ones were timed. */
uint64_t hd_cost_begin_timed(void)
{
  static _Atomic(uint32_t) threads;
  hd_self.visits = hd_cost_skipped;
  if (hd_self.phased || !hd_cost_skipped)
    return __builtin_ia32_rdtsc();
  hd_self.phased = true;
  hd_self.visits = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % hd_cost_skipped;
  return 0;
}

void hd_cost_add(uint64_t began)
{
  uint64_t cycles = __builtin_ia32_rdtsc() - began;
  cycles = cycles > costs.reading ? cycles - costs.reading : 0;
  if (cycles > LONGEST_VISIT)
    cycles = LONGEST_VISIT;
  atomic_fetch_add_explicit(&costs.cycles, cycles * (hd_cost_skipped + 1), memory_order_relaxed);
}

uint64_t hd_cost_thread_ns(void)
{
  return hd_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void hd_cost_add_writing(uint64_t ns)
{
  atomic_fetch_add_explicit(&costs.writing_ns, ns, memory_order_relaxed);
}

/* The time stamp counter against the clock, since recording began. */
static uint64_t to_ns(uint64_t cycles)
{
  uint64_t tsc = 0, ns = 0;
  read_clocks(&tsc, &ns);
  tsc -= costs.tsc;
  ns -= costs.mono_ns;
  return tsc ? (uint64_t)((double)cycles * (double)ns / (double)tsc) : 0;
}

struct hd_costs hd_costs_now(void)
{
  return (struct hd_costs){
      .recording_ns = to_ns(atomic_load_explicit(&costs.cycles, memory_order_relaxed)),
      .writing_ns = atomic_load_explicit(&costs.writing_ns, memory_order_relaxed),
      .memory = hd_mapped_bytes(),
      .cpu_ns = hd_clock_ns(CLOCK_PROCESS_CPUTIME_ID),
  };
}

void hd_costs_forked(void)
{
  atomic_store(&costs.cycles, 0);
  atomic_store(&costs.writing_ns, 0);
  begin();
}
