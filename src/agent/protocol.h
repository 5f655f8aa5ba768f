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
#define HD_SETTINGS_INIT {HD_SETTINGS(HD_SETTING_STANDARD)}

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
  uint64_t processes;   /* program images that the agent started in */
  uint64_t snapshots;   /* written whole */
  uint64_t failed;      /* that could not be written */
  int32_t failed_errno; /* of the last failure */
  uint32_t signal_taken; /* a program handles the signal for snapshots itself */
  uint64_t dropped;     /* sampled allocations lost for want of room */
  uint64_t thinned;     /* snapshots that were deleted again: see `keep` */
  /* What the agent cost, up to each process's last snapshot. */
  uint64_t samples;
  uint64_t recording_ns, writing_ns; /* CPU time in the hooks' slow path, for snapshots */
  uint64_t memory;                   /* bytes of the process that has most */
  uint64_t pressed;                  /* snapshots because memory was near its limit */
};

#endif
