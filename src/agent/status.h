/* The counters that `heapdiff record` looks at (protocol.h). */
#ifndef HD_AGENT_STATUS_H
#define HD_AGENT_STATUS_H

#include "costs.h"
#include "protocol.h"

/* Of a new recording: the counters in a file or, where there is none, in memory of
 * the caller's that stays, NULL for nowhere. */
void hd_status_open(const char *path, struct hd_agent_status *otherwise);
/* The caller's memory is to be another from now on, where it is in use. */
void hd_status_move(const struct hd_agent_status *from, struct hd_agent_status *to);
void hd_status_count_process(void);
void hd_status_count_snapshot(void);
void hd_status_count_failure(int error);
void hd_status_count_dropped(void);
void hd_status_count_thinned(void);
/* Snapshots as memory was near its limit: one more, or, -1, one less. */
void hd_status_count_pressed(int more);
/* The program handles the signal that was to ask for snapshots. */
void hd_status_signal_taken(void);
/* This process's costs so far but for the writing; what it reported before is not
 * counted again. Only with the writer's lock. */
void hd_status_report_costs(const struct hd_costs *costs);
void hd_status_count_writing(uint64_t ns);
/* In a child, which has reported nothing yet. */
void hd_status_forked(void);

#endif
