/* Is a growth over its budget by more than chance? And over all rows at once? */
#ifndef HD_GATE_CHANCE_H
#define HD_GATE_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One side of a change. */
struct hd_level {
  double value;    /* mean of its runs */
  double variance; /* of one run, by the sampling; 0 exact */
  double spread;   /* variance between the runs, sampling included */
  size_t runs;     /* at least 1 */
  uint64_t rate;   /* mean sampling interval; 1 exact, 0 unknown */
};

/* A difference of one process as two sides: what came and what went, of `turnover` in
 * all; what is in both is neither. */
void hd_levels_of_difference(double growth, double turnover, double variance, struct hd_level *went,
                             struct hd_level *came);

/* p of "it grew by no more than `allowed`" against a growth as large as this; 0 where both
 * sides are exact and it is over, 1 where it is not over.
 *
 * A sampled value V with variance v is a Poisson count of V^2/v objects worth v/V each
 * (on a side that has none, what those of the other are worth at its own rate).
 * Under the hypothesis the means are m and m + allowed, with the m that is likeliest; the
 * signed root of the deviance is then normal, very nearly, also of counts as small as two,
 * with half an object taken off for continuity.
 *
 * Where a side has several runs, their spread beyond what the sampling makes is run-to-run
 * noise; then the growth must stand against that, too: Student's t by Welch (1947), whose
 * degrees of freedom are those of the runs as far as these make the error. */
double hd_chance(const struct hd_level *before, const struct hd_level *after, double allowed);

/* The smallest p that these objects could have given, had all been in `after`. */
double hd_least_chance(const struct hd_level *before, const struct hd_level *after, double allowed);

/* Standard error of after - before, run-to-run noise included. */
double hd_level_error(const struct hd_level *before, const struct hd_level *after);

struct hd_tested {
  double p, least;
  bool surely; /* the result: over its budget, and not by chance */
};

/* Over all tests at once with this family-wise error: Holm (1979), among those whose least
 * p could ever count (Tarone, 1990: the others take nothing from the rest). Returns the p
 * that the first of them needs, the error divided by their number. False on want of
 * memory. */
bool hd_family(struct hd_tested *tests, size_t count, double error, double *needed);

/* A count of objects worth `worth` each at the mean sampling interval `rate`: the interval
 * at which they are worth `wanted`. At least 1. */
double hd_rate_for(double rate, double worth, double wanted);

/* Growth of something new that is found 99 times in 100 with a test at `p`. */
double hd_least_seen(double worth, double allowed, double p);

/* P(T > t) of Student's distribution. */
double hd_student_tail(double t, double freedom);
/* z with P(N > z) = p. */
double hd_normal_quantile(double p);

#endif
