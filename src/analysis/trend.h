/* Does one row's course look like a leak, and how fast does it grow? */
#ifndef HD_ANALYSIS_TREND_H
#define HD_ANALYSIS_TREND_H

#include "analysis/shapes.h"

/* What is known of a row beside its values. */
struct hd_course {
  const double *values;  /* [design->steps + 1] */
  double noise;          /* least variance of one difference, > 0 */
  double growth_error;   /* standard error of last - first by the sampling, 0 exact */
  double odds;           /* of a leak beside what the course shows: 1 nothing is known */
};

struct hd_trend {
  double probability;          /* of a leak */
  double weights[HD_SHAPES];   /* of all shapes, sum 1 */
  double parameters[HD_SHAPES]; /* of the curve that fits best */
  enum hd_shape_id best;
  bool has_rate;
  double rate, rate_error; /* growth over the window, by the leak's shapes, and its standard
                            * error; 0 where none is possible */
  double late_rate;        /* the same by the last half alone, plus half the error */
  double last_rate;            /* by the last third alone, without */
  double drawdown, range;  /* largest fall from a maximum; largest less smallest value */
  double relative_drawdown; /* of the range, what the load explains left out */
  double mann_kendall;     /* p of "does not rise" */
};

/* Differences and scratch memory are the caller's: 3 x steps doubles. */
void hd_trend_fit(const struct hd_design *design, const struct hd_course *course, double *memory,
                  struct hd_trend *trend);

#endif
