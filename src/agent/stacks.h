/* Stacks, each once, and the records kept of them. A record is what counters
 * belong to: (stack, size, rate) when sampling, the stack alone when exact, where
 * a record has its stack's id. */
#ifndef HD_AGENT_STACKS_H
#define HD_AGENT_STACKS_H

#include "unwind.h"

#include <stdatomic.h>
#include <stddef.h>

/* Ids fit into 24 bits: a live entry shares a word with one. */
enum { HD_RECORDS_MAX = (1 << 24) - 1, HD_STACKS_MAX = 1 << 22 };

struct hd_stack {
  const uint32_t *frames;
  uint32_t count;
  bool truncated;
};

struct hd_record {
  uint32_t stack; /* 1-based */
  uint64_t size, rate;
  /* Ever allocated (raw, when sampling). Changed only with a shard's lock. */
  _Atomic(uint64_t) objects, bytes;
};

/* The record (1-based) for an allocation of this size from this stack; 0 when
 * there is no room. `exact`: by stack alone. The walk keeps the stack's id. */
uint32_t hd_record_for(struct hd_walk *walk, bool exact, uint64_t size, uint64_t rate);
/* The stack alone, of a walk that has not failed. */
uint32_t hd_stack_for(const struct hd_walk *walk, bool exact);
struct hd_record *hd_record_at(uint32_t index);

/* When recording starts, or ends: no record is left. Stacks stay known; where all is
 * recorded (`exact`), each has a record of its own. With the tables' lock. False when
 * memory is short. */
bool hd_records_start(bool exact);

/* With the tables' lock; stacks below the count stay readable without. */
uint32_t hd_stacks_count(void);
uint32_t hd_records_count(void);
const struct hd_stack *hd_stack_at(uint32_t index);
/* Stacks that found no room. */
uint64_t hd_stacks_dropped(void);

#endif
