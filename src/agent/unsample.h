/* What a sampled allocation stands for. */
#ifndef HD_AGENT_UNSAMPLE_H
#define HD_AGENT_UNSAMPLE_H

#include <stdint.h>

/* The probability 1 - exp(-(size + 1) / rate) that an allocation was sampled (the
 * countdown takes a byte more than the size, see state.h), to the last few bits;
 * 1 where the rate is 1. */
double hd_sampled_share(uint64_t size, uint64_t rate);

#endif
