/* Random intervals between samples, without libm (which a target need not have). */
#ifndef HD_AGENT_RANDOM_H
#define HD_AGENT_RANDOM_H

#include <stdint.h>

/* The natural logarithm of a positive normal number, to about 1e-13 relative. */
double hd_log(double x);
/* A good 64-bit mix of a counter or an address (splitmix64's finalizer, Steele,
 * Lea, Flood 2014). */
uint64_t hd_scramble(uint64_t x);
/* The next 64 bits; any state will do. */
uint64_t hd_random(uint64_t *state);
/* An exponentially distributed number of bytes with this mean, rounded down. */
uint64_t hd_random_interval(uint64_t *state, uint64_t mean);

#endif
