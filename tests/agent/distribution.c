/* The agent's logarithm against libm's, and its intervals against the exponential
 * distribution that they are to follow. */
#include "random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DRAWS = 4000000, BINS = 64 };

static int check_log(void)
{
  double worst = 0;
  for (double x = 0x1p-53; x <= 1; x *= 1.0001) {
    double exact = log(x), error = fabs(hd_log(x) - exact);
    double relative = exact == 0 ? error : error / fabs(exact);
    if (relative > worst)
      worst = relative;
  }
  printf("log: worst relative error %.2g\n", worst);
  return hd_log(1) == 0 && worst < 1e-12;
}

/* Mean within 5 standard errors, and Pearson's statistic over bins of equal
 * probability below what one in a million fair draws exceeds. */
static int check_intervals(uint64_t mean)
{
  static uint64_t bins[BINS];
  uint64_t state = 42;
  double sum = 0;
  for (int i = 0; i < BINS; i++)
    bins[i] = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = (double)hd_random_interval(&state, mean);
    sum += x;
    int bin = (int)(BINS * (1 - exp(-(x + .5) / (double)mean)));
    bins[bin < BINS ? bin : BINS - 1]++;
  }
  double expected = (double)DRAWS / BINS, chi = 0;
  for (int i = 0; i < BINS; i++)
    chi += ((double)bins[i] - expected) * ((double)bins[i] - expected) / expected;
  double z = (sum / DRAWS + .5 - (double)mean) / ((double)mean / sqrt(DRAWS));
  printf("mean %llu: z %.2f, chi square (63 degrees) %.1f\n", (unsigned long long)mean, z, chi);
  return fabs(z) < 5 && chi < 63 + 5 * sqrt(126) + 10;
}

int main(void)
{
  return check_log() && check_intervals(524288) && check_intervals(100000000) ? 0 : 1;
}
