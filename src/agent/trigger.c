#include "trigger.h"

#include "clock.h"
#include "pressure.h"
#include "recording.h"
#include "sampling.h"
#include "sys.h"

#include <limits.h>
#include <linux/futex.h>

static _Atomic(uint32_t) own_events;
static _Atomic(uint32_t) *_Atomic events = &own_events;
static _Atomic(uint64_t) allocated;

bool hd_trigger_needs_thread(void)
{
  return hd_config.set.interval_ms || hd_config.set.every_bytes || hd_config.set.signal ||
         hd_pressure_is_watched() || hd_recording_is_possible;
}

void hd_trigger_raise(uint32_t event)
{
  _Atomic(uint32_t) *word, *raised = NULL;
  while ((word = atomic_load(&events)) != raised) { /* it may be moving */
    atomic_fetch_or(word, event);
    hd_sys3(SYS_futex, word, FUTEX_WAKE, INT_MAX);
    raised = word;
  }
}

void hd_trigger_move(_Atomic(uint32_t) *word)
{
  _Atomic(uint32_t) *to = word ? word : &own_events, *from = atomic_exchange(&events, to);
  if (from != to)
    hd_trigger_raise(atomic_exchange(from, 0));
}

uint32_t hd_trigger_take(uint32_t mask)
{
  return atomic_fetch_and(atomic_load(&events), ~mask) & mask;
}

bool hd_trigger_is_raised(uint32_t mask)
{
  return atomic_load_explicit(atomic_load(&events), memory_order_relaxed) & mask;
}

void hd_trigger_wait(uint64_t deadline_ns)
{
  uint64_t now = hd_monotonic_ns();
  _Atomic(uint32_t) *word = atomic_load(&events);
  if (deadline_ns <= now || atomic_load(word))
    return;
  struct timespec left = hd_timespec(deadline_ns - now);
  hd_sys4(SYS_futex, word, FUTEX_WAIT, 0, deadline_ns == UINT64_MAX ? NULL : &left);
}

void hd_trigger_forked(void)
{
  atomic_store(&own_events, 0);
  atomic_store(&events, &own_events);
  atomic_store(&allocated, 0);
}

/* How many bytes a sampled allocation stands for: size / p with
 * p = 1 - exp(-size / rate), by the series x / (1 - exp(-x)) = 1 + x/2 + x^2/12,
 * which is 3% off at most up to 3 and where beyond x itself is 5% off at most. */
static uint64_t stands_for(uint64_t size, uint64_t rate)
{
  if (rate <= 1 || size / 3 >= rate)
    return size;
  return rate + size / 2 + size * size / 12 / rate;
}

void hd_trigger_count_slowly(size_t size)
{
  uint64_t every = hd_config.set.every_bytes, more = stands_for(size, hd_sampling_rate());
  uint64_t before = atomic_fetch_add_explicit(&allocated, more, memory_order_relaxed);
  if (before / every != (before + more) / every)
    hd_trigger_raise(HD_EVENT_BYTES);
}
