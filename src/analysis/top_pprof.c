/* The layout of `go tool pprof -top`, for people who read that by heart. */
#include "analysis/top.h"

#include "analysis/headline.h"
#include "base/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* pprof's default: functions whose cum is below this share are left out. */
static const double node_fraction = .005;

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

static bool text_line(struct layout *layout, const char *text, struct hd_error *error)
{
  unsigned line = layout->view->headline.count
                      ? layout->view->headline.items[layout->view->headline.count - 1].line + 1
                      : 0;
  struct hd_headline piece = {.line = line, .before = text, .after = ""};
  if (!text)
    return hd_fail_memory(error);
  return hd_view_add_headline(layout->view, piece, error);
}

/* A piece that goes on with the last line. */
static bool more(struct layout *layout, const char *before, struct hd_cell cell, const char *after,
                 struct hd_error *error)
{
  unsigned line = layout->view->headline.items[layout->view->headline.count - 1].line;
  if (!before)
    return hd_fail_memory(error);
  return hd_view_add_headline(layout->view, (struct hd_headline){line, before, cell, after, false},
                              error);
}

static bool profile_lines(struct layout *layout, struct hd_error *error)
{
  const struct hd_point *last = &layout->series->points.items[layout->series->points.count - 1];
  const char *measure = hd_measures[layout->gains->measure].name;
  if (last->program && last->program[0] &&
      !text_line(layout, hd_view_printf(layout->view, "File: %s", hd_base_name(last->program)),
                 error))
    return false;
  if (!text_line(layout, hd_view_printf(layout->view, "Type: %s", measure), error))
    return false;
  if (!last->time_ns)
    return true;
  char when[64];
  time_t seconds = (time_t)(last->time_ns / 1000000000);
  struct tm tm;
  if (!localtime_r(&seconds, &tm) ||
      !strftime(when, sizeof when, "%b %-d, %Y at %-I:%M%P (%Z)", &tm))
    return true;
  return text_line(layout, hd_view_printf(layout->view, "Time: %s", when), error);
}

static bool showing_lines(struct layout *layout, struct hd_error *error)
{
  enum hd_measure measure = layout->gains->measure;
  int64_t sum = 0;
  for (size_t i = 0; i < layout->gains->items.count; i++)
    sum += layout->gains->items.items[i].growth;
  double ratio = layout->base ? (double)sum / (double)layout->base : 0;
  char percent[HD_UNITS_TEXT];
  hd_format_percent_pprof(percent, ratio);
  const char *share = hd_view_printf(layout->view, "%s of ", percent + strspn(percent, " "));
  const char *of = layout->gains->diff ? " gross growth" : " total";
  if (!text_line(layout, "Showing nodes accounting for ", error) ||
      !more(layout, "", hd_measure_cell(measure, sum, false), ", ", error) ||
      !more(layout, share, (struct hd_cell){0}, "", error) ||
      !more(layout, "", hd_measure_cell(measure, layout->base, false), of, error))
    return false;
  if (layout->dropped) {
    const char *text = hd_view_printf(layout->view, "Dropped %zu node%s (cum <= ", layout->dropped,
                                      layout->dropped > 1 ? "s" : "");
    if (!text_line(layout, text, error) ||
        !more(layout, "", hd_measure_cell(measure, layout->cutoff, false), ")", error))
      return false;
  }
  if (layout->gains->items.count >= layout->nodes)
    return true;
  return text_line(layout, hd_view_printf(layout->view, "Showing top %zu nodes out of %zu",
                                          layout->gains->items.count, layout->nodes), error);
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

/* pprof's "minimum" unit: one for the whole table, that of the smallest value,
 * unless that is below a hundredth of the total. */
static const char *choose_unit(const struct layout *layout)
{
  int64_t least = 0;
  for (size_t i = 0; i < layout->gains->items.count; i++) {
    const struct hd_gain *gain = &layout->gains->items.items[i];
    int64_t value = absolute(gain->growth ? gain->growth : gain->cum_growth);
    if (value && (!least || value < least))
      least = value;
  }
  if (!least)
    least = layout->base;
  bool apart = hd_byte_unit_of(least) != hd_byte_unit_of(layout->base);
  if (apart && least < layout->base / 100)
    least *= 100;
  return hd_byte_units[hd_byte_unit_of(least)];
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
  layout->base = gains->diff ? gains->gross : total;
  layout->cutoff = (int64_t)((double)total * node_fraction);
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
  view->grid.pprof_layout = true;
  view->unit = choose_unit(&layout);
  bool fine = profile_lines(&layout, error) && showing_lines(&layout, error) &&
              rows(&layout, error);
  hd_gains_deinit(&gains);
  return fine;
}
