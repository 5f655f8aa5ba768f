/* Keeping the agent whole across fork. */
#ifndef HD_AGENT_FORK_H
#define HD_AGENT_FORK_H

#include <stdbool.h>

/* Registers the handlers; called once. */
void hd_fork_start(void);
/* Takes the locks from a thread that has been holding them for its fork for long:
 * it may be waiting for a lock of libc's (that of the list of streams) whose owner
 * waits for the caller. Its child is off then. */
void hd_fork_yield(void);
/* In a child of a dormant process, before anything else: most children end before, and
 * must cost nothing. */
void hd_fork_settle(void);
/* Does early what the handlers do after the fork: the forking thread, which holds
 * the locks, is about to allocate. */
void hd_fork_end(bool is_child);
/* Takes in a child that was made without them. False where the parent's other
 * threads were inside the agent at that moment: it is off in this process then. */
bool hd_fork_adopt(void);

#endif
