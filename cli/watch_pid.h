/* A process that is watched: it is recorded as by `record --pid`. */
#ifndef HEAPDIFF_CLI_WATCH_PID_H
#define HEAPDIFF_CLI_WATCH_PID_H

#include "watch.h"

/* Whether a word means a process: a number, and no file. */
bool watch_is_pid(const char *word, int64_t *pid);
/* Returns the exit code. */
int watch_pid(struct watch_args *args, int64_t pid);

#endif
