/* Do those that wait longest on a line ever wake?
 *
 * Dumps of goroutines give the longest wait w of each row in whole minutes, 0 where
 * nobody has waited for one. Who does not wake waits as much longer as passes, e, so
 * that from w more than w + e - 1 minute becomes, the minute for the rounding; where less
 * has become of it, the longest waiter has woken. A dump has no time inside, but no wait
 * grows by e + 1 minute or more: what a wait rose by, less a minute, has passed at least,
 * and the wait that rises most in the whole window is the clock for all the others. Where
 * none rises, e is 0, and only a wait that falls tells.
 *
 * A pool that is parked for hours waits like a leak does: waits alone make nothing a
 * leak. They multiply the prior of the shapes that are leaks, which need growth:
 *
 *   4    nobody is known to have woken, and the wait rose by two minutes or more (by one it
 *        may have rounded up)
 *   1/8  the longest waiter woke in the second half of the window: by then those that
 *        had leaked in the first half would have waited longer than who wakes
 *   1    else */
#ifndef HD_ANALYSIS_WAITS_H
#define HD_ANALYSIS_WAITS_H

#include "analysis/series.h"

struct hd_waits {
  double first, last; /* the longest wait, ns; 0 none of a minute */
  size_t woken;       /* how often the longest waiter of the time woke, at least */
  bool woke_late;     /* in the second half of the window */
  bool never_woke;    /* for certain */
};

/* By point, ns. */
struct hd_wait_clock {
  double *steps; /* what has passed at least since the first point, step by step */
  double *row;   /* the wait that rises most */
};

/* Whether waits are known in the table of a measure. */
bool hd_waits_known(const struct hd_series *series, enum hd_measure measure);

bool hd_wait_clock_init(struct hd_wait_clock *clock, const struct hd_series *series,
                        struct hd_error *error);
void hd_wait_clock_deinit(struct hd_wait_clock *clock);

struct hd_waits hd_waits_of(const struct hd_series *series, const struct hd_wait_clock *clock,
                            size_t row);
double hd_waits_odds(const struct hd_waits *waits);

#endif
