/* Where a series has nothing: the service or the recorder was away. */
#ifndef HD_ANALYSIS_GAPS_H
#define HD_ANALYSIS_GAPS_H

#include "analysis/series.h"

struct hd_gaps {
  size_t count;
  size_t widest;               /* the point after the widest of them */
  int64_t width_ns, usual_ns;  /* of the widest; the median distance of two points */
};

/* Counts the gaps: distances of more than five times the median, and of two seconds.
 * Fewer than six points, or points without a time, have none. False on want of memory. */
bool hd_gaps_find(const struct hd_series *series, struct hd_gaps *gaps, struct hd_error *error);

#endif
