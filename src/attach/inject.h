/* Loading a library into a running process: one of its threads is stopped at a safe point,
 * calls dlopen and a function of the library, and goes on where it was. The other threads
 * run on meanwhile. */
#ifndef HD_ATTACH_INJECT_H
#define HD_ATTACH_INJECT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hd_injection {
  pid_t pid;
  const char *library;         /* its path, as the process sees it */
  const char *function;        /* of no arguments, gives an int: what is not 0 is an errno */
  uint64_t timeout_ms;         /* how long a safe point is waited for */
  uint64_t call_ms;            /* how long the calls may take, once they have begun */
  bool (*stop)(void *context); /* asked now and then while waiting; NULL: it is not to be ended */
  void *stop_context;
};

struct hd_injected {
  int64_t stopped_ns; /* how long the thread stood still, the last time */
  int64_t longest_ns; /* the longest time that any did, also where it was not safe */
  uint64_t looks;     /* times that a thread was looked at */
};

/* On failure `error` says why, and what to do; the process runs on. */
bool hd_inject(const struct hd_injection *injection, struct hd_injected *injected,
               struct hd_error *error);

#endif
