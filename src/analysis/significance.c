#include "analysis/significance.h"

#include <math.h>
#include <stdlib.h>

/* Fewer net sampled objects prove nothing. */
static const double least_net = 3;
/* From here on the normal distribution is as good. */
static const double exact_up_to = 2000;

/* Not lgamma(), which writes the sign where all threads do. */
static double log_gamma(double x)
{
  int sign;
  return lgamma_r(x, &sign);
}

static double log_choose(double n, double k)
{
  return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1);
}

double hd_binomial_tail(double m, double x)
{
  if (x <= 0)
    return 1;
  if (x > m)
    return 0;
  if (m > exact_up_to)
    return .5 * erfc((x - .5 - m / 2) / sqrt(m / 2));
  double term = exp(log_choose(m, x) - m * log(2)), sum = term;
  for (double k = x; k < m; k++) {
    term *= (m - k) / (k + 1);
    sum += term;
  }
  return fmin(sum, 1);
}

/* Where nearly every object is sampled there is hardly any noise, and few objects are
 * enough: then the normal distribution tells. */
static const double hardly_unseen = .1;

static double p_value(const struct hd_row_noise *noise, double difference)
{
  if (noise->variance <= 0)
    return difference != 0 ? 0 : 1;
  if (noise->variance < hardly_unseen * noise->squares)
    return erfc(fabs(difference) / sqrt(2 * noise->variance));
  if (fabs(noise->net) < least_net || noise->squares <= 0)
    return 1;
  double m = round(noise->moved * noise->moved / noise->squares);
  double x = round(m * (1 + fabs(difference) / noise->moved) / 2);
  return hd_binomial_tail(m, fmin(x, m));
}

struct tested {
  double p;
  size_t row;
};

static int by_p(const void *left, const void *right)
{
  const struct tested *a = left, *b = right;
  return a->p != b->p ? (a->p > b->p) - (a->p < b->p) : (a->row > b->row) - (a->row < b->row);
}

bool hd_significance(const struct hd_row_noise *noise, const double *differences, size_t rows,
                     double *q, struct hd_error *error)
{
  struct tested *tested = hd_alloc_zeroed(rows, sizeof *tested);
  size_t count = 0;
  if (!tested)
    return hd_fail_memory(error);
  for (size_t row = 0; row < rows; row++) {
    double p = p_value(&noise[row], differences[row]);
    q[row] = p;
    if (p < 1 && noise[row].variance > 0)
      tested[count++] = (struct tested){p, row};
  }
  if (count)
    qsort(tested, count, sizeof *tested, by_p);
  double least = 1;
  for (size_t i = count; i-- > 0;) {
    least = fmin(least, tested[i].p * (double)count / (double)(i + 1));
    q[tested[i].row] = least;
  }
  hd_free(tested);
  return true;
}
