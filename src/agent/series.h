/* What all snapshots of one process have in common. A forked child has a series
 * of its own. */
#ifndef HD_AGENT_SERIES_H
#define HD_AGENT_SERIES_H

#include "config.h"
#include "state.h"

#include <stddef.h>

enum { HD_COMMAND_BYTES = 32 * 1024, HD_NAME_BYTES = 256 };

struct hd_series {
  int pid;
  uint64_t start_ns, image_ns, sequence, failed;
  unsigned attempt; /* part of the files' names, where an earlier image has the pid's */
  bool is_child;    /* of a process under the agent, by fork */
  bool is_late;     /* of a process that was running already */
  char host[HD_NAME_BYTES], boot_id[64], name[HD_NAME_BYTES];
  char program[HD_PATH_BYTES], allocator[HD_PATH_BYTES], command[HD_COMMAND_BYTES];
  size_t command_length; /* arguments, each terminated */
};

extern struct hd_series hd_series;

/* Notes which process this is: before anything that asks. */
void hd_series_note_process(void);
/* Begins the series of this program image, or of what is left of its life. */
void hd_series_start(void);
/* In a child: the same program under a new pid. */
void hd_series_forked(void);
/* Whether this process is the one that the series is of. One that was cloned
 * behind libc's back is taken in first, or left alone for good. */
extern _Atomic(int) *hd_series_mark __attribute__((visibility("hidden"))); /* 0: it is not */
bool hd_series_become_current(void);
static inline bool hd_series_is_current(void)
{
  bool marked = atomic_load_explicit(hd_series_mark, memory_order_relaxed);
  return HD_LIKELY(marked && !hd_self.holds_all) || hd_series_become_current();
}
/* Whether it is, without taking anything in: false also in a vfork's child, which
 * runs in its parent's memory. */
bool hd_series_is_own_process(void);

#endif
