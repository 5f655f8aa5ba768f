/* A process that the agent was put into while it ran. */
#ifndef HD_AGENT_ATTACH_H
#define HD_AGENT_ATTACH_H

/* HD_ATTACH_FUNCTION: called in a thread of the program, wherever that was. */
int heapdiff_agent_attach(void);
/* By the agent's thread, first of all: what attaching leaves to it. */
void hd_attach_prepare(void);

#endif
