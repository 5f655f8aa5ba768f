#include "analysis/waits.h"

#include "analysis/headline.h"

#include <math.h>

static const double minute = 60e9;
/* The clock is read just before or after the dump is made. */
static const double tolerance = 1e9;
static const double certain_rise = 120e9;
static const double odds_never_woke = 4, odds_woke_late = 1. / 8;

static double wait_at(const struct hd_series *series, size_t point, size_t row)
{
  return hd_series_flat(series, point, row, HD_LONGEST_WAIT);
}

bool hd_waits_known(const struct hd_series *series, enum hd_measure measure)
{
  return series->has[HD_LONGEST_WAIT] && hd_measures[HD_LONGEST_WAIT].beside == measure;
}

static size_t best_clock(const struct hd_series *series)
{
  size_t last = series->points.count - 1, best = 0;
  double most = -INFINITY;
  for (size_t row = 0; row < series->rows.count; row++) {
    double rise = wait_at(series, last, row) - wait_at(series, 0, row);
    if (rise > most) {
      most = rise;
      best = row;
    }
  }
  return best;
}

bool hd_wait_clock_init(struct hd_wait_clock *clock, const struct hd_series *series,
                        struct hd_error *error)
{
  size_t count = series->points.count, best = best_clock(series);
  clock->steps = hd_alloc_zeroed(count, 2 * sizeof *clock->steps);
  if (!clock->steps)
    return hd_fail_memory(error);
  clock->row = clock->steps + count;
  clock->row[0] = wait_at(series, 0, best);
  for (size_t i = 1; i < count; i++) {
    const struct hd_point *points = series->points.items;
    double passed = fmax((double)hd_points_elapsed(&points[i - 1], &points[i]) - tolerance, 0);
    for (size_t row = 0; row < series->rows.count; row++)
      passed = fmax(passed, wait_at(series, i, row) - wait_at(series, i - 1, row) - minute);
    clock->steps[i] = clock->steps[i - 1] + passed;
    clock->row[i] = wait_at(series, i, best);
  }
  return true;
}

void hd_wait_clock_deinit(struct hd_wait_clock *clock)
{
  hd_free(clock->steps);
  *clock = (struct hd_wait_clock){0};
}

/* Whether who waited longest at one point has woken by another one. */
static bool woke(const struct hd_series *series, const struct hd_wait_clock *clock, size_t row,
                 size_t from, size_t to)
{
  double before = wait_at(series, from, row), after = wait_at(series, to, row);
  double passed = fmax(clock->steps[to] - clock->steps[from],
                       clock->row[to] - clock->row[from] - minute);
  return before > 0 && after <= before + passed - minute;
}

struct hd_waits hd_waits_of(const struct hd_series *series, const struct hd_wait_clock *clock,
                            size_t row)
{
  size_t last = series->points.count - 1, from = 0, middle = last / 2;
  struct hd_waits waits = {.first = wait_at(series, 0, row), .last = wait_at(series, last, row)};
  for (size_t i = 1; i <= last; i++) {
    if (!(wait_at(series, from, row) > 0))
      from = i;
    if (!woke(series, clock, row, from, i))
      continue;
    waits.woken++;
    waits.woke_late |= i > middle && woke(series, clock, row, from > middle ? from : middle, i);
    from = i;
  }
  waits.never_woke =
      !waits.woken && waits.last - wait_at(series, from, row) >= certain_rise;
  return waits;
}

double hd_waits_odds(const struct hd_waits *waits)
{
  return waits->never_woke ? odds_never_woke : waits->woke_late ? odds_woke_late : 1;
}
