/* What `heapdiff record` and the agent in its target agree on. The only header
 * of the agent that others include. */
#ifndef HD_AGENT_PROTOCOL_H
#define HD_AGENT_PROTOCOL_H

#include <stdint.h>

/* The environment, read once when the agent starts. Without a directory the agent
 * stays off; where a value is not understood it stays off, too, and says so in its
 * log there. */
#define HD_ENV_DIRECTORY "HEAPDIFF_DIR" /* absolute */
#define HD_ENV_STATUS "HEAPDIFF_STATUS" /* path of the status memory below */
/* Not 0: the same samples in every run. `record` leaves it as it is. */
#define HD_ENV_SEED "HEAPDIFF_SEED"

/* Whole numbers; one that is unset or empty has its standard value.
 * ROW(field, name, standard, least, most) */
#define HD_SETTINGS(ROW)                                                                           \
  /* mean bytes between samples; 1: exact */                                                       \
  ROW(rate, "HEAPDIFF_RATE", 512u * 1024, 1, UINT64_C(1) << 50)                                    \
  /* between snapshots; 0: none */                                                                 \
  ROW(interval_ms, "HEAPDIFF_INTERVAL_MS", 10000, 0, UINT64_C(1) << 40)                            \
  /* of a stack */                                                                                 \
  ROW(max_frames, "HEAPDIFF_MAX_FRAMES", 128, 1, HD_MAX_MAX_FRAMES)                                \
  /* snapshots and bytes that a process keeps; 0: all */                                           \
  ROW(keep, "HEAPDIFF_KEEP", 0, 0, HD_MAX_KEEP)                                                    \
  ROW(keep_bytes, "HEAPDIFF_KEEP_BYTES", 0, 0, UINT64_C(1) << 60)                                  \
  /* a snapshot each time so many bytes were allocated, or by a signal; 0: none */                 \
  ROW(every_bytes, "HEAPDIFF_EVERY_BYTES", 0, 0, UINT64_C(1) << 60)                                \
  ROW(signal, "HEAPDIFF_SIGNAL", 0, 0, 64)                                                         \
  /* a snapshot once memory passes so much of its limit; 0: none */                                \
  ROW(oom_percent, "HEAPDIFF_OOM_PERCENT", 90, 0, 100)                                             \
  /* 1: anonymous mappings are recorded, too */                                                    \
  ROW(mmap, "HEAPDIFF_MMAP", 0, 0, 1)                                                              \
  /* of snapshots: 0 native, 1 pprof */                                                            \
  ROW(format, "HEAPDIFF_FORMAT", HD_FORMAT_NATIVE, HD_FORMAT_NATIVE, HD_FORMAT_PPROF)

enum { HD_FORMAT_NATIVE, HD_FORMAT_PPROF };

#define HD_SETTING_FIELD(field, name, standard, least, most) uint64_t field;
struct hd_settings {
  HD_SETTINGS(HD_SETTING_FIELD)
};
#undef HD_SETTING_FIELD

#define HD_SETTING_STANDARD(field, name, standard, least, most) .field = (standard),
#define HD_SETTINGS_INIT                                                                           \
  {                                                                                                \
    HD_SETTINGS(HD_SETTING_STANDARD)                                                               \
  }

#define HD_MAX_MAX_FRAMES 1024u
#define HD_MAX_KEEP 4096u

/* A snapshot is PROGRAM.PID.SEQUENCE.heapdiff; while it is being written its
 * name begins with a dot and ends in .tmp. In the format of pprof it has the second
 * suffix. */
#define HD_SNAPSHOT_SUFFIX ".heapdiff"
#define HD_PPROF_SUFFIX ".heapdiff.pb"
#define HD_TEMPORARY_SUFFIX ".tmp"
/* Beside them, where there is anything to tell: one line each. */
#define HD_LOG_NAME "heapdiff-agent.log"

/* Memory that record makes (a memfd, so that a full disk cannot hurt it) and
 * every process under the agent maps shared: how record learns of losses and of
 * what the agent costs. All counters are updated atomically. A process that cannot
 * map it records anyway. */
