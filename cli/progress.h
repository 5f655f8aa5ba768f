/* A line of standard error that says what is waited for, and is gone when it is
 * there. */
#ifndef HEAPDIFF_CLI_PROGRESS_H
#define HEAPDIFF_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* An hd_progress_fn for a terminal; `context` is not used. What takes less than half a
 * second is not said. Never gives up. */
bool progress_show(void *context, const char *what, uint64_t done, uint64_t total);

#endif
