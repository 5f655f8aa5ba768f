#include "analysis/evidence.h"

#include "analysis/headline.h"
#include "analysis/judged.h"
#include "analysis/list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct teller {
  const struct hd_series *series;
  const struct hd_evidence_options *options;
  struct hd_judges own, *judges;
  struct hd_gains gains;
  struct hd_view *view;
  struct hd_evidence *out;
  bool fine; /* false: want of memory */
};

static const struct hd_cell nothing = {.kind = HD_CELL_EMPTY};

static int64_t whole(double value)
{
  return value >= 9e18 ? INT64_MAX : value <= -9e18 ? INT64_MIN : (int64_t)llround(value);
}

static struct hd_cell number(double value)
{
  return (struct hd_cell){.kind = HD_CELL_NUMBER, .number = value};
}

static struct hd_cell half(const struct teller *teller, double error)
{
  struct hd_cell cell =
      hd_measure_cell(teller->options->measure, whole(HD_NORMAL_95 * error), false);
  cell.interval = true;
  return error > 0 ? cell : nothing;
}

static void fact(struct teller *teller, const char *key, const char *title, struct hd_cell cell)
{
  struct hd_evidence_fact item = {key, title, cell};
  teller->fine = teller->fine && hd_vec_push(&teller->out->facts, item);
}

static void column(struct teller *teller, struct hd_grid *grid, const char *key, const char *title,
                   bool left)
{
  struct hd_column item = {key, title, HD_FOR_ALL, left, 0};
  teller->fine = teller->fine && hd_vec_push(&grid->columns, item);
}

static struct hd_cell *row_in(struct teller *teller, struct hd_grid *grid)
{
  struct hd_cell *cells =
      teller->fine ? hd_grid_add_row_to(teller->view, grid, HD_TONE_PLAIN) : NULL;
  teller->fine = cells != NULL;
  return cells;
}

/* Nobody has waited for a minute: that is not known as 0. */
static struct hd_cell wait(double ns)
{
  return ns > 0 ? hd_measure_cell(HD_LONGEST_WAIT, whole(ns), false) : nothing;
}

/* --- the tables ----------------------------------------------------------------------- */

static enum hd_measure allocations_of(const struct teller *teller)
{
  bool bytes = hd_measures[teller->options->measure].unit == HD_UNIT_BYTES;
  return bytes ? HD_ALLOC_SPACE : HD_ALLOC_OBJECTS;
}

static void tell_series(struct teller *teller, size_t row)
{
  const struct hd_series *series = teller->series;
  enum hd_measure measure = teller->options->measure, allocations = allocations_of(teller);
  struct hd_grid *grid = &teller->out->series;
  bool allocs = series->has[allocations] && allocations != measure;
  column(teller, grid, "after_ns", "AFTER", false);
  column(teller, grid, "value", hd_measures[measure].title, false);
  column(teller, grid, "change", "CHANGE", false);
  if (allocs)
    column(teller, grid, "allocated", "ALLOCATED", false);
  if (teller->judges->clock.steps)
    column(teller, grid, "longest_wait", hd_measures[HD_LONGEST_WAIT].title, false);
  for (size_t i = 0; i < series->points.count; i++) {
    struct hd_cell *cells = row_in(teller, grid);
    if (!cells)
      return;
    double value = hd_series_flat(series, i, row, measure);
    double before = i ? hd_series_flat(series, i - 1, row, measure) : value;
    if (teller->judges->hours > 0)
      cells[0] = hd_cell_of(HD_CELL_DURATION, whole(teller->judges->times[i]));
    cells[1] = hd_measure_cell(measure, whole(value), false);
    cells[2] = i ? hd_measure_cell(measure, whole(value - before), true) : nothing;
    if (teller->judges->clock.steps)
      cells[3 + allocs] = wait(hd_series_flat(series, i, row, HD_LONGEST_WAIT));
    if (allocs && i)
      cells[3] = hd_measure_cell(allocations,
                                 whole(hd_series_flat(series, i, row, allocations) -
                                       hd_series_flat(series, i - 1, row, allocations)),
                                 false);
  }
}

