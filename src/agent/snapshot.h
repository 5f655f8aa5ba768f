/* Taking snapshots and getting them onto the disk, whole or not at all. */
#ifndef HD_AGENT_SNAPSHOT_H
#define HD_AGENT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

/* Captures the series' first snapshot now; it is written by whoever comes first
 * to hd_snapshot_write_start or hd_snapshot_take. */
void hd_snapshot_begin(void);
void hd_snapshot_write_start(void);
/* Captures and writes one, and the first one before it where that has not been
 * written yet. `label` is a text of the user's that it carries, NULL none. Returns
 * an error number, 0 for success; a failure is counted, too. */
int hd_snapshot_take(const char *reason, const char *label);
/* The same, with a place for its path, which is "" where there is none. */
int hd_snapshot_take_named(const char *reason, const char *label, char *path, size_t capacity);
/* Takes the last one of a recording, runs `end` before any other can be taken, and
 * forgets the series. */
int hd_snapshot_take_last(const char *reason, void (*end)(void));
/* Takes the last one of this process, after which there is none, whoever asks, so
 * that nobody is in the middle of writing when the process ends. Does nothing where
 * that has been done; returns when it is. `only_if_begun`: none is taken where the
 * series has none yet, written or captured. True: it was this call that did it. */
bool hd_snapshot_close(const char *reason, bool only_if_begun);
/* The process did not end, as who closed it finds: the one written last is removed and others
 * can be taken. Nothing where another thread is ending the process. */
void hd_snapshot_reopen(void);
void hd_snapshot_forked(void);

#endif
