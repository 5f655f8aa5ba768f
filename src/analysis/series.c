#include "analysis/series.h"

#include "analysis/fold.h"

#include <string.h>

const char *const hd_grouping_names[] = {
#define HD_GROUPING(id, name) name,
    HD_GROUPINGS(HD_GROUPING)
#undef HD_GROUPING
        NULL};

void hd_series_init(struct hd_series *series, struct hd_pool *pool,
                    const struct hd_filters *filters, enum hd_grouping by)
{
  *series = (struct hd_series){.pool = pool, .by = by};
  series->frames.pool = pool;
  series->frames.filters = filters;
}

void hd_point_deinit(struct hd_point *point)
{
  hd_vec_deinit(&point->flat);
  hd_vec_deinit(&point->cum);
  hd_vec_deinit(&point->edges);
  hd_states_deinit(&point->states);
  hd_class_point_deinit(&point->sampled);
}

void hd_series_drop(struct hd_series *series, size_t point)
{
  struct hd_point *items = series->points.items;
  if (!series->borrowed)
    hd_point_deinit(&items[point]);
  memmove(items + point, items + point + 1, (--series->points.count - point) * sizeof *items);
}

bool hd_series_borrow(struct hd_series *series, const struct hd_series *from,
                      struct hd_error *error)
{
  size_t count = from->points.count;
  *series = *from;
  series->borrowed = true;
  series->points.items = NULL;
  series->points.count = series->points.capacity = 0;
  if (!hd_vec_reserve(&series->points, count))
    return hd_fail_memory(error);
  if (count)
    memcpy(series->points.items, from->points.items, count * sizeof *series->points.items);
  for (size_t i = 0; i < count; i++)
    series->points.items[i].number = i + 1;
  series->points.count = count;
  return true;
}

void hd_series_deinit(struct hd_series *series)
{
  if (series->borrowed) {
    hd_vec_deinit(&series->points);
    return;
  }
  for (size_t i = 0; i < series->points.count; i++)
    hd_point_deinit(&series->points.items[i]);
  hd_vec_deinit(&series->points);
  hd_vec_deinit(&series->rows);
  hd_vec_deinit(&series->labels);
  hd_vec_deinit(&series->stack_labels);
  hd_vec_deinit(&series->edges);
  hd_vec_deinit(&series->frame_labels);
  hd_vec_deinit(&series->label_rows);
  hd_index_deinit(&series->stack_index);
  hd_index_deinit(&series->label_index);
  hd_index_deinit(&series->edge_index);
  hd_classes_deinit(&series->classes);
  hd_frames_deinit(&series->frames);
}

bool hd_series_first_measure(const struct hd_series *series, enum hd_measure *measure)
{
  for (int i = 0; i < HD_MEASURES; i++)
    if (series->has[i] && hd_measures[i].merge == HD_MERGE_SUM) {
      *measure = (enum hd_measure)i;
      return true;
    }
  return false;
}

void hd_series_take_measures(struct hd_series *series, const bool has[HD_MEASURES])
{
  bool first = series->points.count == 0;
  if (first)
    series->columns = 0;
  for (int i = 0; i < HD_MEASURES; i++) {
    series->has[i] = has[i] && (first || series->has[i]);
    if (!first)
      continue;
    series->column[i] = has[i] ? (int)series->columns : -1;
    if (has[i])
      series->measures[series->columns++] = (enum hd_measure)i;
  }
}

bool hd_series_add(struct hd_series *series, const struct hd_profile *profile,
                   const uint32_t *locations, struct hd_point point, struct hd_error *error)
{
  struct hd_fold *fold;
  if (!hd_fold_begin(series, profile, locations, &fold, error))
    return false;
  bool fine = hd_fold_records(fold, profile, error) && hd_fold_end(fold, profile, point, error);
  hd_fold_destroy(fold);
  return fine;
}

static double value(const struct hd_series *series, const struct hd_values *values, size_t at,
                    enum hd_measure measure)
{
  int column = series->column[measure];
  size_t index = at * series->columns + (size_t)column;
  return column >= 0 && index < values->count ? values->items[index] : 0;
}

double hd_series_flat(const struct hd_series *series, size_t point, size_t row,
                      enum hd_measure measure)
{
  return value(series, &series->points.items[point].flat, row, measure);
}

double hd_series_cum(const struct hd_series *series, size_t point, size_t row,
                     enum hd_measure measure)
{
  return value(series, &series->points.items[point].cum, row, measure);
}

double hd_series_edge(const struct hd_series *series, size_t point, size_t edge,
                      enum hd_measure measure)
{
  return value(series, &series->points.items[point].edges, edge, measure);
}
