/* Keeping the agent whole across fork. */
#ifndef HD_AGENT_FORK_H
#define HD_AGENT_FORK_H

#include <stdbool.h>

/* Registers the handlers; called once. */
void hd_fork_start(void);
/* Takes in a child that was made without them. False where the parent's other
 * threads were inside the agent at that moment: it is off in this process then. */
bool hd_fork_adopt(void);

#endif
