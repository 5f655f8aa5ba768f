/* What /proc says of a process, as far as attaching to it needs it. */
#ifndef HD_ATTACH_PROCESS_H
#define HD_ATTACH_PROCESS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* /proc/PID/status. */
struct hd_process_status {
  char name[64];       /* comm; what is no printable character is "?" */
  char state;          /* R S D T t Z X I */
  pid_t process;       /* Tgid */
  pid_t tracer;        /* 0: none */
  pid_t innermost_pid; /* by which the process knows itself (NSpid) */
  uid_t uid, fsuid;
  gid_t gid, fsgid;
  uint64_t ignored; /* signals: bit N-1 for signal N */
  bool kernel;      /* a thread of the kernel: it has no memory of its own */
};

/* False where there is no such process (any more); errno says why. */
bool hd_process_status_read(pid_t pid, struct hd_process_status *status);
/* From the file's text, for tests. False where it is none. */
bool hd_process_status_parse(const char *text, struct hd_process_status *status);

/* A line of /proc/PID/maps. */
struct hd_mapping {
  uint64_t start, end, offset, inode;
  uint32_t major, minor; /* of the file's device */
  bool executable;
  bool deleted;     /* the file has another name, or none, now */
  const char *path; /* "" where there is none; without " (deleted)" */
};

struct hd_maps {
  struct hd_arena arena;
  HD_VEC(struct hd_mapping) items;
};

bool hd_maps_read(pid_t pid, struct hd_maps *maps, struct hd_error *error);
/* Adds the mapping of one line, which it cuts at its end. False: memory is short. A line
 * that is none is left out. */
bool hd_maps_add(struct hd_maps *maps, char *line);
void hd_maps_deinit(struct hd_maps *maps);

/* The file that an address was mapped from, as this process can open it: through the
 * target's root directory where it is the same file still, else through the kernel's own
 * link, which takes privileges. -1: neither will do. */
int hd_mapping_open(pid_t pid, const struct hd_mapping *mapping);

/* CPU time of a process, its threads that have ended included, in seconds; below 0: not
 * known any more. */
double hd_process_cpu_s(pid_t pid);
/* When it started, in the kernel's ticks since boot: with the pid it names a process for
 * good. 0: there is none. */
uint64_t hd_process_start(pid_t pid);

/* The whole text of a file below /proc/PID (`name` with or without a task), terminated,
 * cut to `size`. Its length, -1 on failure. */
ssize_t hd_process_text(pid_t pid, const char *name, char *out, size_t size);

#endif
