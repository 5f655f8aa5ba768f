/* What a program may ask of the agent; include/heapdiff/agent.h is its view. */
#ifndef HD_AGENT_REQUEST_H
#define HD_AGENT_REQUEST_H

/* 1 or 0. */
int heapdiff_agent_recording(void);
/* Takes a snapshot now, with a text (or NULL) that it carries. 0, or an error
 * number; it is on the disk when this returns. */
int heapdiff_agent_snapshot(const char *reason);

#endif
