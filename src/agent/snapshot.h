/* Taking snapshots and getting them onto the disk, whole or not at all. */
#ifndef HD_AGENT_SNAPSHOT_H
#define HD_AGENT_SNAPSHOT_H

#include <stdbool.h>

/* Captures the series' first snapshot now; it is written by whoever comes first
 * to hd_snapshot_write_start or hd_snapshot_take. */
void hd_snapshot_begin(void);
void hd_snapshot_write_start(void);
/* Captures and writes one, and the first one before it where that has not been
 * written yet. A failure is counted and otherwise ignored. */
void hd_snapshot_take(const char *reason);
/* Removes the one written last: what it was for did not happen. */
void hd_snapshot_undo(void);
/* Whether this series has a snapshot yet, written or captured. */
bool hd_snapshot_has_begun(void);
void hd_snapshot_forked(void);

#endif
