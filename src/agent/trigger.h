/* What asks for a snapshot besides the clock, and the word that the agent's thread
 * sleeps on. */
#ifndef HD_AGENT_TRIGGER_H
#define HD_AGENT_TRIGGER_H

#include "config.h"
#include "protocol.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether there is anything that a thread must wait for. */
bool hd_trigger_needs_thread(void);
/* Notes an event and wakes the thread. For signal handlers, too. */
void hd_trigger_raise(uint32_t event);
/* Takes off all events of the mask that have been raised. */
uint32_t hd_trigger_take(uint32_t mask);
bool hd_trigger_is_raised(uint32_t mask);
/* Sleeps until an event is raised or the clock is there. */
void hd_trigger_wait(uint64_t deadline_ns);
/* Another word than the agent's own from now on, which a control holds; NULL: the own
 * one. It stays readable for good. */
void hd_trigger_move(_Atomic(uint32_t) *word);
/* In a child: nothing has happened yet. */
void hd_trigger_forked(void);

/* Counts a recorded allocation towards `every_bytes`. */
void hd_trigger_count_slowly(size_t size);
static inline void hd_trigger_count(size_t size)
{
  if (__builtin_expect(hd_config.set.every_bytes != 0, 0))
    hd_trigger_count_slowly(size);
}

#endif
