/* The agent's log in the recording directory: for what the user must know and no
 * snapshot can tell. */
#ifndef HD_AGENT_LOG_H
#define HD_AGENT_LOG_H

/* Adds a line: when, which program and pid, and the two texts. One that cannot be
 * written is lost. */
void hd_log_line(const char *what, const char *more);

#endif
