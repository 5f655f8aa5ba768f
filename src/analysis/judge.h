/* Judges every row of a series: how sure its growth is, what shape its course has,
 * how fast it grows, and one word for it. */
#ifndef HD_ANALYSIS_JUDGE_H
#define HD_ANALYSIS_JUDGE_H

#include "analysis/generations.h"
#include "analysis/significance.h"
#include "analysis/verdict.h"
#include "analysis/waits.h"

struct hd_judgement {
  enum hd_verdict verdict;
  double growth;
  double error;       /* standard error of the growth by the sampling, 0 exact */
  double q;           /* false discovery rate */
  double sampled;     /* objects that came or went, as sampled; 0 exact */
  double probability; /* of a leak; -1: too few snapshots to say */
  bool has_rate;
  double rate, rate_error; /* an hour: growth over time, with five points or more by the leak's
                            * shapes where it is one; standard error */
  double score;
  bool by_age; /* the old objects alone show the leak */
};

/* What a design was made of, for one row after the other. */
struct hd_judges {
  const struct hd_series *series;
  enum hd_measure measure;
  double *times; /* of the points: ns from the first one, rising */
  double hours;  /* of the window; 0 unknown, or too short for a rate */
  bool shaped;   /* five points or more of a state: there is a design */
  struct hd_design design;
  struct hd_row_noise *noise; /* first to last, by row */
  double *step_noise;         /* least variance of a step, by row */
  double *q;
  bool aged;
  struct hd_generations generations;
  struct hd_design old_design;
  double *old_q;
  struct hd_wait_clock clock; /* steps NULL: no waits are known */
  double *values, *memory;    /* of the row at hand */
  struct hd_judgement *rows;  /* by row */
};

/* Fails, too, where the series' stop comes. */
bool hd_judges_init(struct hd_judges *judges, const struct hd_series *series,
                    enum hd_measure measure, struct hd_error *error);
void hd_judges_deinit(struct hd_judges *judges);

/* The trend of one row (which is judged already) once more, for those who want all
 * of it; its values are then in judges->values. False: too few points. */
bool hd_judges_trend(struct hd_judges *judges, size_t row, struct hd_trend *trend);
/* The same of its old objects, values in judges->values; false: there are no ages. */
bool hd_judges_old_trend(struct hd_judges *judges, size_t row, struct hd_trend *trend);

/* How long a row waited; false: that is not known. */
bool hd_judges_waits(const struct hd_judges *judges, size_t row, struct hd_waits *waits);

/* Of what was allocated in the window, the share that is still there (kappa), and of
 * all that ever was (rho); -1 unknown. */
void hd_retention(const struct hd_series *series, size_t row, double *kappa, double *rho);

#endif
