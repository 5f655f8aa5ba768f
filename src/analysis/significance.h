/* Which rows moved by more than sampling alone would: a test a row, corrected for
 * their number. */
#ifndef HD_ANALYSIS_SIGNIFICANCE_H
#define HD_ANALYSIS_SIGNIFICANCE_H

#include "analysis/noise.h"

/* Share of false ones among the rows that are called grown or shrunk. */
#define HD_FALSE_DISCOVERY_RATE .05

/* P(Binomial(m, 1/2) >= x). */
double hd_binomial_tail(double m, double x);

/* q[row]: the false discovery rate (Benjamini and Hochberg, 1995) at which the
 * difference of a row would count as growth; of a row that shrank, as shrinkage.
 * Sampled objects that came and went are as likely as each other where nothing
 * changed, so the tail of Binomial(m, 1/2) from the number that came on is the
 * chance of a growth like this. Where objects of several sizes meet, m and that
 * number are the effective ones: m = M^2/Q, x = m (1 + D/M)/2 with
 * M = sum g (a+f), Q = sum g^2 (a+f). Rows that moved by less than three sampled
 * objects are not tested (q = 1), unless nearly all objects are sampled; exact ones
 * that moved at all have q = 0. `differences` has one value a row. */
bool hd_significance(const struct hd_row_noise *noise, const double *differences, size_t rows,
                     double *q, struct hd_error *error);

#endif
