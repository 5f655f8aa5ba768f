/* One word a row, and the score by which rows are ranked. */
#ifndef HD_ANALYSIS_VERDICT_H
#define HD_ANALYSIS_VERDICT_H

#include "analysis/trend.h"

/* HD_VERDICT(ID, name): the first that fits is given, in this order. */
#define HD_VERDICTS(HD_VERDICT)                                                                    \
  HD_VERDICT(LEAKING, "leaking")                                                                   \
  HD_VERDICT(SHRINKING, "shrinking")                                                               \
  HD_VERDICT(SAWTOOTH, "sawtooth")                                                                 \
  HD_VERDICT(PLATEAUED, "plateaued")                                                               \
  HD_VERDICT(GROWING, "growing")                                                                   \
  HD_VERDICT(CHURN, "churn")                                                                       \
  HD_VERDICT(STEADY, "steady")

enum hd_verdict {
#define HD_VERDICT(id, name) HD_VERDICT_##id,
  HD_VERDICTS(HD_VERDICT)
#undef HD_VERDICT
};

extern const char *const hd_verdict_names[];

/* What a verdict goes by beside the trend. */
struct hd_evidence_of {
  double growth, growth_error; /* last - first, its standard error */
  double q;                    /* false discovery rate of the growth (or loss) */
  double mean;                 /* of the values */
  double allocated, live;      /* in the window, and at a time on average; allocated < 0 unknown */
};

/* When growth of the shape that fits best is over, from 0 to 1 in the window; 0 where
 * it is not of a kind that ends. */
double hd_growth_ends(const struct hd_trend *trend);

/* Of five snapshots or more. */
enum hd_verdict hd_verdict_of(const struct hd_evidence_of *evidence, const struct hd_trend *trend);
/* Of two to four: "growing" at most, as so few cannot prove a leak. */
enum hd_verdict hd_verdict_of_few(const struct hd_evidence_of *evidence);

/* P^2 / (1+(q/.05)^2) / (1+(p/.1)^2) sqrt(min(rate - error, late rate)) (1 - drawdown):
 * likely, significant, rising, large, and never given back. */
double hd_leak_score(const struct hd_evidence_of *evidence, const struct hd_trend *trend);
/* Growth less its error; of three or four snapshots times how evenly it came. */
double hd_growth_score(const struct hd_evidence_of *evidence, const double *values, size_t count);

#endif
