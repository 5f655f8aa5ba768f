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

static void point_deinit(struct hd_point *point)
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
  point_deinit(&items[point]);
  memmove(items + point, items + point + 1, (--series->points.count - point) * sizeof *items);
}

void hd_series_deinit(struct hd_series *series)
{
  for (size_t i = 0; i < series->points.count; i++)
    point_deinit(&series->points.items[i]);
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
