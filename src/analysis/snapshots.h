/* The snapshots of a series as a table. */
#ifndef HD_ANALYSIS_SNAPSHOTS_H
#define HD_ANALYSIS_SNAPSHOTS_H

#include "analysis/series.h"
#include "analysis/view.h"

/* A row for each point of `all`, numbered from 1 on; those that are in `used`, by their
 * numbers, are marked. Totals are of all records, filters or not. */
bool hd_snapshots_build(const struct hd_series *all, const struct hd_series *used,
                        enum hd_measure measure, struct hd_view *view, struct hd_error *error);

#endif
