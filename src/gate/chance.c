#include "gate/chance.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 200 }; /* of a bisection: to the last bit of a double */

/* --- distributions -------------------------------------------------------------------- */

static double normal_tail(double z)
{
  return .5 * erfc(z / sqrt(2));
}

double hd_normal_quantile(double p)
{
  double low = -40, high = 40;
  for (int i = 0; i < STEPS; i++) {
    double middle = (low + high) / 2;
    if (normal_tail(middle) > p)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* The continued fraction of the incomplete beta function (Lentz's method; Abramowitz and
 * Stegun 26.5.8), for x < (a+1)/(a+b+2). */
static double beta_fraction(double a, double b, double x)
{
  static const double tiny = 1e-300, enough = 1e-15;
  double c = 1, d = 1 - (a + b) * x / (a + 1), h;
  d = 1 / (fabs(d) < tiny ? tiny : d);
  h = d;
  for (int m = 1; m <= 10000; m++) {
    double n = m, even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n));
    double odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1));
    for (int half = 0; half < 2; half++) {
      double term = half ? odd : even;
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (fabs(d) < tiny ? tiny : d);
      c = fabs(c) < tiny ? tiny : c;
      h *= d * c;
    }
    if (fabs(d * c - 1) < enough)
      break;
  }
  return h;
}

static double incomplete_beta(double a, double b, double x)
{
  if (x <= 0 || x >= 1)
    return x <= 0 ? 0 : 1;
  double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1) / (a + b + 2))
    return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double hd_student_tail(double t, double freedom)
{
  static const double as_normal = 1e6;
  if (t <= 0)
    return t < 0 ? 1 - hd_student_tail(-t, freedom) : .5;
  if (freedom > as_normal)
    return normal_tail(t);
  return .5 * incomplete_beta(freedom / 2, .5, freedom / (freedom + t * t));
}

/* An object of size s, found with p = 1 - exp(-s/R), adds s (1-p)/p = s / expm1(s/R) for
 * each of its bytes to the variance: so much it is worth. */
static double worth_at(double size, double rate)
{
  return size / expm1(size / rate);
}

/* The size of objects that are worth so much at this rate. */
static double size_of(double rate, double worth)
{
  double low = 1e-3, high = 1e15;
  if (worth >= rate || rate <= 1)
    return 1; /* as small as objects can be */
  for (int i = 0; i < STEPS; i++) {
    double size = sqrt(low * high);
    if (worth_at(size, rate) > worth)
      low = size;
    else
      high = size;
  }
  return low;
}

/* --- one test ------------------------------------------------------------------------- */

/* A side as a count of objects of one worth: `worth` 0 exact. */
struct counted {
  double value, worth;
};

void hd_levels_of_difference(double growth, double turnover, double variance, struct hd_level *went,
                             struct hd_level *came)
{
  double gone = fmax(turnover - growth, 0) / 2, all = fmax(turnover, fabs(growth));
  if (growth < 0)
    gone = fmax(gone, -growth);
  *went = (struct hd_level){.value = gone, .runs = 1};
  *came = (struct hd_level){.value = gone + growth, .runs = 1};
  if (all <= 0)
    return;
  went->variance = variance * went->value / (went->value + came->value);
  came->variance = variance - went->variance;
}

static double worth_of(const struct hd_level *level)
{
  return level->value > 0 && level->variance > 0
             ? level->variance / level->value / (double)level->runs
             : 0;
}

/* 2 (n ln(n/m) - (n - m)) of n = value/worth observed and m = mean/worth expected. */
static double deviance(struct counted side, double mean)
{
  if (side.worth <= 0)
    return 0;
  double log_part = side.value > 0 && mean > 0 ? side.value * log(side.value / mean) : 0;
  if (side.value > 0 && mean <= 0)
    return INFINITY;
  return 2 * (log_part - (side.value - mean)) / side.worth;
}

/* The likeliest mean of `before` where `after` has a mean larger by `allowed`. */
static double likeliest(struct counted before, struct counted after, double allowed)
{
  double low = 0, high = fmax(before.value, after.value);
  if (before.worth <= 0)
    return before.value;
  if (after.worth <= 0)
    return fmax(after.value - allowed, 0);
  for (int i = 0; i < STEPS; i++) {
    double m = (low + high) / 2;
    double slope = (m > 0 ? before.value / m - 1 : INFINITY) / before.worth +
                   (after.value / (m + allowed) - 1) / after.worth;
    if (before.value <= 0 && m <= 0)
      break;
    if (before.value <= 0)
      slope = -1 / before.worth + (after.value / (m + allowed) - 1) / after.worth;
    if (slope > 0)
      low = m;
    else
      high = m;
  }
  return (low + high) / 2;
}

static double sampling_chance(struct counted before, struct counted after, double allowed)
{
  if (before.worth <= 0 && after.worth <= 0)
    return 0;
  after.value -= after.worth / 2;
  if (before.worth > 0 && before.value > 0)
    before.value += before.worth / 2;
  if (after.value - before.value <= allowed)
    return .5;
  double m = likeliest(before, after, allowed);
  double both = deviance(before, m) + deviance(after, m + allowed);
  return normal_tail(sqrt(fmax(both, 0)));
}

