#include "analysis/generations.h"

#include "analysis/shapes.h"

#include <math.h>
#include <string.h>

/* Old is what has lived for this share of the window. */
static const double old_share = .125;

static double age_ns(uint32_t log2)
{
  return ldexp(1e6, (int)log2);
}

static double amount(const struct hd_age_band *band, enum hd_measure measure)
{
  return hd_measures[measure].unit == HD_UNIT_BYTES ? band->bytes : band->objects;
}

static bool have_ages(const struct hd_series *series)
{
  return series->points.items[series->points.count - 1].sampled.ages.count > 0;
}

/* Chooses the age and the points: from the first one on at which something of the
 * window may be that old. */
static bool choose(struct hd_generations *generations, const struct hd_series *series,
                   const double *times)
{
  size_t count = series->points.count;
  double window = times[count - 1];
  if (!(window >= 4e6))
    return false;
  generations->log2 = (uint32_t)log2(window * old_share / 1e6);
  while (generations->first < count && times[generations->first] < age_ns(generations->log2))
    generations->first++;
  generations->points = count - generations->first;
  return generations->points >= HD_LEAST_POINTS;
}

static void fill(struct hd_generations *generations, const struct hd_series *series,
                 enum hd_measure measure)
{
  for (size_t p = 0; p < generations->points; p++) {
    const struct hd_class_point *point = &series->points.items[generations->first + p].sampled;
    for (size_t i = 0; i < point->ages.count; i++) {
      const struct hd_age_band *band = &point->ages.items[i];
      if (band->log2 >= generations->log2)
        generations->values[band->row * generations->points + p] += amount(band, measure);
    }
  }
}

/* Old objects of a point as sampled ones that came (sign 1) or went (-1); those of
 * at least `survivors` ns of age, which are in both samples, left out. */
static void count_moved(struct hd_generations *generations, const struct hd_series *series,
                        size_t point, enum hd_measure measure, double survivors, int sign)
{
  const struct hd_class_point *sampled = &series->points.items[point].sampled;
  for (size_t i = 0; i < sampled->ages.count; i++) {
    const struct hd_age_band *band = &sampled->ages.items[i];
    if (band->log2 < generations->log2 || !band->class || !band->count ||
        age_ns(band->log2) >= survivors)
      continue;
    const struct hd_class *class = &series->classes.items.items[band->class - 1];
    struct hd_row_noise *noise = &generations->noise[band->row];
    double g = amount(band, measure) / band->count;
    noise->variance += g * g * (1 - 1 / class->weight) * band->count;
    noise->moved += g * band->count;
    noise->squares += g * g * band->count;
    noise->sampled += band->count;
    noise->net += sign * (double)band->count;
  }
}

bool hd_generations_init(struct hd_generations *generations, const struct hd_series *series,
                         enum hd_measure measure, const double *times, bool *made,
                         struct hd_error *error)
{
  size_t rows = series->rows.count, last = series->points.count - 1;
  *generations = (struct hd_generations){0};
  *made = false;
  if (!have_ages(series) || hd_measures[measure].nature != HD_NATURE_GAUGE ||
      !choose(generations, series, times))
    return true;
  generations->values = hd_alloc_zeroed(rows * generations->points, sizeof(double));
  generations->noise = hd_alloc_zeroed(rows, sizeof *generations->noise);
  if (!generations->values || !generations->noise) {
    hd_generations_deinit(generations);
    return hd_fail_memory(error);
  }
  fill(generations, series, measure);
  double elapsed = times[last] - times[generations->first];
  count_moved(generations, series, last, measure, elapsed + age_ns(generations->log2), 1);
  count_moved(generations, series, generations->first, measure, INFINITY, -1);
  *made = true;
  return true;
}

void hd_generations_deinit(struct hd_generations *generations)
{
  hd_free(generations->values);
  hd_free(generations->noise);
  *generations = (struct hd_generations){0};
}
