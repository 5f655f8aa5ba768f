/* What the tables in pprof's layout share: the lines above them, and the unit of all their
 * sizes. */
#ifndef HD_ANALYSIS_PPROF_LABELS_H
#define HD_ANALYSIS_PPROF_LABELS_H

#include "analysis/series.h"
#include "analysis/view.h"

/* pprof's defaults: functions whose cum is below this share of the total are left out, and
 * calls below that one. */
#define HD_PPROF_NODE_FRACTION .005
#define HD_PPROF_EDGE_FRACTION .001

struct hd_pprof_labels {
  enum hd_measure measure;
  bool diff;
  int64_t sum;         /* of the functions that are shown */
  int64_t base;        /* of the percentages */
  size_t dropped;      /* functions below HD_PPROF_NODE_FRACTION */
  size_t shown, nodes; /* of so many that are left */
  const char *filters; /* in words, "" none */
};

/* What percentages are of, where the functions that are left after `filters` have `sum`: as
 * in pprof the whole snapshot. Of a difference it is `sum`. */
int64_t hd_pprof_base(const struct hd_series *series, enum hd_measure measure, const char *filters,
                      int64_t sum);

/* Which program, measure and time: the first of the lines, alone; for programs all that a
 * headline says. */
bool hd_pprof_profile_lines(const struct hd_series *series, enum hd_measure measure,
                            const char *filters, struct hd_view *view, struct hd_error *error);
/* The filters, where there are any. */
bool hd_pprof_filter_lines(const char *filters, struct hd_view *view, struct hd_error *error);
/* One line more; NULL is want of memory. */
bool hd_pprof_line(struct hd_view *view, const char *text, struct hd_error *error);
/* All of them. */
bool hd_pprof_labels_build(const struct hd_series *series, const struct hd_pprof_labels *labels,
                           struct hd_view *view, struct hd_error *error);

/* pprof's "minimum" unit: one for the whole table, that of the smallest value (begin with
 * 0, then pass each row's), unless that is below a hundredth of the total. */
int64_t hd_pprof_least(int64_t least, int64_t flat, int64_t cum);
const char *hd_pprof_unit(int64_t least, int64_t base);

#endif