/* Variance between runs beyond the sampling's, and its degrees of freedom. */
static double between_runs(const struct hd_level *before, const struct hd_level *after,
                           double *freedom)
{
  double sum = 0;
  *freedom = 0;
  const struct hd_level *both[] = {before, after};
  for (int i = 0; i < 2; i++) {
    double free = (double)both[i]->runs - 1;
    sum += free * (both[i]->spread - both[i]->variance);
    *freedom += free;
  }
  return *freedom > 0 ? fmax(sum / *freedom, 0) : 0;
}

static double sampling_variance(const struct hd_level *before, const struct hd_level *after)
{
  return before->variance / (double)before->runs + after->variance / (double)after->runs;
}

static double runs_chance(const struct hd_level *before, const struct hd_level *after,
                          double allowed)
{
  double freedom, between = between_runs(before, after, &freedom);
  if (between <= 0)
    return 0;
  double runs = between * (1 / (double)before->runs + 1 / (double)after->runs);
  double all = runs + sampling_variance(before, after);
  return hd_student_tail((after->value - before->value - allowed) / sqrt(all),
                         all * all / (runs * runs / freedom));
}

double hd_level_error(const struct hd_level *before, const struct hd_level *after)
{
  double freedom, between = between_runs(before, after, &freedom);
  return sqrt(sampling_variance(before, after) +
              between * (1 / (double)before->runs + 1 / (double)after->runs));
}

/* What objects of `after`, worth so much there, would be worth in `before`, which has none. */
static double worth_unseen(const struct hd_level *before, const struct hd_level *after,
                           double worth)
{
  double here = (double)before->rate, there = (double)after->rate;
  double one = worth * (double)after->runs;
  if (before->rate == 1)
    return 0;
  if (before->rate && after->rate && before->rate != after->rate)
    one = one > 0 ? worth_at(size_of(there, one), here) : here;
  return one / (double)before->runs;
}

double hd_chance(const struct hd_level *before, const struct hd_level *after, double allowed)
{
  struct counted x = {before->value, worth_of(before)}, y = {after->value, worth_of(after)};
  if (!(after->value - before->value > allowed))
    return 1;
  if (x.value <= 0)
    x.worth = worth_unseen(before, after, y.worth);
  return fmax(sampling_chance(x, y, allowed), runs_chance(before, after, allowed));
}

double hd_least_chance(const struct hd_level *before, const struct hd_level *after, double allowed)
{
  struct hd_level none = {.runs = before->runs, .rate = before->rate}, all = *after;
  all.value += before->value;
  all.variance += before->variance;
  all.spread = none.spread = 0;
  all.runs = 1;
  return hd_chance(&none, &all, allowed);
}

/* --- all of them ---------------------------------------------------------------------- */

static int by_p(const void *left, const void *right)
{
  const struct hd_tested *a = *(struct hd_tested *const *)left;
  const struct hd_tested *b = *(struct hd_tested *const *)right;
  return a->p != b->p ? (a->p > b->p) - (a->p < b->p) : (a > b) - (a < b);
}

static int by_number(const void *left, const void *right)
{
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* The smallest k with no more than k tests that error/k could ever find. */
static bool count_testable(const struct hd_tested *tests, size_t count, double error, size_t *k)
{
  double *least = hd_alloc_zeroed(count, sizeof *least);
  if (!least)
    return false;
  for (size_t i = 0; i < count; i++)
    least[i] = tests[i].least;
  if (count)
    qsort(least, count, sizeof *least, by_number);
  for (*k = 1; *k < count; ++*k)
    if (least[*k] > error / (double)*k)
      break;
  hd_free(least);
  return true;
}

bool hd_family(struct hd_tested *tests, size_t count, double error, double *needed)
{
  size_t k, left;
  HD_SCOPED_FREE struct hd_tested **order = hd_alloc_zeroed(count, sizeof *order);
  if (!order || !count_testable(tests, count, error, &k))
    return false;
  for (size_t i = 0; i < count; i++)
    order[i] = &tests[i];
  if (count)
    qsort(order, count, sizeof *order, by_p);
  *needed = error / (double)k;
  left = k;
  for (size_t i = 0; i < count && left; i++) {
    if (order[i]->least > *needed)
      continue;
    if (order[i]->p > error / (double)left)
      break;
    order[i]->surely = true;
    left--;
  }
  return true;
}

/* --- what would be seen ----------------------------------------------------------------- */

double hd_rate_for(double rate, double worth, double wanted)
{
  double size = size_of(rate, worth);
  return fmax(size / log1p(size / fmax(wanted, 1e-9)), 1);
}

double hd_least_seen(double worth, double allowed, double p)
{
  static const double one_in_a_hundred = 2.326348;
  double low = allowed, high = allowed + 1e4 * worth + 1;
  if (worth <= 0)
    return allowed;
  for (int i = 0; i < STEPS; i++) {
    double x = (low + high) / 2, seen = x - one_in_a_hundred * sqrt(worth * x);
    struct hd_level before = {.runs = 1};
    struct hd_level after = {.value = seen, .variance = worth * seen, .runs = 1};
    if (seen > allowed && hd_chance(&before, &after, allowed) <= p)
      high = x;
    else
      low = x;
  }
  return high;
}
