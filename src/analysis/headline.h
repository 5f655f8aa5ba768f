/* The lines above a table: which program, which snapshots, the totals. */
#ifndef HD_ANALYSIS_HEADLINE_H
#define HD_ANALYSIS_HEADLINE_H

#include "analysis/growth.h"
#include "analysis/view.h"

/* Time from one snapshot to another in ns, by the monotonic clock where
 * both are of one boot; 0 where it is not known. Negative: the wrong way round. */
int64_t hd_points_elapsed(const struct hd_point *first, const struct hd_point *last);
/* The same from the first snapshot to the last. */
int64_t hd_series_elapsed(const struct hd_series *series);

/* Adds the headline, the facts and the inputs to a view. */
bool hd_headline_build(const struct hd_series *series, enum hd_measure measure,
                       const char *filters, struct hd_view *view, struct hd_error *error);

/* The same without the headline, for views that have lines of their own above them. */
bool hd_headline_facts(const struct hd_series *series, enum hd_measure measure,
                       const char *filters, struct hd_view *view, struct hd_error *error);

/* A cell of a value in the measure's unit. */
struct hd_cell hd_measure_cell(enum hd_measure measure, int64_t value, bool sign);

#endif
