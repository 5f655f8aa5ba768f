/* How far sampling alone may have moved a row: the variance of the difference of
 * two snapshots. */
#ifndef HD_ANALYSIS_NOISE_H
#define HD_ANALYSIS_NOISE_H

#include "analysis/series.h"

/* Of one row between two snapshots, in the measure's unit and its square. */
struct hd_row_noise {
  double variance; /* 0: exact */
  double moved;    /* sum of g (a + f): what the sampled objects that came or went stand for */
  double squares;  /* sum of g^2 (a + f) */
  double sampled;  /* a + f, raw */
  double net;      /* a - f, raw */
};

/* Half a 95% interval is this many standard errors. */
#define HD_NORMAL_95 1.959964

/* Whether two points are of one life of one process. */
bool hd_same_process(const struct hd_point *a, const struct hd_point *b);

/* Fills noise[0 .. rows-1] for the difference between two points, first < last.
 *
 * Each class of sampled objects counts by itself: an object of size s was sampled
 * with p = 1/weight and stands for g = s * weight bytes (weight objects), so
 * a + f arrivals and departures that were sampled make a variance of
 * g^2 (1-p) (a + f). Of one process with alloc counters, objects that are in both
 * samples cancel: with d = rise of the class's alloc count, a = min(n2, d) and
 * f = a - (n2 - n1). That is exact where a class is all old or all new, and an
 * upper bound where it is mixed; ages narrow it: what is older than the difference
 * has not come in it. Of two processes, or without counters, a = n2 and f = n1.
 * Of a counter, a = d and f = 0. */
bool hd_noise_between(const struct hd_series *series, enum hd_measure measure, size_t first,
                      size_t last, struct hd_row_noise *noise, struct hd_error *error);

/* The same of one snapshot by itself: what is in it came, and nothing went. */
void hd_noise_at(const struct hd_series *series, enum hd_measure measure, size_t point,
                 struct hd_row_noise *noise);

#endif
