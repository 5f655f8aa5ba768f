/* What `heapdiff record` and the agent in its target agree on. The only header
 * of the agent that others include. */
#ifndef HD_AGENT_PROTOCOL_H
#define HD_AGENT_PROTOCOL_H

#include <stdint.h>

/* The environment, read once when the agent starts. Unset or unusable values
 * take the default; without a directory the agent stays off. */
#define HD_ENV_DIRECTORY "HEAPDIFF_DIR"         /* absolute */
#define HD_ENV_RATE "HEAPDIFF_RATE"             /* mean bytes between samples; 1: exact */
#define HD_ENV_INTERVAL "HEAPDIFF_INTERVAL_MS"  /* 0: snapshots at start and exit only */
#define HD_ENV_MAX_FRAMES "HEAPDIFF_MAX_FRAMES" /* of a stack */
#define HD_ENV_STATUS "HEAPDIFF_STATUS"         /* path of the status memory below */
#define HD_ENV_SEED "HEAPDIFF_SEED"             /* not 0: the same samples in every run */

#define HD_DEFAULT_RATE (512u * 1024)
#define HD_DEFAULT_INTERVAL_MS 10000u
#define HD_DEFAULT_MAX_FRAMES 128u
#define HD_MAX_MAX_FRAMES 1024u

/* A snapshot is PROGRAM.PID.SEQUENCE.heapdiff; while it is being written its
 * name begins with a dot and ends in this. */
#define HD_SNAPSHOT_SUFFIX ".heapdiff"
#define HD_TEMPORARY_SUFFIX ".tmp"

/* Memory that record makes (a memfd, so that a full disk cannot hurt it) and
 * every process under the agent maps shared: how record learns of losses. All
 * counters are updated atomically. A process that cannot map it records anyway. */
#define HD_STATUS_MAGIC 0x68656170u
#define HD_STATUS_VERSION 1u

struct hd_agent_status {
  uint32_t magic, version;
  uint64_t processes;   /* program images that the agent started in */
  uint64_t snapshots;   /* written whole */
  uint64_t failed;      /* that could not be written */
  int32_t failed_errno; /* of the last failure */
  uint32_t reserved;
  uint64_t dropped; /* sampled allocations lost for want of room */
};

#endif
