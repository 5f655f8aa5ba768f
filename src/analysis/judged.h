/* What was judged of a kept series: it stays for the next question of the same points. */
#ifndef HD_ANALYSIS_JUDGED_H
#define HD_ANALYSIS_JUDGED_H

#include "analysis/judge.h"

/* All zero: nothing yet. Whoever changes the rows or the values of the series drops it. */
struct hd_judged {
  struct hd_judges judges;
  /* Of which points, by number in their order, and with what in every one of them. */
  HD_VEC(size_t) numbers;
  bool at_start; /* the first of them */
  bool has[HD_MEASURES];
};

void hd_judged_drop(struct hd_judged *judged);

/* All rows of a series, judged by a measure: as series->judged has them, else made anew and
 * left there. Of a series that keeps nothing they are in *own, which is the caller's to
 * deinit; it is empty otherwise. What is given is good until series->judged is asked again. */
bool hd_judged_take(const struct hd_series *series, enum hd_measure measure, struct hd_judges *own,
                    struct hd_judges **judges, struct hd_error *error);

#endif
