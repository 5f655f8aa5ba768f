/* The processes that a process has started, and those that these have, as far as they are
 * still its descendants. */
#ifndef HD_RECORD_DESCENDANTS_H
#define HD_RECORD_DESCENDANTS_H

#include "base/vec.h"

#include <sys/types.h>

enum { HD_MOST_DESCENDANTS = 65536 };

typedef HD_VEC(pid_t) hd_pids;

/* Those that can be found; parents before their children. */
void hd_descendants(pid_t pid, hd_pids *descendants);

#endif
