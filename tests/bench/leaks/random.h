/* Random numbers for the simulator: the same on every machine. */
#ifndef BENCH_LEAKS_RANDOM_H
#define BENCH_LEAKS_RANDOM_H

#include <math.h>
#include <stdint.h>

struct rng {
  uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t next64(struct rng *rng)
{
  uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* In (0, 1). */
static inline double uniform(struct rng *rng)
{
  return ((double)(next64(rng) >> 11) + .5) / 9007199254740992.;
}

static inline double between(struct rng *rng, double low, double high)
{
  return low + (high - low) * uniform(rng);
}

static inline double log_between(struct rng *rng, double low, double high)
{
  return exp(between(rng, log(low), log(high)));
}

static inline double normal(struct rng *rng)
{
  return sqrt(-2 * log(uniform(rng))) * cos(2 * M_PI * uniform(rng));
}

/* Binomial(n, p), n any size: inversion where few are expected, else the normal
 * distribution, rounded. */
static inline double binomial(struct rng *rng, double n, double p)
{
  n = floor(n);
  if (n <= 0 || p <= 0)
    return 0;
  if (p >= 1)
    return n;
  if (p > .5)
    return n - binomial(rng, n, 1 - p);
  if (n * p > 30) {
    double x = round(n * p + sqrt(n * p * (1 - p)) * normal(rng));
    return x < 0 ? 0 : x > n ? n : x;
  }
  double left = uniform(rng), term = exp(n * log1p(-p)), k = 0;
  while (left > term && k < n) {
    left -= term;
    term *= (n - k) / (k + 1) * p / (1 - p);
    k++;
  }
  return k;
}

#endif
