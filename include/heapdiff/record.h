/* Running a program under the agent. */
#ifndef HEAPDIFF_RECORD_H
#define HEAPDIFF_RECORD_H

#include <heapdiff/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hd_record_event {
  int64_t elapsed_ns;   /* since record started */
  const char *path;     /* of the snapshot */
  const char *program;  /* that wrote it */
  int64_t pid;
  int64_t sequence;
  int64_t live_bytes;   /* inuse_space, unsampled; -1: the snapshot could not be read */
  int64_t rss;          /* -1 unknown */
};

struct hd_record_options {
  const char *directory;   /* NULL: heapdiff.data */
  uint64_t interval_ms;    /* 0: none, only at start and exit */
  uint64_t rate;           /* mean bytes between samples; 1: every allocation */
  uint32_t max_frames;     /* 0: the default */
  uint64_t keep;           /* snapshots that each process keeps, thinned evenly: 2 to 4096;
                            * 0: all */
  uint64_t keep_bytes;     /* bytes that a process's snapshots may take; 0: any */
  uint64_t every_bytes;    /* a snapshot each time so many were allocated; 0: none */
  int signal;              /* that asks the program for a snapshot: SIGUSR1, SIGUSR2 or a
                            * real-time signal; 0: none */
  uint32_t oom_percent;    /* a snapshot once memory passes so much of its limit; 0: none */
  bool pprof;              /* write snapshots as profile.proto instead of heapdiff's own */
  bool mmap;               /* record anonymous mappings, too */
  const char *agent;       /* path of the agent; NULL: where it was installed */
  char *const *argv;       /* the program and its arguments, NULL-terminated */
  /* Called for each snapshot that appears; NULL: none are looked at. */
  void (*on_snapshot)(void *context, const struct hd_record_event *event);
  void *context;
};

struct hd_record_result {
  int exit_status;          /* of the program: 0..255, 128+N where signal N ended it */
  int signal;               /* that ended it, 0 none */
  uint64_t snapshots;       /* written, by all its processes */
  uint64_t thinned;         /* of them, deleted again: see `keep` */
  uint64_t failed;          /* that could not be written */
  int failed_errno;         /* why, the last time */
  uint64_t processes;       /* that the agent was in */
  uint64_t dropped;         /* sampled allocations that the agent had no room for */
  uint64_t near_limit;      /* snapshots because memory was near its limit */
  bool signal_taken;        /* the program handles options.signal itself: it asked for none */
  bool logged;              /* an agent wrote to `directory`/heapdiff-agent.log */
  uint64_t samples;         /* allocations that were recorded */
  double recording_s, writing_s; /* CPU time that the agent took: in the program's
                             * allocations, for the snapshots */
  double cpu_s;             /* of the program and the children it waited for, the agent's with it */
  uint64_t agent_memory;    /* bytes mapped for the agent, in the process where it was most */
  bool go;                  /* the program is a Go program: only its C memory is recorded */
  char moved_to[4160];      /* where an older recording went; "": there was none */
  char directory[4096];
};

/* Where a failure is record's own, exit codes are as env(1) has them: 125 record
 * failed, 126 the program cannot be run, 127 it was not found. */
enum { HD_RECORD_FAILED = 125, HD_RECORD_CANNOT_RUN = 126, HD_RECORD_NOT_FOUND = 127 };

/* Runs the program to its end. False where record itself failed; *exit_code is
 * then one of the three above and `error` says why. */
bool hd_record(const struct hd_record_options *options, struct hd_record_result *result,
               int *exit_code, struct hd_error *error);

#ifdef __cplusplus
}
#endif

#endif
