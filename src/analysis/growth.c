#include "analysis/growth.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *const hd_sort_names[] = {
#define HD_SORT(id, name) name,
    HD_SORTS(HD_SORT)
#undef HD_SORT
        NULL};

/* Hands out whole numbers whose sum is the rounded sum. */
struct rounder {
  double sum;
  int64_t given;
};

static int64_t round_next(struct rounder *rounder, double value)
{
  rounder->sum += value;
  int64_t next = llround(rounder->sum) - rounder->given;
  rounder->given += next;
  return next;
}

/* Which fields of a gain hold a measure's two values. */
struct sides {
  enum hd_measure measure;
  size_t before, after;
};

static int64_t *field(struct hd_gain *gain, size_t offset)
{
  return (int64_t *)((char *)gain + offset);
}

/* Rows that did not change go first: both sides are then rounded alike, and the
 * fractions of estimates never look like growth. Records may come in another order
 * in the next snapshot, so that sums differ in their last bits. */
static void round_rows(const struct hd_series *series, struct hd_gains *gains, struct sides sides)
{
  static const double same = 1e-12;
  size_t last = series->points.count - 1;
  struct rounder before = {0}, after = {0};
  for (int changed = 0; changed < 2; changed++)
    for (size_t row = 0; row < gains->items.count; row++) {
      double x = hd_series_flat(series, 0, row, sides.measure);
      double y = hd_series_flat(series, last, row, sides.measure);
      if ((fabs(x - y) > same * fabs(x)) != changed)
        continue;
      struct hd_gain *gain = &gains->items.items[row];
      *field(gain, sides.after) = round_next(&after, y);
      if (gains->diff)
        *field(gain, sides.before) = round_next(&before, changed ? x : y);
    }
}

static void add_up(struct hd_gains *gains, struct hd_gain *gain)
{
  struct hd_gain *total = &gains->total;
  gain->growth = gain->after - gain->before;
  gain->cum_growth = gain->cum_after - gain->cum_before;
  gain->objects_growth = gain->objects_after - gain->objects_before;
  if (gain->growth > 0)
    gains->gross += gain->growth;
  total->before += gain->before;
  total->after += gain->after;
  total->growth += gain->growth;
  total->since_last += gain->since_last;
  total->objects_before += gain->objects_before;
  total->objects_after += gain->objects_after;
  total->objects_growth += gain->objects_growth;
}

bool hd_gains_compute(const struct hd_series *series, enum hd_measure measure,
                      struct hd_gains *gains, struct hd_error *error)
{
  size_t last = series->points.count - 1;
  *gains = (struct hd_gains){.measure = measure, .objects = hd_measures[measure].sibling};
  gains->diff = last > 0;
  gains->has_objects = gains->objects != measure && series->has[gains->objects] &&
                       hd_measures[gains->objects].unit == HD_UNIT_COUNT;
  for (size_t row = 0; row < series->rows.count; row++) {
    struct hd_gain gain = {.row = (uint32_t)row};
    gain.cum_after = llround(hd_series_cum(series, last, row, measure));
    gain.cum_before = gains->diff ? llround(hd_series_cum(series, 0, row, measure)) : 0;
    gain.since_last = gains->diff ? llround(hd_series_flat(series, last, row, measure)) -
                                        llround(hd_series_flat(series, last - 1, row, measure))
                                  : 0;
    if (!hd_vec_push(&gains->items, gain)) {
      hd_gains_deinit(gains);
      return hd_fail_memory(error);
    }
  }
  round_rows(series, gains, (struct sides){measure, offsetof(struct hd_gain, before),
                                           offsetof(struct hd_gain, after)});
  round_rows(series, gains, (struct sides){gains->objects, offsetof(struct hd_gain, objects_before),
                                           offsetof(struct hd_gain, objects_after)});
  for (size_t row = 0; row < gains->items.count; row++)
    add_up(gains, &gains->items.items[row]);
  return true;
}

void hd_gains_deinit(struct hd_gains *gains)
{
  hd_vec_deinit(&gains->items);
}

