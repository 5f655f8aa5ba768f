/* Safe reading of a stack, whichever it is: a thread's, a fiber's, a signal
 * stack. A page is asked about once (by a system call that fails harmlessly on
 * an unreadable address), then remembered: for the walk, and for the thread where it
 * is the thread's own stack. */
#ifndef HD_AGENT_STACK_MEMORY_H
#define HD_AGENT_STACK_MEMORY_H

#include "state.h"

#include <string.h>

/* A walk starts at this stack pointer, of which nothing is known yet. */
void hd_stack_begin(uint64_t sp);
static inline void hd_stack_enter(uint64_t sp)
{
  if (HD_UNLIKELY(!hd_self.stack_own || sp < hd_self.stack_low || sp >= hd_self.stack_high))
    hd_stack_begin(sp);
}

/* Makes sure that the page of this address can be read. */
bool hd_stack_learn(uint64_t address);

/* Reads a word; false where that cannot be done. */
static inline bool hd_stack_read(uint64_t address, uint64_t *value)
{
  if (HD_UNLIKELY(address % sizeof *value))
    return false;
  if (HD_UNLIKELY(address - hd_self.stack_low >= hd_self.stack_high - hd_self.stack_low) &&
      !hd_stack_learn(address))
    return false;
  memcpy(value, (const void *)(uintptr_t)address, sizeof *value);
  return true;
}

#endif
