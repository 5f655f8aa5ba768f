/* Recording a process that runs already: the agent is put into it, or, where it waits there
 * (`heapdiff record --dormant`), woken. Memory that was allocated before is not known. */
#ifndef HEAPDIFF_RECORD_PID_H
#define HEAPDIFF_RECORD_PID_H

#include <heapdiff/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Told once the recording has begun. */
struct hd_attached {
  int64_t pid;
  const char *program; /* its name in the kernel; valid during the call */
  bool injected;       /* it did not have the agent before */
  double stopped_s;    /* how long one of its threads stood still for that; 0: none did */
};

struct hd_pid_options {
  int64_t pid;
  /* As for a program, without argv. Its on_snapshot is called as there. */
  struct hd_record_options record;
  uint64_t count;             /* of snapshots, after which it ends: 2 and more; 0: any number */
  uint64_t for_ms;            /* how long; 0: until it is stopped */
  uint64_t attach_timeout_ms; /* how long a moment is waited for in which the process can be
                               * attached to, and then how long that may take; 0: 10 s */
  bool (*stop)(void *context); /* asked now and then; true ends the recording. NULL: none */
  void *stop_context;
  void (*on_attached)(void *context, const struct hd_attached *attached); /* with
                               * record.context; NULL: none */
};

struct hd_pid_result {
  /* As of a program; exit_status and signal are 0, as nobody but its parent learns them, and
   * what it cost is what the process used since the recording began. */
  struct hd_record_result record;
  bool attached;       /* it was recorded at all */
  bool ended;          /* the process has ended by itself */
  bool replaced;       /* it has become another program (exec), which has no agent */
  bool taken_away;     /* another heapdiff has ended the recording */
  int fetch_errno;     /* not 0: why some snapshots stay in `left`, where the process wrote them */
  char left[4200];
};

/* Records until count, for_ms, stop or the process's end. Then the agent is out of the way
 * again, which the process keeps mapped, asleep. Errors of HD_ERROR_INPUT say why the
 * process cannot be attached to, and what to do. */
bool hd_record_pid(const struct hd_pid_options *options, struct hd_pid_result *result,
                   struct hd_error *error);

/* Ends a recording whose heapdiff is gone. `directory`, where its snapshots are, as the
 * process sees it. */
bool hd_detach(int64_t pid, char directory[4096], struct hd_error *error);

struct hd_snap_options {
  int64_t pid;
  uint64_t rate; /* mean bytes between samples from now on, after the snapshot; 0: as it is */
};

/* Takes a snapshot of a process that is recorded. `path` is where it is. */
bool hd_snap(const struct hd_snap_options *options, char path[4200], struct hd_error *error);

/* Becomes the program, with an agent in it that sleeps until it is attached to. Returns only
 * where that fails; *exit_code is one of record.h's. `agent`: as in hd_record_options. */
bool hd_exec_dormant(char *const *argv, const char *agent, int *exit_code,
                     struct hd_error *error);

#ifdef __cplusplus
}
#endif

#endif
