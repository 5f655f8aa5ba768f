/* The anonymous memory that the program maps itself (`--mmap`), by the stacks that
 * asked for it. Every mapping is recorded, none is sampled: they are few. */
#ifndef HD_AGENT_MAPPINGS_H
#define HD_AGENT_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a stack has mapped. */
struct hd_mapped {
  uint64_t bytes, objects;
};

/* To be called once the rest of the agent works; without it nothing is recorded. */
void hd_mappings_start(void);
void hd_mappings_stop(void);
bool hd_mappings_are_recorded(void);

/* Sums by stack, 1-based, in memory that hd_unmap gives back: *size bytes. NULL
 * where there is nothing, or no memory; *dropped: mappings that found no room so
 * far. With the tables' lock. */
struct hd_mapped *hd_mappings_sum(uint32_t stacks, size_t *size, uint64_t *dropped);

/* Lock order: behind the tables' lock. */
void hd_mappings_lock(void);
void hd_mappings_unlock(void);
bool hd_mappings_are_unlocked(void);
/* In a child. */
void hd_mappings_reset_locks(void);

#endif
