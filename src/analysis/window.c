#include "analysis/window.h"

#include "analysis/headline.h"
#include "analysis/noise.h"
#include "analysis/shapes.h"

#include <stdlib.h>
#include <string.h>

/* Fewer snapshots of a life say nothing that the first and the last of all do not. */
enum { LEAST_OF_A_LIFE = 3 };

static int by_time(const void *left, const void *right)
{
  const struct hd_point *a = left, *b = right;
  if (a->time_ns != b->time_ns)
    return a->time_ns < b->time_ns ? -1 : 1;
  return (a->mono_ns > b->mono_ns) - (a->mono_ns < b->mono_ns);
}

static void order(struct hd_series *series)
{
  struct hd_point *points = series->points.items;
  size_t count = series->points.count;
  bool rises = true;
  for (size_t i = 0; i < count; i++) {
    if (!points[i].time_ns)
      return;
    rises &= !i || points[i - 1].time_ns <= points[i].time_ns;
  }
  if (!rises && count >= LEAST_OF_A_LIFE)
    qsort(points, count, sizeof *points, by_time);
}

/* How long the process had run: since its start where that is known, else since the
 * first snapshot. */
static int64_t age_of(const struct hd_series *series, const struct hd_point *point)
{
  int64_t age;
  if (point->start_ns > 0 && point->mono_ns > point->start_ns &&
      !__builtin_sub_overflow(point->mono_ns, point->start_ns, &age))
    return age;
  return hd_points_elapsed(&series->points.items[0], point);
}

/* A moment as a time before the end of the series; false: there is none. */
static bool before_end(const struct hd_series *series, const struct hd_moment *moment, int64_t *ns)
{
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  if (moment->kind == HD_MOMENT_NONE)
    return false;
  *ns = moment->ns;
  return moment->kind == HD_MOMENT_BEFORE_END ||
         !__builtin_sub_overflow(last->time_ns, moment->ns, ns);
}

static bool is_inside(const struct hd_series *series, const struct hd_window *window, size_t i)
{
  const struct hd_point *point = &series->points.items[i];
  int64_t left = hd_points_elapsed(point, &series->points.items[series->points.count - 1]), limit;
  if (window->skip_warmup_ns && age_of(series, point) < window->skip_warmup_ns)
    return false;
  if (before_end(series, &window->since, &limit) && left > limit)
    return false;
  return !before_end(series, &window->until, &limit) || left >= limit;
}

/* Whether the window's bounds mean anything to these snapshots. */
static bool is_timed(const struct hd_series *series, const struct hd_window *window)
{
  const struct hd_point *first = &series->points.items[0];
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  bool at = window->since.kind == HD_MOMENT_AT || window->until.kind == HD_MOMENT_AT;
  bool bounded = window->since.kind != HD_MOMENT_NONE || window->until.kind != HD_MOMENT_NONE ||
                 (window->skip_warmup_ns && !(first->start_ns > 0 && first->mono_ns > 0));
  return !bounded ||
         (hd_points_elapsed(first, last) != 0 && !(at && last->time_ns == 0));
}

static bool narrow(struct hd_series *series, const struct hd_window *window, struct hd_error *error)
{
  size_t count = series->points.count, out = 0;
  if (count > 1 && !is_timed(series, window))
    return hd_fail_usage(error, "--skip-warmup, --since and --until cannot choose among these "
                                "snapshots, which do not say when they were taken: name those that "
                                "are meant, or the last ones with "
                                "--last N");
  bool *inside = hd_alloc_zeroed(count, sizeof *inside);
  if (!inside)
    return hd_fail_memory(error);
  for (size_t i = 0; i < count; i++) {
    inside[i] = is_inside(series, window, i);
    out += !inside[i];
  }
  for (size_t i = count; out < count && i-- > 0;)
    if (!inside[i])
      hd_series_drop(series, i);
  hd_free(inside);
  return out < count || hd_fail_usage(error,
                                      "no snapshot is left: all %zu are outside of what "
                                      "--skip-warmup, --since and --until leave",
                                      count);
}

/* Whether the process began anew before this point; without identity its counters
 * tell. */
static bool begins_anew(const struct hd_series *series, size_t i)
{
  const struct hd_point *before = &series->points.items[i - 1], *point = before + 1;
  return !hd_same_process(before, point) ||
         (series->has[HD_ALLOC_OBJECTS] &&
          point->total[HD_ALLOC_OBJECTS] < before->total[HD_ALLOC_OBJECTS]);
}

static void keep_one_life(struct hd_series *series, struct hd_window_result *result)
{
  size_t count = series->points.count, best = 0, from = 0, start = 0;
  result->lives = 1;
  if (count < LEAST_OF_A_LIFE)
    return;
  for (size_t i = 1; i <= count; i++) {
    if (i < count && !begins_anew(series, i))
      continue;
    result->lives += i < count;
    if (i - start >= best || (i == count && i - start >= HD_LEAST_POINTS)) {
      best = i - start;
      from = start;
    }
    start = i;
  }
  if (result->lives == 1 || best < LEAST_OF_A_LIFE) {
    result->lives = 1;
    return;
  }
  result->life = best;
  result->is_last = from + best == count;
  for (size_t i = count; i-- > 0;)
    if (i < from || i >= from + best)
      hd_series_drop(series, i);
}

static bool same_values(const struct hd_values *a, const struct hd_values *b)
{
  return a->count == b->count && memcmp(a->items, b->items, a->count * sizeof *a->items) == 0;
}

static bool repeats(const struct hd_series *series, size_t i)
{
  const struct hd_point *before = &series->points.items[i - 1], *point = before + 1;
  return point->lazy && memcmp(before->total, point->total, sizeof point->total) == 0 &&
         point->flat.count && same_values(&before->flat, &point->flat);
}

bool hd_window_apply(struct hd_series *series, const struct hd_window *window,
                     struct hd_window_result *result, struct hd_error *error)
{
  *result = (struct hd_window_result){.lives = 1};
  order(series);
  if (!narrow(series, window, error))
    return false;
  keep_one_life(series, result);
  for (size_t i = series->points.count; i-- > 1 && series->points.count >= LEAST_OF_A_LIFE;)
    if (repeats(series, i)) {
      hd_series_drop(series, i);
      result->repeated++;
    }
  while (window->last > 0 && series->points.count > (uint64_t)window->last)
    hd_series_drop(series, 0);
  return true;
}
