/* A line of standard error that says what is waited for, and is gone when it is
 * there. */
#ifndef HEAPDIFF_CLI_PROGRESS_H
#define HEAPDIFF_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* An hd_progress_fn for a terminal; `context` is not used. What is over, one thing after
 * the other, within half a second is not said. Never gives up. A thread of its own
 * writes the line, so that it comes however long the work takes between two calls. */
bool progress_show(void *context, const char *what, uint64_t done, uint64_t total);
/* Takes the line away: to be called before anything else is written to the terminal. */
void progress_end(void);

#endif
