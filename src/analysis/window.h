/* Which snapshots of a series count: in order of time, of one life of the process,
 * inside the window that was asked for, each once. */
#ifndef HD_ANALYSIS_WINDOW_H
#define HD_ANALYSIS_WINDOW_H

#include "analysis/series.h"

#include <heapdiff/query.h>

struct hd_window_result {
  size_t lives;    /* of the process: 1 + restarts */
  size_t life;     /* snapshots of the life that is kept */
  bool is_last;    /* it is the last one, not only the longest */
  size_t repeated; /* snapshots that were like the one before */
};

/* Orders three points or more by their times, where all are known; then takes out
 * what is outside the window, what is of another life of the process (the last one
 * stays if it has five points, else the longest), and repetitions by recorders that
 * have nothing new until their next collection. An error of kind usage where nothing
 * is left. Two snapshots are compared as they are named. */
bool hd_window_apply(struct hd_series *series, const struct hd_window *window,
                     struct hd_window_result *result, struct hd_error *error);

#endif
