/* Which allocations are recorded, and recording them. */
#ifndef HD_AGENT_SAMPLING_H
#define HD_AGENT_SAMPLING_H

#include "entry.h"
#include "live.h"
#include "state.h"

#include <stddef.h>

/* Recording begins with this mean interval (1: everything). With a seed that is not
 * 0 a program whose threads do the same in the same order is sampled in the same
 * places. False when memory is short or a lock is not to be had. Called again only after
 * hd_sampling_stop. */
bool hd_sampling_start(uint64_t rate, uint32_t max_frames, uint64_t seed);
/* Recording ends, at one instant for all threads: nothing is live or counted. */
void hd_sampling_stop(void);
/* Whether no thread is recording any more, once that was ended: one may have been on
 * its way. */
bool hd_sampling_is_idle(void);
/* Another mean interval from now on; each thread ends the interval that it is in, by
 * the old one. False where there were too many. Not to or from 1. */
bool hd_sampling_change_rate(uint64_t rate);
/* Whether there were intervals before: a thread may be in one. */
bool hd_sampling_has_drawn(void);
uint64_t hd_sampling_rate(void);
bool hd_sampling_is_exact(void);
/* Sampled allocations that found no room. */
uint64_t hd_sampling_dropped(void);
/* Milliseconds since recording began. */
uint64_t hd_sampling_clock(void);
/* What was allocated and is not in the records yet. With all of the live table's
 * shards locked. */
void hd_sampling_visit_pending(void (*visit)(uint32_t record, uint64_t objects, uint64_t bytes,
                                             void *context),
                               void *context);
/* In a child: intervals differ from the parent's. */
void hd_sampling_forked(void);

/* Takes an allocation of this size off the countdown. True where that has run out:
 * then hd_sampling_decide must be asked about the same size.
 *
 * The compiler would load, subtract and store: this is one instruction, and no
 * signal handler's allocation comes between. */
static inline bool hd_sampling_due(size_t size)
{
  bool due;
  __asm__("sub %2, %0" : "+m"(hd_self.left), "=@ccc"(due) : "r"(size + 1));
  return HD_UNLIKELY(due);
}

/* Whether such an allocation is to be recorded. */
bool hd_sampling_decide(size_t size);

/* Records a block that was found due, allocated by the caller that `entry` stands
 * for or, where that is NULL, by whoever called the agent. Takes NULL for a block.
 * Keeps errno. */
void hd_record_block_at(void *block, size_t size, const struct hd_entry *entry);
static inline void hd_record_block(void *block, size_t size)
{
  hd_record_block_at(block, size, NULL);
}

/* Forgets a block before it is freed; false where nothing was known of it, else
 * what that was goes into `entry` unless that is NULL. Keeps errno. */
bool hd_forget_block(void *block, struct hd_live *entry);
/* Puts one back that was not freed after all. */
void hd_remember_block(const struct hd_live *entry);

#endif
