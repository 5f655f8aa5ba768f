/* What the files of `top` share: the table while it is made. */
#ifndef HD_ANALYSIS_TOP_TABLE_H
#define HD_ANALYSIS_TOP_TABLE_H

#include "analysis/judge.h"
#include "analysis/top.h"
#include "analysis/view.h"

/* One column: what it is and how a row fills it. */
struct table;

struct column {
  const char *key, *title;
  enum hd_audience audience;
  bool left;
  struct hd_cell (*cell)(struct table *table, const struct hd_gain *gain);
  unsigned spare; /* as in struct hd_column */
  enum hd_measure measure; /* of a column beside the one that is compared */
};

struct table {
  const struct hd_series *series;
  const struct hd_top_options *options;
  const struct hd_gains *gains;
  const struct hd_judges *judges; /* NULL: of one snapshot, nothing to judge */
  struct hd_view *view;
  bool short_of_memory;
  const char *name, *place; /* of the row at hand */
  const struct column *column; /* of the cell at hand */
};

/* --- top_judged.c: what is judged of a row ------------------------------------------- */

struct hd_cell hd_top_interval_cell(struct table *table, const struct hd_gain *gain);
struct hd_cell hd_top_rate_cell(struct table *table, const struct hd_gain *gain);
struct hd_cell hd_top_rate_interval_cell(struct table *table, const struct hd_gain *gain);
struct hd_cell hd_top_verdict_cell(struct table *table, const struct hd_gain *gain);
struct hd_cell hd_top_probability_cell(struct table *table, const struct hd_gain *gain);
struct hd_cell hd_top_score_cell(struct table *table, const struct hd_gain *gain);
struct hd_cell hd_top_sampled_cell(struct table *table, const struct hd_gain *gain);
struct hd_cell hd_top_noise_cell(struct table *table, const struct hd_gain *gain);

/* Gives each gain its score and rate, and whether it is within the noise. */
void hd_top_judge(const struct hd_judges *judges, struct hd_gains *gains);
/* Says of `sum`, which becomes what the rows within the noise add up to, how many
 * they are. */
size_t hd_top_within_noise(const struct hd_gains *gains, struct hd_gain *sum);

#endif
