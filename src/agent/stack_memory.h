/* Safe reading of a stack, whichever it is: a thread's, a fiber's, a signal
 * stack. A page is asked about once (by a system call that fails harmlessly on
 * an unreadable address), then remembered: for the walk, and for the thread where it
 * is the thread's own stack. */
#ifndef HD_AGENT_STACK_MEMORY_H
#define HD_AGENT_STACK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* A walk starts at this stack pointer. */
void hd_stack_enter(uint64_t sp);
/* Reads a word; false where that cannot be done. */
bool hd_stack_read(uint64_t address, uint64_t *value);

#endif
