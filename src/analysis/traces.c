#include "analysis/tree.h"

#include "analysis/headline.h"
#include "analysis/names.h"
#include "analysis/pprof_labels.h"

#include <stdlib.h>

static int64_t absolute(int64_t value)
{
  return value < 0 ? -value : value;
}

static int by_value(const void *left, const void *right)
{
  const struct hd_gain *a = left, *b = right;
  int64_t x = absolute(a->growth), y = absolute(b->growth);
  return x != y ? (x < y) - (x > y) : (a->row > b->row) - (a->row < b->row);
}

/* The stacks that hold or gained something, the largest first. Returns how many there are. */
static size_t choose(struct hd_gains *gains, size_t keep)
{
  size_t kept = 0;
  for (size_t i = 0; i < gains->items.count; i++)
    if (gains->items.items[i].growth)
      gains->items.items[kept++] = gains->items.items[i];
  if (kept > 1)
    qsort(gains->items.items, kept, sizeof *gains->items.items, by_value);
  gains->items.count = keep && keep < kept ? keep : kept;
  return kept;
}

static bool add_row(const struct hd_series *series, const struct hd_gain *gain,
                    enum hd_measure measure, struct hd_view *view)
{
  struct hd_cell *cells = hd_grid_add_row(view, HD_TONE_PLAIN);
  if (!cells)
    return false;
  cells[0] = hd_measure_cell(measure, gain->growth, false);
  cells[1].kind = HD_CELL_LIST;
  return hd_row_functions(series, gain->row, view, &cells[1].texts, &cells[1].count);
}

/* What pprof does not say: that it is growth, and of how many stacks. */
static bool add_lines(const struct hd_series *series, const struct hd_gains *gains, size_t all,
                      struct hd_view *view, struct hd_error *error)
{
  if (gains->diff &&
      !hd_pprof_line(view,
                     hd_view_printf(view,
                                    "Showing growth from the first to the last of %zu "
                                    "snapshots",
                                    series->points.count),
                     error))
    return false;
  return gains->items.count == all ||
         hd_pprof_line(view,
                       hd_view_printf(view, "Showing top %zu stack%s out of %zu",
                                      gains->items.count, gains->items.count > 1 ? "s" : "", all),
                       error);
}

bool hd_traces_build(const struct hd_series *series, const struct hd_tree_options *options,
                     struct hd_view *view, struct hd_error *error)
{
  struct hd_gains gains;
  if (!hd_gains_compute(series, options->measure, &gains, error))
    return false;
  const struct hd_column columns[] = {
      {gains.diff ? "growth" : "value", gains.diff ? "GROWTH" : hd_measures[gains.measure].title,
       HD_FOR_ALL, false, 0},
      {"stack", "STACK", HD_FOR_ALL, true, 0},
  };
  size_t all = choose(&gains, options->keep);
  view->grid.traces = true;
  bool fine = hd_pprof_profile_lines(series, options->measure, options->filters, view, error) &&
              hd_pprof_filter_lines(options->filters, view, error) &&
              add_lines(series, &gains, all, view, error);
  for (size_t i = 0; fine && i < sizeof columns / sizeof *columns; i++)
    fine = hd_vec_push(&view->grid.columns, columns[i]) || hd_fail_memory(error);
  for (size_t i = 0; fine && i < gains.items.count; i++)
    fine = add_row(series, &gains.items.items[i], options->measure, view) || hd_fail_memory(error);
  hd_gains_deinit(&gains);
  return fine;
}
