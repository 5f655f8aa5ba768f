/* What each row gained between the first and the last snapshot, in whole bytes
 * (or objects). */
#ifndef HD_ANALYSIS_GROWTH_H
#define HD_ANALYSIS_GROWTH_H

#include "analysis/series.h"

struct hd_gain {
  uint32_t row;
  int64_t before, after, growth;             /* of the measure; before is 0 with one snapshot */
  int64_t since_last;                        /* of the growth: from the last point but one on */
  int64_t cum_before, cum_after, cum_growth; /* where the series has cum */
  int64_t objects_before, objects_after, objects_growth; /* of the sibling measure */
  /* As judged (judge.h); 0 where nothing is. */
  double score;
  int64_t rate; /* an hour */
  bool within_noise;
  bool is_sum; /* of several rows: `row` is none */
};

struct hd_gains {
  HD_VEC(struct hd_gain) items; /* one a row, in the series' order */
  struct hd_gain total;         /* of the rows; growth = after - before */
  int64_t gross;                /* sum of the rows' positive growth: the base of shares */
  bool diff;                    /* two snapshots or more */
  bool has_objects;
  enum hd_measure measure, objects;
};

/* Rounds so that the rows add up exactly to the rounded total: a row differs from
 * its own rounding by at most one. Rows that are 0 throughout are left in. */
bool hd_gains_compute(const struct hd_series *series, enum hd_measure measure,
                      struct hd_gains *gains, struct hd_error *error);
void hd_gains_deinit(struct hd_gains *gains);

/* HD_SORT(ID, name): the order of rows. */
#define HD_SORTS(HD_SORT)                                                                          \
  HD_SORT(SCORE, "score")                                                                          \
  HD_SORT(GROWTH, "growth")                                                                        \
  HD_SORT(RATE, "rate")                                                                            \
  HD_SORT(AFTER, "after")                                                                          \
  HD_SORT(BEFORE, "before")                                                                        \
  HD_SORT(OBJECTS, "objects")                                                                      \
  HD_SORT(CUM, "cum")                                                                              \
  HD_SORT(NAME, "name")

enum hd_sort {
#define HD_SORT(id, name) HD_SORT_##id,
  HD_SORTS(HD_SORT)
#undef HD_SORT
  HD_SORT_DEFAULT
};

extern const char *const hd_sort_names[]; /* NULL-terminated */

/* Whether the order is one of gains, in which rows that gained nothing do not
 * matter. */
bool hd_sort_is_of_gains(enum hd_sort sort);

/* Keeps the `keep` rows (0: all) that matter most in this order: by absolute
 * value, so that a large loss is not left out; and shows them from the largest
 * gain to the largest loss. By score, what has none comes by growth. Rows that are 0
 * before and after are dropped; with `keep`, those that did not change or are within
 * the noise, too, where the order is one of gains. Ties are broken by name, so that
 * the order is the same everywhere. */
bool hd_gains_rank(struct hd_gains *gains, const struct hd_series *series, enum hd_sort sort,
                   size_t keep, struct hd_error *error);

#endif