static void tell_chart(struct teller *teller, size_t row)
{
  size_t count = teller->series->points.count;
  double *values = hd_arena_alloc(&teller->view->arena, 2 * count * sizeof *values);
  if (!values) {
    teller->fine = false;
    return;
  }
  for (size_t i = 0; i < count; i++) {
    values[i] = hd_series_flat(teller->series, i, row, teller->options->measure);
    values[count + i] = teller->judges->times[i] / teller->judges->times[count - 1];
  }
  teller->out->values = values;
  teller->out->times = values + count;
  teller->out->count = count;
}

static int by_weight(const void *left, const void *right)
{
  const struct hd_row_cells *a = left, *b = right;
  double x = a->cells[1].number, y = b->cells[1].number;
  return x != y ? (x < y) - (x > y) : strcmp(a->cells[0].text, b->cells[0].text);
}

static void tell_shapes(struct teller *teller, const struct hd_trend *trend)
{
  static const double worth_a_row = .005;
  struct hd_grid *grid = &teller->out->shapes;
  column(teller, grid, "shape", "SHAPE", true);
  column(teller, grid, "weight", "WEIGHT", false);
  column(teller, grid, "leak", "LEAK", true);
  for (int i = 0; i < HD_SHAPES && teller->fine; i++) {
    if (trend->weights[i] < worth_a_row)
      continue;
    struct hd_cell *cells = row_in(teller, grid);
    if (!cells)
      return;
    cells[0] = hd_cell_text(hd_shapes[i].name);
    cells[1] = hd_cell_ratio(trend->weights[i], false);
    cells[2] = hd_cell_of(HD_CELL_BOOL, hd_shapes[i].leak);
  }
  if (grid->rows.count)
    qsort(grid->rows.items, grid->rows.count, sizeof *grid->rows.items, by_weight);
}

/* --- the facts ------------------------------------------------------------------------ */

/* The mean age of a row's live objects at the end: by the recorder's own account, in
 * the middle of its bands (each twice as wide as the one before: 1.5 * 2^k ms). */
static double exact_age(const struct teller *teller, size_t row)
{
  const struct hd_series *series = teller->series;
  const struct hd_class_point *last = &series->points.items[series->points.count - 1].sampled;
  double sum = 0, objects = 0;
  for (size_t i = 0; i < last->ages.count; i++) {
    const struct hd_age_band *band = &last->ages.items[i];
    if (band->row != row)
      continue;
    sum += band->objects * 1.5 * ldexp(1e6, (int)band->log2);
    objects += band->objects;
  }
  return objects > 0 ? sum / objects : -1;
}

/* Little's law (1961): objects that are there, by objects that come a time. */
static double little_age(const struct teller *teller, size_t row)
{
  const struct hd_series *series = teller->series;
  size_t count = series->points.count;
  if (!series->has[HD_INUSE_OBJECTS] || !series->has[HD_ALLOC_OBJECTS] ||
      teller->judges->hours <= 0)
    return -1;
  double came = hd_series_flat(series, count - 1, row, HD_ALLOC_OBJECTS) -
                hd_series_flat(series, 0, row, HD_ALLOC_OBJECTS),
         live = 0;
  for (size_t i = 0; i < count; i++)
    live += hd_series_flat(series, i, row, HD_INUSE_OBJECTS) / (double)count;
  return came > 0 ? live / came * teller->judges->times[count - 1] : -1;
}

static void tell_ages(struct teller *teller, size_t row)
{
  const struct hd_generations *old = &teller->judges->generations;
  double age = exact_age(teller, row);
  if (age >= 0)
    fact(teller, "mean_age_ns", "mean age", hd_cell_of(HD_CELL_DURATION, whole(age)));
  else if ((age = little_age(teller, row)) >= 0)
    fact(teller, "mean_age_ns", "mean age, by Little's law",
         hd_cell_of(HD_CELL_DURATION, whole(age)));
  if (!teller->judges->aged)
    return;
  enum hd_measure measure = teller->options->measure;
  const double *values = old->values + row * old->points;
  fact(teller, "old_age_ns", "old is what lived for",
       hd_cell_of(HD_CELL_DURATION, whole(ldexp(1e6, (int)old->log2))));
  fact(teller, "old_before", "old, as soon as any can be",
       hd_measure_cell(measure, whole(values[0]), false));
  fact(teller, "old_after", "old, at the end",
       hd_measure_cell(measure, whole(values[old->points - 1]), false));
}

