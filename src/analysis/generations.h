/* Old objects alone: a site that churns hides a small leak in its level, but what
 * has lived for an eighth of the window and stays is no churn. */
#ifndef HD_ANALYSIS_GENERATIONS_H
#define HD_ANALYSIS_GENERATIONS_H

#include "analysis/noise.h"

struct hd_generations {
  uint32_t log2;   /* objects of 2^log2 ms or older count */
  size_t first;    /* the point from which on they may be there: earlier ones say nothing */
  size_t points;   /* from it on */
  double *values;  /* [row * points + point - first], in the measure's unit */
  struct hd_row_noise *noise; /* of the difference between the first and the last, by row */
};

/* `times` are the points' in ns from the first one, rising. *made is false where
 * the snapshots give no ages, or too few of them have objects that old. */
bool hd_generations_init(struct hd_generations *generations, const struct hd_series *series,
                         enum hd_measure measure, const double *times, bool *made,
                         struct hd_error *error);
void hd_generations_deinit(struct hd_generations *generations);

#endif
