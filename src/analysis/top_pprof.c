/* The layout of `go tool pprof -top`, for people who read that by heart. */
#include "analysis/top.h"

#include "analysis/headline.h"
#include "analysis/pprof_labels.h"

#include <stdlib.h>
#include <string.h>

struct layout {
  const struct hd_series *series;
  const struct hd_top_options *options;
  struct hd_gains *gains;
  struct hd_view *view;
  int64_t base;    /* of the percentages */
  int64_t cutoff;
  size_t dropped, nodes;
};

static int64_t absolute(int64_t value)
{
  return value < 0 ? -value : value;
}

static bool rows(struct layout *layout, struct hd_error *error)
{
  static const struct hd_column columns[] = {
      {"flat", "flat", HD_FOR_ALL, false, 0}, {"flat_percent", "flat%", HD_FOR_ALL, false, 0},
      {"sum_percent", "sum%", HD_FOR_ALL, false, 0}, {"cum", "cum", HD_FOR_ALL, false, 0},
      {"cum_percent", "cum%", HD_FOR_ALL, false, 0}, {"name", "", HD_FOR_ALL, true, 0},
  };
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    if (!hd_vec_push(&layout->view->grid.columns, columns[i]))
      return hd_fail_memory(error);
  int64_t sum = 0;
  double base = layout->base ? (double)layout->base : 1;
  for (size_t i = 0; i < layout->gains->items.count; i++) {
    const struct hd_gain *gain = &layout->gains->items.items[i];
    const struct hd_row *row = &layout->series->rows.items[gain->row];
    const char *name, *place;
    struct hd_cell *cells = hd_grid_add_row(layout->view, HD_TONE_PLAIN);
    if (!cells || !hd_row_name(layout->series, gain->row, &layout->options->names, layout->view,
                               &name, &place))
      return hd_fail_memory(error);
    sum += gain->growth;
    cells[0] = hd_measure_cell(layout->gains->measure, gain->growth, false);
    cells[1] = (struct hd_cell){.kind = HD_CELL_PPROF_RATIO,
                                .number = (double)gain->growth / base};
    cells[2] = (struct hd_cell){.kind = HD_CELL_PPROF_RATIO, .number = (double)sum / base};
    cells[3] = hd_measure_cell(layout->gains->measure, gain->cum_growth, false);
    cells[4] = (struct hd_cell){.kind = HD_CELL_PPROF_RATIO,
                                .number = (double)gain->cum_growth / base};
    const char *inlined = !row->inlined ? "" : row->outlined ? " (partial-inline)" : " (inline)";
    cells[5] = hd_cell_text(hd_view_printf(layout->view, "%s%s", name, inlined));
    if (!cells[5].text)
      return hd_fail_memory(error);
  }
  return true;
}

/* pprof's order: by absolute flat (or cum), then by name. */
static int order(const void *left, const void *right, void *context)
{
  const struct hd_gain *a = left, *b = right;
  const struct layout *sorting = context;
  bool cum = sorting->options->cum;
  int64_t x = absolute(cum ? a->cum_growth : a->growth);
  int64_t y = absolute(cum ? b->cum_growth : b->growth);
  if (x != y)
    return (x < y) - (x > y);
  const struct hd_pool *pool = sorting->series->pool;
  int names = strcmp(hd_pool_text(pool, sorting->series->rows.items[a->row].key.function),
                     hd_pool_text(pool, sorting->series->rows.items[b->row].key.function));
  if (names)
    return names;
  x = absolute(a->cum_growth);
  y = absolute(b->cum_growth);
  return (x < y) - (x > y);
}

static void choose_rows(struct layout *layout)
{
  struct hd_gains *gains = layout->gains;
  int64_t total = 0;
  for (size_t i = 0; i < gains->items.count; i++)
    total += absolute(gains->items.items[i].growth);
  layout->base = hd_pprof_base(layout->series, gains->measure, layout->options->filters,
                               gains->diff ? gains->gross : total);
  layout->cutoff = (int64_t)((double)total * HD_PPROF_NODE_FRACTION);
  size_t kept = 0;
  for (size_t i = 0; i < gains->items.count; i++) {
    struct hd_gain gain = gains->items.items[i];
    if (!gain.growth && !gain.cum_growth)
      continue;
    if (!layout->options->keep_small && absolute(gain.cum_growth) < layout->cutoff)
      layout->dropped++;
    else
      gains->items.items[kept++] = gain;
  }
  gains->items.count = layout->nodes = kept;
  if (kept > 1)
    qsort_r(gains->items.items, kept, sizeof *gains->items.items, order, layout);
  if (layout->options->keep && kept > layout->options->keep)
    gains->items.count = layout->options->keep;
}

bool hd_top_build_pprof(const struct hd_series *series, const struct hd_top_options *options,
                        struct hd_view *view, struct hd_error *error)
{
  struct hd_gains gains;
  if (!hd_gains_compute(series, options->measure, &gains, error))
    return false;
  struct layout layout = {.series = series, .options = options, .gains = &gains, .view = view};
  choose_rows(&layout);
  struct hd_pprof_labels labels = {.measure = options->measure,
                                   .diff = gains.diff,
                                   .base = layout.base,
                                   .filters = options->filters,
                                   .dropped = layout.dropped,
                                   .nodes = layout.nodes,
                                   .shown = gains.items.count};
  int64_t least = 0;
  for (size_t i = 0; i < gains.items.count; i++) {
    labels.sum += gains.items.items[i].growth;
    least = hd_pprof_least(least, gains.items.items[i].growth, gains.items.items[i].cum_growth);
  }
  view->grid.pprof_layout = true;
  view->unit = hd_pprof_unit(least, layout.base);
  bool fine = hd_pprof_labels_build(series, &labels, view, error) && rows(&layout, error);
  hd_gains_deinit(&gains);
  return fine;
}
