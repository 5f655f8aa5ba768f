#include "analysis/settle.h"

#include <inttypes.h>

/* By their numbers, before anything else is left out. */
static bool settle_numbers(const struct hd_window *window, struct hd_series *series,
                           struct hd_error *error)
{
  int64_t count = (int64_t)series->points.count;
  int64_t base = window->base ? window->base : 1, end = window->end ? window->end : count;
  if (base < 1 || base > count || end < 1 || end > count)
    return hd_fail_usage(error, "there is no snapshot %" PRId64 ": they are numbered from 1 to %"
                                PRId64, base < 1 || base > count ? base : end, count);
  if (base > end)
    return hd_fail_usage(error, "snapshot %" PRId64 " is after snapshot %" PRId64
                                ": the base comes first", base, end);
  while ((int64_t)series->points.count > end)
    hd_series_drop(series, series->points.count - 1);
  for (int64_t i = 1; i < base; i++)
    hd_series_drop(series, 0);
  return true;
}

bool hd_is_freed(double before, double last)
{
  return last < before / 2;
}

double hd_held_at(const struct hd_point *point)
{
  return point->total[HD_INUSE_SPACE] + point->total[HD_MMAP_SPACE];
}

/* Many programs free all they have before they end: then the snapshot at exit does
 * not show what they held while they ran. Of a series it is left out, unless it is
 * all there is beside the first one. */
static void settle_exit(struct hd_series *series, struct hd_settled *settled)
{
  size_t last = series->points.count - 1;
  const struct hd_point *points = series->points.items;
  if (!last || !points[last].at_exit)
    return;
  settled->first = points[0];
  settled->at_exit = points[last];
  if (last == 1) {
    bool freed = hd_held_at(&points[1]) < 1 && points[1].total[HD_ALLOC_SPACE] >= 1;
    settled->exit = freed ? HD_EXIT_ALONE : HD_EXIT_COUNTS;
  } else if (hd_is_freed(hd_held_at(&points[last - 1]), hd_held_at(&points[last]))) {
    settled->exit = HD_EXIT_LEFT_OUT;
    hd_series_drop(series, last);
  }
}

/* Snapshots that the user put together are taken as they are; of those that belong
 * together it matters which is the first and which the last. */
static void settle_ends(struct hd_series *series, const struct hd_settling *settling,
                        struct hd_settled *settled)
{
  if (!settling->one_series)
    series->points.items[0].at_start = false;
  else if (!settling->window.end)
    settle_exit(series, settled);
}

/* Before any is left out: what was not recorded is no part of a course. */
static bool find_gaps(const struct hd_series *series, struct hd_settled *settled,
                      struct hd_error *error)
{
  if (!hd_gaps_find(series, &settled->gaps, error))
    return false;
  if (settled->gaps.count)
    settled->after_gap = series->points.items[settled->gaps.widest];
  return true;
}

bool hd_settle(struct hd_series *series, const struct hd_settling *settling,
               struct hd_settled *settled, struct hd_error *error)
{
  *settled = (struct hd_settled){0};
  if (!series->points.count)
    return hd_fail_input(error, "there is no snapshot in what was named");
  if (!settle_numbers(&settling->window, series, error))
    return false;
  settle_ends(series, settling, settled);
  return (!settling->find_gaps || find_gaps(series, settled, error)) &&
         hd_window_apply(series, &settling->window, &settled->window, error);
}
