#include "record/result.h"

#include "record/watch.h"

#include <stdio.h>

void hd_result_fill(struct hd_record_result *result, const struct hd_agent_status *counted,
                    const struct hd_output_directory *directory, off_t logged_before)
{
  uint64_t snapshots, series;
  hd_watch_count(directory, &snapshots, &series);
  /* A process that could not map the counters (another user's, another pid
   * namespace's) shows by its files alone. */
  result->snapshots = counted->snapshots > snapshots ? counted->snapshots : snapshots;
  result->processes = counted->processes > series ? counted->processes : series;
  result->thinned = counted->thinned;
  result->near_limit = counted->pressed;
  result->signal_taken = counted->signal_taken != 0;
  result->logged = hd_output_log_size(directory) > logged_before;
  result->samples = counted->samples;
  result->recording_s = (double)counted->recording_ns * 1e-9;
  result->writing_s = (double)counted->writing_ns * 1e-9;
  result->agent_memory = counted->memory;
  result->failed = counted->failed;
  result->failed_errno = counted->failed_errno;
  result->dropped = counted->dropped;
  snprintf(result->moved_to, sizeof result->moved_to, "%s", directory->moved_to);
  snprintf(result->directory, sizeof result->directory, "%s", directory->name);
}
