/* Which process a snapshot is of, where only its file's name tells: allocators and
 * valgrind put the pid and a running number there. Formats go by content alone. */
#ifndef HD_INPUT_FILE_NAME_H
#define HD_INPUT_FILE_NAME_H

#include <stddef.h>
#include <stdint.h>

struct hd_file_name {
  const char *stem;  /* what the names of one process's snapshots begin with, in `name` */
  size_t length;     /* of it; 0: the name is of no known form */
  int64_t pid;       /* 0 unknown */
  int64_t sequence;  /* -1 unknown */
  int64_t time_ns;   /* since 1970; 0 unknown */
};

/* Of a path. Known are PREFIX.PID.SEQUENCE.KIND.heap (jemalloc), PREFIX.SEQUENCE.heap and
 * PREFIX_PID.SEQUENCE.heap (gperftools), PROGRAM.PID.SEQUENCE.heapdiff.pb (heapdiff's
 * agent), massif.out.PID, dhat.out.PID and
 * heaptrack.PROGRAM.PID, also with .gz or .zst behind them, and what is recorded from a
 * URL: HOST-PORT.KIND.YYYYMMDDThhmmss.mmmZ.heapdiff. */
struct hd_file_name hd_file_name_read(const char *name);

#endif
