/* Work that may be left before it is done. */
#ifndef HD_BASE_STOP_H
#define HD_BASE_STOP_H

#include <stdbool.h>
#include <stddef.h>

/* Asked now and then, by any thread; true: the work is to be left. NULL: it is not asked. */
struct hd_stop {
  bool (*ask)(void *context);
  void *context;
};

static inline bool hd_stop_came(const struct hd_stop *stop)
{
  return stop && stop->ask && stop->ask(stop->context);
}

#endif