static void tell_retention(struct teller *teller, size_t row)
{
  double kappa, rho;
  hd_retention(teller->series, row, &kappa, &rho);
  if (kappa >= 0)
    fact(teller, "kept", "kept of what it allocated here", hd_cell_ratio(kappa, false));
  if (rho >= 0)
    fact(teller, "kept_of_all", "kept of all it ever allocated", hd_cell_ratio(rho, false));
}

static void tell_waits(struct teller *teller, size_t row)
{
  struct hd_waits waits;
  if (!hd_judges_waits(teller->judges, row, &waits))
    return;
  if (waits.first > 0)
    fact(teller, "longest_wait_before", "longest wait, at first", wait(waits.first));
  if (waits.last > 0)
    fact(teller, "longest_wait_after", "longest wait, at the end", wait(waits.last));
  if (waits.woken)
    fact(teller, "woken_at_least", "who waits longest woke, at least",
         hd_cell_count((int64_t)waits.woken, false));
  if (waits.never_woke || waits.woken)
    fact(teller, "never_woke", "who waits longest never woke",
         hd_cell_of(HD_CELL_BOOL, waits.never_woke));
}

static struct hd_cell rate(const struct teller *teller, double value, bool interval)
{
  return (struct hd_cell){.kind = HD_CELL_RATE,
                          .sign = !interval,
                          .interval = interval,
                          .objects = hd_measures[teller->options->measure].unit == HD_UNIT_COUNT,
                          .integer = whole(value)};
}

static void tell_facts(struct teller *teller, size_t row, const struct hd_trend *trend)
{
  const struct hd_judgement *of = &teller->judges->rows[row];
  const struct hd_gain *gain = &teller->gains.items.items[row];
  enum hd_measure measure = teller->options->measure;
  fact(teller, "verdict", "verdict", hd_cell_text(hd_verdict_names[of->verdict]));
  if (of->probability >= 0)
    fact(teller, "probability", "it leaks with", hd_cell_ratio(of->probability, false));
  fact(teller, "score", "score", number(of->score));
  fact(teller, "before", "before", hd_measure_cell(measure, gain->before, false));
  fact(teller, "after", "after", hd_measure_cell(measure, gain->after, false));
  fact(teller, "growth", "growth", hd_measure_cell(measure, gain->growth, true));
  if (of->error > 0) {
    fact(teller, "interval", "by sampling (95%)", half(teller, of->error));
    fact(teller, "sampled_objects", "sampled objects that moved",
         hd_cell_count(whole(of->sampled), false));
  }
  fact(teller, "false_discovery_rate", "grown by chance (q)", number(of->q));
  if (of->has_rate) {
    fact(teller, "rate_per_hour", "rate an hour", rate(teller, of->rate, false));
    if (of->rate_error > 0)
      fact(teller, "rate_interval", "of the rate (95%)",
           rate(teller, HD_NORMAL_95 * of->rate_error, true));
  }
  if (trend) {
    fact(teller, "mann_kendall_p", "does not rise (p)", number(trend->mann_kendall));
    fact(teller, "drawdown", "largest fall, of its range",
         hd_cell_ratio(trend->relative_drawdown, false));
  }
  tell_retention(teller, row);
  tell_waits(teller, row);
  tell_ages(teller, row);
}

/* --- which sites ---------------------------------------------------------------------- */

