/* The lines that sum a judged series up: how much leaks, when the process reaches its
 * limit, what of its RSS the heap does not explain, and the order of the rows. */
#ifndef HD_ANALYSIS_SUMMARY_H
#define HD_ANALYSIS_SUMMARY_H

#include "analysis/growth.h"
#include "analysis/judge.h"
#include "analysis/view.h"

struct hd_summary {
  size_t leaking, growing; /* rows */
  double rate, rate_error; /* of the leaking ones together, an hour */
  double growth;           /* of the leaking ones */
};

struct hd_summary hd_summarize(const struct hd_judges *judges);

/* Adds the lines and the facts. `limit` is the user's, 0: the snapshots' own. */
bool hd_summary_build(const struct hd_judges *judges, int64_t gross, int64_t limit,
                      const char *order, struct hd_view *view, struct hd_error *error);

#endif
