/* All counters as of one instant. */
#ifndef HD_AGENT_CAPTURE_H
#define HD_AGENT_CAPTURE_H

#include "live.h"
#include "mappings.h"
#include "process_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HD_AGE_BUCKETS_MAX = 65 }; /* by the logarithm of 64 bits, and one more */

struct hd_totals {
  uint64_t live_objects, live_bytes, objects, bytes;
};

struct hd_capture {
  const char *reason;
  uint64_t time_ns, mono_ns, locked_ns; /* the last: how long the locks were held */
  struct hd_usage usage;
  uint32_t modules, frames, stacks, records;
  uint64_t stacks_dropped, allocations_dropped, truncated;
  struct hd_totals *totals; /* by record */
  uint32_t *ages;           /* records x buckets: live objects by log2 of their age in ms */
  uint32_t *next, *first;   /* the records of a stack: first[stack], next[record]; id or 0 */
  struct hd_mapped *mapped; /* by stack, 1-based; NULL: none */
  size_t mapped_size;
  uint64_t clock_ms;
  uint32_t buckets;
  struct hd_live *live; /* a copy, to be added up without the locks */
  uint64_t live_count;
  uint32_t room_stacks, room_records;
  uint64_t room_live;
  void *memory;
  size_t size;
};

/* Fills the capture; an error number where it cannot (memory is short, or the
 * locks were not to be had in time). */
int hd_capture_take(struct hd_capture *capture, const char *reason, struct hd_scratch_text *buffer);
/* Gives its memory back; takes an empty one. */
void hd_capture_drop(struct hd_capture *capture);

#endif
