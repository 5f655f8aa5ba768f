/* A lock that sleeps in the kernel when it is taken (a futex), after U. Drepper,
 * "Futexes Are Tricky", the second mutex there. It does not spin: a thread that
 * is preempted while it holds one must not burn another's time.
 *
 * It is released by a plain store, which need not wait for those before it as an
 * exchange does. Who begins to wait between the look at the word and that store is not
 * woken, if it gets to sleep before the store is seen, which takes a preemption just
 * there: so nobody sleeps for long without looking again. */
#ifndef HD_AGENT_LOCK_H
#define HD_AGENT_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hd_lock {
  _Atomic uint32_t word; /* 0 free, 1 held, 2 held and perhaps waited for */
};

/* The slow half of taking; `timeout_ms` < 0: for ever. False when time is up. */
bool hd_lock_wait(struct hd_lock *lock, int timeout_ms);
void hd_lock_wake(struct hd_lock *lock);

static inline void hd_lock_take(struct hd_lock *lock)
{
  uint32_t expected = 0;
  if (!atomic_compare_exchange_strong_explicit(&lock->word, &expected, 1, memory_order_acquire,
                                               memory_order_relaxed))
    hd_lock_wait(lock, -1);
}

static inline bool hd_lock_take_within(struct hd_lock *lock, int timeout_ms)
{
  uint32_t expected = 0;
  return atomic_compare_exchange_strong_explicit(&lock->word, &expected, 1, memory_order_acquire,
                                                 memory_order_relaxed) ||
         hd_lock_wait(lock, timeout_ms);
}

static inline void hd_lock_release(struct hd_lock *lock)
{
  uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
  atomic_store_explicit(&lock->word, 0, memory_order_release);
  if (__builtin_expect(word == 2, 0))
    hd_lock_wake(lock);
}

/* In a child, where the other threads that held or waited for it are gone. */
static inline void hd_lock_reset(struct hd_lock *lock)
{
  atomic_store_explicit(&lock->word, 0, memory_order_relaxed);
}

static inline bool hd_lock_is_free(const struct hd_lock *lock)
{
  return atomic_load_explicit(&lock->word, memory_order_relaxed) == 0;
}

#endif
