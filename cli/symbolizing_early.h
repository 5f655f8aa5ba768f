/* `record --symbolize`, while the program runs: a thread of its own writes each snapshot's
 * symbols into it, so that a recording is of use elsewhere also where it ends by a power
 * cut. It says nothing; what it could not do is done, and said, by symbolizing() at the
 * end. */
#ifndef HEAPDIFF_CLI_SYMBOLIZING_EARLY_H
#define HEAPDIFF_CLI_SYMBOLIZING_EARLY_H

#include <pthread.h>
#include <stdbool.h>

struct early_path;

/* Zeroed before its first use. */
struct symbolizing_early {
  pthread_t thread;
  bool started, failed;
  pthread_mutex_t mutex;
  pthread_cond_t more;
  struct early_path *first, *last; /* not begun yet */
  bool end;
};

/* Another snapshot. Starts the thread, which gets none of the process's signals, with the
 * first. Short of memory or threads nothing is done early. */
void symbolizing_early_add(struct symbolizing_early *early, const char *path);
/* Waits for the snapshot at hand, and leaves the others. */
void symbolizing_early_end(struct symbolizing_early *early);

#endif
