/* The clocks, in nanoseconds. */
#ifndef HD_AGENT_CLOCK_H
#define HD_AGENT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t hd_clock_ns(clockid_t clock)
{
  struct timespec now = {0, 0};
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t hd_monotonic_ns(void)
{
  return hd_clock_ns(CLOCK_MONOTONIC);
}

static inline struct timespec hd_timespec(uint64_t ns)
{
  return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                           .tv_nsec = (long)(ns % 1000000000u)};
}

#endif
