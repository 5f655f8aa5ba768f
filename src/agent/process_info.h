/* What the kernel says of the process and its host. The texts in `buffer` are
 * scratch. */
#ifndef HD_AGENT_PROCESS_INFO_H
#define HD_AGENT_PROCESS_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_scratch_text {
  char file[16 * 1024], path[8 * 1024], group[4 * 1024];
};

struct hd_usage {
  uint64_t rss, rss_peak; /* bytes */
  uint64_t threads;
};

struct hd_usage hd_process_usage(struct hd_scratch_text *buffer);
/* Nanoseconds from the host's boot to the process's start; 0 unknown. */
uint64_t hd_process_start_ns(struct hd_scratch_text *buffer);
/* Bytes; 0: none. */
struct hd_limits {
  uint64_t cgroup;              /* the tightest of the process's memory groups */
  uint64_t address_space, data; /* RLIMIT_AS, RLIMIT_DATA */
  bool unified;                 /* that group is one of cgroup v2 */
  char group[4096];             /* its directory */
};

void hd_process_limits(struct hd_limits *limits, struct hd_scratch_text *buffer);
/* The smaller of the two resource limits, 0 none. */
uint64_t hd_limits_resource(const struct hd_limits *limits);

/* Pages, by /proc/self/statm. */
struct hd_pages {
  uint64_t size, resident, data;
};

struct hd_pages hd_process_pages(void);

/* The number at the start of a text, after blanks. */
uint64_t hd_decimal(const char *text);

#endif
