/* What the kernel says of the process and its host. The texts in `buffer` are
 * scratch. */
#ifndef HD_AGENT_PROCESS_INFO_H
#define HD_AGENT_PROCESS_INFO_H

#include <stddef.h>
#include <stdint.h>

struct hd_scratch_text {
  char file[16 * 1024], path[8 * 1024];
};

struct hd_usage {
  uint64_t rss, rss_peak; /* bytes */
  uint64_t threads;
};

struct hd_usage hd_process_usage(struct hd_scratch_text *buffer);
/* Nanoseconds from the host's boot to the process's start; 0 unknown. */
uint64_t hd_process_start_ns(struct hd_scratch_text *buffer);
/* The tightest memory limit of the process's cgroups, in bytes; 0: none. */
uint64_t hd_process_cgroup_limit(struct hd_scratch_text *buffer);
/* The smaller of RLIMIT_AS and RLIMIT_DATA, in bytes; 0: none. */
uint64_t hd_process_rlimit(void);

#endif