/* --- ranking ------------------------------------------------------------------ */

struct ranked {
  struct hd_gain gain;
  double score; /* comes before the key */
  int64_t key;
  const char *name, *file;
  uint32_t line;
};

static uint64_t magnitude(int64_t value)
{
  return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static int by_name(const struct ranked *a, const struct ranked *b)
{
  int order = strcmp(a->name, b->name);
  if (!order)
    order = strcmp(a->file, b->file);
  if (!order)
    order = (a->line > b->line) - (a->line < b->line);
  return order ? order : (a->gain.row > b->gain.row) - (a->gain.row < b->gain.row);
}

static int by_magnitude(const void *left, const void *right)
{
  const struct ranked *a = left, *b = right;
  uint64_t x = magnitude(a->key), y = magnitude(b->key);
  if (a->score < b->score || a->score > b->score)
    return a->score < b->score ? 1 : -1;
  return x != y ? (x < y) - (x > y) : by_name(a, b);
}

static int by_value(const void *left, const void *right)
{
  const struct ranked *a = left, *b = right;
  if (a->score < b->score || a->score > b->score)
    return a->score < b->score ? 1 : -1;
  return a->key != b->key ? (a->key < b->key) - (a->key > b->key) : by_name(a, b);
}

static int64_t sort_key(const struct hd_gain *gain, enum hd_sort sort)
{
  switch (sort) {
  case HD_SORT_GROWTH: return gain->growth;
  case HD_SORT_AFTER: return gain->after;
  case HD_SORT_BEFORE: return gain->before;
  case HD_SORT_SCORE: return gain->growth;
  case HD_SORT_RATE: return gain->rate;
  case HD_SORT_OBJECTS: return gain->objects_growth;
  case HD_SORT_CUM: return gain->cum_growth;
  case HD_SORT_NAME:
  case HD_SORT_DEFAULT: return 0;
  }
  return 0;
}

static bool is_nothing(const struct hd_gain *gain)
{
  return !gain->before && !gain->after && !gain->cum_before && !gain->cum_after &&
         !gain->objects_before && !gain->objects_after;
}

bool hd_sort_is_of_gains(enum hd_sort sort)
{
  return sort != HD_SORT_AFTER && sort != HD_SORT_BEFORE && sort != HD_SORT_NAME;
}

/* Neither gained nor lost, or by no more than chance: of interest only to an order
 * that is not of gains. */
static bool is_unchanged(const struct hd_gain *gain, enum hd_sort sort)
{
  return hd_sort_is_of_gains(sort) &&
         ((gain->within_noise && sort != HD_SORT_CUM) ||
          (!gain->growth && !gain->cum_growth && !gain->objects_growth));
}

bool hd_gains_rank(struct hd_gains *gains, const struct hd_series *series, enum hd_sort sort,
                   size_t keep, struct hd_error *error)
{
  struct ranked *ranked = hd_alloc_zeroed(gains->items.count, sizeof *ranked);
  if (!ranked)
    return hd_fail_memory(error);
  size_t count = 0;
  for (size_t i = 0; i < gains->items.count; i++) {
    const struct hd_gain *gain = &gains->items.items[i];
    const struct hd_label_key *key = &series->rows.items[gain->row].key;
    if (is_nothing(gain) || (keep && gains->diff && is_unchanged(gain, sort)))
      continue;
    double score = sort == HD_SORT_SCORE ? gain->score : 0;
    ranked[count++] = (struct ranked){*gain, score, sort_key(gain, sort),
                                      hd_pool_text(series->pool, key->function),
                                      hd_pool_text(series->pool, key->file), key->line};
  }
  qsort(ranked, count, sizeof *ranked, by_magnitude);
  if (keep && count > keep)
    count = keep;
  qsort(ranked, count, sizeof *ranked, by_value);
  for (size_t i = 0; i < count; i++)
    gains->items.items[i] = ranked[i].gain;
  gains->items.count = count;
  hd_free(ranked);
  return true;
}