#define HD_STATUS_MAGIC 0x68656170u
#define HD_STATUS_VERSION 2u

struct hd_agent_status {
  uint32_t magic, version;
  uint64_t processes;    /* program images that the agent started in */
  uint64_t snapshots;    /* written whole */
  uint64_t failed;       /* that could not be written */
  int32_t failed_errno;  /* of the last failure */
  uint32_t signal_taken; /* a program handles the signal for snapshots itself */
  uint64_t dropped;      /* sampled allocations lost for want of room */
  uint64_t thinned;      /* snapshots that were deleted again: see `keep` */
  /* What the agent cost, up to each process's last snapshot. */
  uint64_t samples;
  uint64_t recording_ns, writing_ns; /* CPU time in the hooks' slow path, for snapshots */
  uint64_t memory;                   /* bytes of the process that has most */
  uint64_t pressed;                  /* snapshots because memory was near its limit */
};

/* How a process that has the agent is talked to while it runs. The agent's thread, by
 * the name of HD_THREAD_NAME, has a table of files of its own, and in it a memfd of
 * HD_CONTROL_NAME that holds a `struct hd_control`: whoever may look into the process
 * finds it as /proc/PID/task/TID/fd/N and maps it shared, and nothing is left behind
 * when the process is killed. Where there is no such thread, there is no control.
 *
 * To ask: take an exclusive flock(2) on the file, fill in what the command needs, set
 * `command`, add 1 to `asked`, or HD_EVENT_CONTROL into `events`, wake `events` (a
 * shared futex); then wait on `answered` (a shared futex) until it is what `asked` is.
 * The client gives a time-out to each wait and looks whether the process lives. */
#define HD_THREAD_NAME "heapdiff"
#define HD_CONTROL_NAME "heapdiff-control"
#define HD_CONTROL_MAGIC 0x68656163u
#define HD_CONTROL_VERSION 1u

enum {
  HD_EVENT_STOP = 1,
  HD_EVENT_SIGNAL = 2,
  HD_EVENT_BYTES = 4,
  HD_EVENT_CONTROL = 8,
  HD_EVENT_LOADED = 16, /* by dlopen */
  HD_EVENTS = 31
};
enum hd_control_state { HD_CONTROL_DORMANT, HD_CONTROL_RECORDING };
enum hd_control_command {
  HD_COMMAND_NONE,
  HD_COMMAND_RECORD,   /* dormant only: as `settings` has it */
  HD_COMMAND_STOP,     /* a last snapshot, then dormant: no call reaches the agent */
  HD_COMMAND_SNAPSHOT, /* now; its name goes to `snapshot` */
  HD_COMMAND_RATE      /* from now on `rate` */
};

struct hd_control {
  uint32_t magic, version; /* magic is 0 before the control is ready and after its end */
  int32_t pid;
  uint32_t state;
  uint32_t attached; /* came by dlopen: of what was allocated before it knows nothing */
  uint32_t events;
  uint32_t asked, answered, command;
  int32_t error;        /* errno of the answer, 0: done; `message` has it in words */
  uint64_t rate;        /* asked for by HD_COMMAND_RATE; in an answer: the one that holds */
  uint64_t patched;     /* places in the process's modules that lead to the agent now */
  uint64_t since_ns;    /* CLOCK_MONOTONIC when this recording began */
  char settings[8192];  /* the environment's variables, NAME=VALUE, a newline after each */
  char directory[4096]; /* where the snapshots go */
  char snapshot[4096];  /* the last one that was asked for: its path, as the process sees it */
  char message[1024];
  struct hd_agent_status counters; /* where HD_ENV_STATUS names none */
};

/* The variable that keeps a preloaded agent dormant: no thread but its own, no hook in
 * the way, until HD_COMMAND_RECORD comes. */
#define HD_ENV_MODE "HEAPDIFF"
#define HD_MODE_OFF "off"
/* Called by name in a process that the agent was put into by dlopen: makes it dormant,
 * with a thread and a control of its own, unless it is there already. 0 or an errno. */
#define HD_ATTACH_FUNCTION "heapdiff_agent_attach"

#endif
