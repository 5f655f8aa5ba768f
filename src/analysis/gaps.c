#include "analysis/gaps.h"

#include "analysis/headline.h"

#include <stdlib.h>

/* Thinning out older snapshots leaves distances of up to four times the usual one. */
enum { LEAST_POINTS = 6, TIMES = 5 };
static const int64_t least_ns = INT64_C(2000000000);

static int by_value(const void *left, const void *right)
{
  const int64_t *a = left, *b = right;
  return (*a > *b) - (*a < *b);
}

bool hd_gaps_find(const struct hd_series *series, struct hd_gaps *gaps, struct hd_error *error)
{
  const struct hd_point *points = series->points.items;
  size_t count = series->points.count;
  *gaps = (struct hd_gaps){0};
  if (count < LEAST_POINTS)
    return true;
  int64_t *distances = hd_alloc((count - 1) * sizeof *distances);
  if (!distances)
    return hd_fail_memory(error);
  for (size_t i = 1; i < count; i++)
    distances[i - 1] = hd_points_elapsed(&points[i - 1], &points[i]);
  qsort(distances, count - 1, sizeof *distances, by_value);
  int64_t usual = distances[(count - 1) / 2];
  hd_free(distances);
  gaps->usual_ns = usual;
  for (size_t i = 1; usual > 0 && i < count; i++) {
    int64_t distance = hd_points_elapsed(&points[i - 1], &points[i]);
    if (distance <= least_ns || distance / TIMES <= usual)
      continue;
    gaps->count++;
    if (distance > gaps->width_ns) {
      gaps->width_ns = distance;
      gaps->widest = i;
    }
  }
  return true;
}
