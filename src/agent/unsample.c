#include "unsample.h"

/* From here on exp(-x) is nothing to a double. */
#define CERTAIN 40.0
/* Below this nine terms of the series are exact to 2^-53. */
#define SMALL 0.0625
enum { TERMS = 9 };

/* With q = 1 - exp(-x), 1 - exp(-2x) = q (2 - q): the argument is halved until the
 * series takes it, and nothing is subtracted that is nearly as large. */
double hd_sampled_share(uint64_t size, uint64_t rate)
{
  double x = ((double)size + 1) / (double)rate;
  int halved = 0;
  if (rate <= 1 || x > CERTAIN)
    return 1;
  for (; x > SMALL; halved++)
    x /= 2;
  double share = 0;
  for (int k = TERMS; k >= 1; k--) /* x (1 - x/2 (1 - x/3 (...))) */
    share = x / k * (1 - share);
  while (halved-- > 0)
    share *= 2 - share;
  return share;
}
