#include "random.h"

#include <string.h>

/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh((m - 1) / (m + 1)),
 * whose argument is below .172, so nine terms of the series leave 1e-15. */
double hd_log(double x)
{
  static const double ln2 = 0.693147180559945309417232;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
  bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.41421356237309505) {
    m *= .5;
    exponent++;
  }
  double t = (m - 1) / (m + 1), square = t * t, sum = 0;
  for (int k = 17; k >= 1; k -= 2)
    sum = sum * square + 1.0 / k;
  return exponent * ln2 + 2 * t * sum;
}

uint64_t hd_scramble(uint64_t x)
{
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

uint64_t hd_random(uint64_t *state)
{
  *state += UINT64_C(0x9e3779b97f4a7c15);
  return hd_scramble(*state);
}

/* The uniform number is in (0, 1], of 53 bits: the longest interval is 36.7
 * means. */
uint64_t hd_random_interval(uint64_t *state, uint64_t mean)
{
  double uniform = ((double)(hd_random(state) >> 11) + 1) * 0x1p-53;
  double interval = -hd_log(uniform) * (double)mean;
  return interval < 0x1p62 ? (uint64_t)interval : (uint64_t)1 << 62;
}