static bool tell_site(struct teller *teller, size_t row)
{
  struct hd_trend trend;
  struct hd_evidence made = {0};
  if (!hd_vec_push(&teller->view->evidence, made))
    return false;
  teller->out = &teller->view->evidence.items[teller->view->evidence.count - 1];
  if (!hd_row_name(teller->series, row, &teller->options->names, teller->view, &teller->out->name,
                   &teller->out->place))
    return false;
  bool shaped = hd_judges_trend(teller->judges, row, &trend);
  teller->out->why = hd_evidence_why(teller->view, teller->judges, row, shaped ? &trend : NULL);
  teller->fine = teller->out->why != NULL;
  tell_facts(teller, row, shaped ? &trend : NULL);
  tell_series(teller, row);
  tell_chart(teller, row);
  if (shaped)
    tell_shapes(teller, &trend);
  return teller->fine;
}

struct match {
  size_t row;
  double score, growth;
};

static int by_score(const void *left, const void *right)
{
  const struct match *a = left, *b = right;
  if (a->score < b->score || a->score > b->score)
    return a->score < b->score ? 1 : -1;
  if (a->growth < b->growth || a->growth > b->growth)
    return a->growth < b->growth ? 1 : -1;
  return (a->row > b->row) - (a->row < b->row);
}

static bool is_match(const struct teller *teller, size_t row)
{
  const struct hd_gain *gain = &teller->gains.items.items[row];
  uint32_t function = teller->series->rows.items[row].key.function;
  const char *name = hd_pool_text(teller->series->pool, function);
  return (gain->before || gain->after) && name[0] &&
         hd_regex_search(teller->options->pattern, name, strlen(name));
}

static bool tell_all(struct teller *teller, struct hd_error *error)
{
  size_t rows = teller->series->rows.count, count = 0;
  HD_SCOPED_FREE struct match *matches = hd_alloc_zeroed(rows, sizeof *matches);
  if (!matches)
    return hd_fail_memory(error);
  for (size_t row = 0; row < rows; row++) {
    const struct hd_judgement *of = &teller->judges->rows[row];
    if (is_match(teller, row))
      matches[count++] = (struct match){row, of->score, of->growth};
  }
  if (!count) {
    char nearest[512];
    enum hd_measure measure = teller->options->measure;
    bool memory = hd_measures[measure].sibling != measure;
    hd_list_nearest(teller->series, teller->options->pattern_text, nearest, sizeof nearest);
    return hd_fail_usage(error,
                         "no call site with %s in it is in a function that matches "
                         "'%s'%s%s%s",
                         memory ? "memory" : hd_measures[measure].name,
                         teller->options->pattern_text, nearest[0] ? ": did you mean " : "",
                         nearest, nearest[0] ? "?" : "; `heapdiff top` shows which there are");
  }
  qsort(matches, count, sizeof *matches, by_score);
  size_t shown =
      teller->options->keep && count > teller->options->keep ? teller->options->keep : count;
  for (size_t i = 0; i < shown; i++)
    if (!tell_site(teller, matches[i].row))
      return hd_fail_memory(error);
  if (shown == count)
    return true;
  teller->view->footer =
      hd_view_printf(teller->view, "%zu more match: -n 0 shows all", count - shown);
  return teller->view->footer || hd_fail_memory(error);
}

bool hd_evidence_build(const struct hd_series *series, const struct hd_evidence_options *options,
                       struct hd_view *view, struct hd_error *error)
{
  struct teller teller = {.series = series, .options = options, .view = view, .fine = true};
  if (series->points.count < 2)
    return hd_fail_usage(error, "one snapshot shows no growth to explain: name two or more");
  if (hd_measures[options->measure].nature != HD_NATURE_GAUGE)
    return hd_fail_usage(error,
                         "%s only counts up, so there is no leak in it: explain a measure "
                         "of what is in use",
                         hd_measures[options->measure].name);
  bool fine = hd_headline_build(series, options->measure, options->filters, view, error) &&
              hd_gains_compute(series, options->measure, &teller.gains, error) &&
              hd_judged_take(series, options->measure, &teller.own, &teller.judges, error) &&
              tell_all(&teller, error);
  hd_judges_deinit(&teller.own);
  hd_gains_deinit(&teller.gains);
  return fine;
}
