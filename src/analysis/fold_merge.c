/* The end of a fold: its rows become the series'. */
#include "analysis/fold_state.h"

#include "analysis/labels.h"

#include <string.h>

struct merge {
  struct hd_series *series;
  const struct hd_fold *fold;
  const struct hd_profile *profile;
  struct hd_point *point;
  uint32_t *rows;           /* [row of the fold]: row of the series */
  int columns[HD_MEASURES]; /* [column of the series]: the fold's, -1 none */
};

static void match_columns(struct merge *merge)
{
  const struct hd_fold *fold = merge->fold;
  for (size_t i = 0; i < merge->series->columns; i++) {
    enum hd_measure measure = merge->series->measures[i];
    merge->columns[i] = -1;
    for (size_t k = 0; k < fold->columns.count; k++)
      if (fold->columns.measures[k] == measure) {
        merge->columns[i] = (int)k;
        merge->point->total[measure] = fold->total[k];
        merge->point->cut[measure] = fold->cut[k];
        merge->point->unnamed[measure] = fold->unnamed[k];
      }
  }
}

static bool merge_rows(struct merge *merge)
{
  const struct hd_fold *fold = merge->fold;
  for (size_t i = 0; i < fold->rows.count; i++) {
    const struct hd_fold_row *from = &fold->rows.items[i];
    uint32_t id = fold->by == HD_BY_STACK
                      ? hd_row_of_stack(merge->series, fold->stack_labels.items + from->first,
                                        from->count, from->frame)
                      : hd_row_of_label(merge->series, from->label, from->frame);
    if (!id)
      return false;
    struct hd_row *row = &merge->series->rows.items[id - 1];
    row->outlined |= from->outlined;
    row->inlined |= from->inlined;
    merge->rows[i] = id - 1;
  }
  return true;
}

/* Values by numbers of the fold, to those of the series: where[] has the number of each. */
static bool move_values(const struct merge *merge, const double *from, const uint32_t *where,
                        size_t count, struct hd_values *to)
{
  size_t columns = merge->series->columns, end = 0;
  for (size_t i = 0; i < count; i++)
    end = where[i] >= end ? where[i] + (size_t)1 : end;
  if (!end)
    return true;
  if (!hd_vec_reserve(to, end * columns))
    return false;
  memset(to->items, 0, end * columns * sizeof *to->items);
  to->count = end * columns;
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < columns; k++)
      if (merge->columns[k] >= 0)
        to->items[where[i] * columns + k] =
            from[i * merge->fold->columns.count + (size_t)merge->columns[k]];
  return true;
}

static bool merge_edges(struct merge *merge)
{
  const struct hd_fold *fold = merge->fold;
  size_t count = fold->edges.count;
  HD_SCOPED_FREE uint32_t *where = hd_alloc(count * sizeof *where);
  if (!where)
    return false;
  for (size_t i = 0; i < count; i++) {
    const struct hd_edge *edge = &fold->edges.items[i];
    uint32_t id = hd_edge_of(merge->series, merge->rows[edge->outer], merge->rows[edge->inner]);
    if (!id)
      return false;
    where[i] = id - 1;
  }
  return move_values(merge, fold->edge_values.items, where, count, &merge->point->edges);
}

static bool merge_states(struct merge *merge)
{
  const struct hd_states *states = &merge->fold->states;
  const struct hd_strings *strings = &merge->profile->strings;
  for (size_t row = 0; row < states->first.count; row++)
    for (uint32_t id = states->first.items[row]; id; id = states->items.items[id - 1].next) {
      const struct hd_state *state = &states->items.items[id - 1];
      uint32_t text;
      if (!hd_strings_intern(&merge->series->pool->strings, hd_strings_text(strings, state->text),
                             hd_strings_length(strings, state->text), &text) ||
          !hd_states_add(&merge->point->states, merge->rows[row], text, state->count))
        return false;
    }
  return true;
}

static bool merge_all(struct merge *merge)
{
  const struct hd_fold *fold = merge->fold;
  size_t rows = fold->rows.count;
  return merge_rows(merge) &&
         move_values(merge, fold->flat.items, merge->rows, rows, &merge->point->flat) &&
         (!fold->want_cum ||
          move_values(merge, fold->cum.items, merge->rows, rows, &merge->point->cum)) &&
         (!fold->edges.count || merge_edges(merge)) && merge_states(merge) &&
         hd_classes_merge(&merge->series->classes, &merge->point->sampled, &fold->classes,
                          &fold->sampled, merge->rows, fold->records > 0);
}

bool hd_fold_end(struct hd_fold *fold, const struct hd_profile *profile, struct hd_point point,
                 struct hd_error *error)
{
  struct hd_series *series = fold->series;
  hd_series_take_measures(series, fold->has);
  if (!hd_vec_push(&series->points, point))
    return hd_fail_memory(error);
  struct merge merge = {.series = series,
                        .fold = fold,
                        .profile = profile,
                        .point = &series->points.items[series->points.count - 1]};
  merge.rows = hd_alloc((fold->rows.count + 1) * sizeof *merge.rows);
  match_columns(&merge);
  bool fine = merge.rows && merge_all(&merge);
  hd_free(merge.rows);
  return fine || hd_fail_memory(error);
}
