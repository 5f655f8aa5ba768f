#include "analysis/mann_kendall.h"

#include <math.h>
#include <stdlib.h>

enum { LEAST_FOR_LAGS = 8, MOST_LAGS = 3 };

static int by_value(const void *left, const void *right)
{
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* The variance of S under "no trend", less what ties take of it. */
static double variance_of(const double *values, size_t n)
{
  double sorted[HD_MANN_KENDALL_MOST], count = (double)n;
  for (size_t i = 0; i < n; i++)
    sorted[i] = values[i];
  qsort(sorted, n, sizeof *sorted, by_value);
  double variance = count * (count - 1) * (2 * count + 5);
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && !(sorted[end] > sorted[i]);)
      end++;
    double ties = (double)(end - i);
    variance -= ties * (ties - 1) * (2 * ties + 5);
  }
  return variance / 18;
}

/* Ranks of what is left of the values without their trend (least squares). */
static void rank_residuals(const double *values, size_t n, double *ranks)
{
  double residuals[HD_MANN_KENDALL_MOST], mean = 0, slope = 0, middle = ((double)n - 1) / 2;
  double spread = 0;
  for (size_t i = 0; i < n; i++)
    mean += values[i] / (double)n;
  for (size_t i = 0; i < n; i++) {
    double t = (double)i - middle;
    slope += t * (values[i] - mean);
    spread += t * t;
  }
  for (size_t i = 0; i < n; i++)
    residuals[i] = values[i] - slope / spread * (double)i;
  for (size_t i = 0; i < n; i++) {
    ranks[i] = 0;
    for (size_t j = 0; j < n; j++)
      ranks[i] += residuals[j] < residuals[i] ? 1 : residuals[j] > residuals[i] ? 0 : .5;
  }
}

/* By how much autocorrelation swells the variance, 1 at least. */
static double inflation(const double *values, size_t n)
{
  double ranks[HD_MANN_KENDALL_MOST], middle = (double)n / 2, spread = 0, sum = 0;
  double count = (double)n;
  if (n < LEAST_FOR_LAGS)
    return 1;
  rank_residuals(values, n, ranks);
  for (size_t i = 0; i < n; i++)
    spread += (ranks[i] - middle) * (ranks[i] - middle);
  if (spread <= 0)
    return 1;
  size_t lags = n / 4 < MOST_LAGS ? n / 4 : MOST_LAGS;
  for (size_t lag = 1; lag <= lags; lag++) {
    double covered = 0, left = count - (double)lag;
    for (size_t i = 0; i + lag < n; i++)
      covered += (ranks[i] - middle) * (ranks[i + lag] - middle);
    sum += left * (left - 1) * (left - 2) * covered / spread;
  }
  return fmax(1, 1 + 2 / (count * (count - 1) * (count - 2)) * sum);
}

double hd_mann_kendall(const double *values, size_t count)
{
  double kept[HD_MANN_KENDALL_MOST], s = 0;
  size_t n = count < HD_MANN_KENDALL_MOST ? count : HD_MANN_KENDALL_MOST;
  if (n < 3)
    return 1;
  for (size_t i = 0; i < n; i++)
    kept[i] = values[i * (count - 1) / (n - 1)];
  for (size_t i = 0; i < n; i++)
    for (size_t j = i + 1; j < n; j++)
      s += (kept[j] > kept[i]) - (kept[j] < kept[i]);
  if (s <= 0) /* as of most: what follows is not needed */
    return 1;
  double variance = variance_of(kept, n);
  if (variance <= 0)
    return 1;
  double z = (s - 1) / sqrt(variance * inflation(kept, n));
  return .5 * erfc(z / sqrt(2));
}
