/* Which snapshots of this process are kept: the first and the last always, those
 * between thinned out evenly over time; those that somebody asked for, only when no
 * others are left between. */
#ifndef HD_AGENT_RETENTION_H
#define HD_AGENT_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

/* A snapshot was written: its number, its moment, its length in bytes, and whether
 * it is one that was asked for. */
void hd_retention_add(uint64_t sequence, uint64_t moment_ns, uint64_t bytes, bool asked);
/* The one added last was deleted again. */
void hd_retention_undo(void);
/* Takes the next one that is to be deleted off the list; false: none is. */
bool hd_retention_next(uint64_t *sequence);
/* In a child, which has none yet. */
void hd_retention_forked(void);

#endif
