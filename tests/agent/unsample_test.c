/* The agent's own 1 - exp(-x) against libm's. */
#include "unsample.h"

#include <math.h>
#include <stdio.h>

int main(void)
{
  double worst = 0;
  static const uint64_t rates[] = {2, 3, 1000, 65536, 524288, UINT64_C(1) << 50};
  for (unsigned r = 0; r < sizeof rates / sizeof *rates; r++)
    for (double size = 0; size < 0x1p62; size = size * 1.07 + 1) {
      uint64_t bytes = (uint64_t)size;
      double want = -expm1(-((double)bytes + 1) / (double)rates[r]);
      double error = fabs(hd_sampled_share(bytes, rates[r]) / want - 1);
      worst = error > worst ? error : worst;
    }
  printf("worst relative error: %.2g\n", worst);
  return worst > 4e-15 || hd_sampled_share(0, 1) < 1 || hd_sampled_share(1u << 30, 1) > 1;
}
