/* What every hook looks at: the thread's own few bytes and whether the agent is
 * on at all. */
#ifndef HD_AGENT_STATE_H
#define HD_AGENT_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HD_LIKELY(x) __builtin_expect(!!(x), 1)
#define HD_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Between two conditions that nearly always hold: else compilers work out both, to save
 * a jump that costs less, as it is foreseen. */
static inline void hd_apart(void)
{
  __asm__ volatile("");
}

/* Zero in a new thread: its first allocation goes the slow way and draws. At
 * most 64 bytes: it is carved out of every thread's static block. */
struct hd_thread {
  /* An allocation of s bytes takes s + 1 from it; one that finds less is sampled,
   * once what it took is put back. Exact recording keeps it at 0, "off" at the
   * maximum. */
  uint64_t left;
  uint64_t random;                 /* state of the generator */
  uintptr_t stack_low, stack_high; /* a range of this stack that is known to be readable */
  uint64_t left_outside;           /* the countdown while `nested` */
  uint32_t scratch;                /* where to look for a free walk buffer first */
  uint32_t visits;                 /* of the slow path, until one is timed */
  bool stack_own;                  /* that range is of the thread's own stack: it stays */
  bool seeded;
  bool busy;      /* inside the agent, perhaps holding locks: a signal handler's calls pass */
  bool muted;     /* allocates for the agent */
  bool holds_all; /* is about to fork */
  bool phased;    /* its visits are counted from somewhere */
  bool nested;    /* inside an allocator's operator new, which may call malloc in turn */
  bool holds_loader; /* the same, of the lock before the loader's */
  bool capped;    /* the interval goes on behind `left` */
  /* Rates by their numbers (sampling.c): of the interval that runs, 0 none; and of the
   * one that ended with the allocation that is being recorded. */
  uint8_t drawn_by, due_by;
};
_Static_assert(sizeof(struct hd_thread) <= 64, "a line of the cache");

extern __thread struct hd_thread hd_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

enum hd_state { HD_UNDECIDED, HD_OFF, HD_ON };
extern _Atomic(int) hd_state __attribute__((visibility("hidden")));

static inline bool hd_is_on(void)
{
  return atomic_load_explicit(&hd_state, memory_order_acquire) == HD_ON;
}

/* Between these, what libc allocates for the agent is not recorded, and the
 * countdown stays as it was. */
static inline uint64_t hd_mute(void)
{
  uint64_t left = hd_self.left;
  hd_self.muted = true;
  hd_self.left = UINT64_MAX;
  return left;
}

static inline void hd_unmute(uint64_t left)
{
  hd_self.left = left;
  hd_self.muted = false;
}

/* An allocation that has been counted already may reach another hook on its way.
 * That one passes and ends this, and so does the first allocation after an
 * exception: nothing stays muted. */
static inline void hd_nest(void)
{
  hd_self.left_outside = hd_self.left;
  hd_self.left = 0;
  hd_self.nested = true;
}

static inline void hd_unnest(void)
{
  if (hd_self.nested)
    hd_self.left = hd_self.left_outside;
  hd_self.nested = false;
}

#endif
