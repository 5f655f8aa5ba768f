#include "analysis/top.h"

#include "analysis/headline.h"
#include "analysis/judged.h"
#include "analysis/summary.h"
#include "analysis/top_table.h"
#include "base/buffer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const struct hd_cell nothing = {.kind = HD_CELL_EMPTY};

static const struct hd_row *row_of(const struct table *table, const struct hd_gain *gain)
{
  return &table->series->rows.items[gain->row];
}

static struct hd_cell text_cell(struct table *table, const char *text)
{
  const char *kept = text ? hd_view_text(table->view, text) : NULL;
  table->short_of_memory |= text && !kept;
  return hd_cell_text(kept);
}

static struct hd_cell growth_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_measure_cell(table->gains->measure, gain->growth, true);
}

static struct hd_cell last_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_measure_cell(table->gains->measure, gain->since_last, true);
}

static struct hd_cell cum_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_measure_cell(table->gains->measure, gain->cum_growth, table->gains->diff);
}

/* Of the gross growth, the sum of all rows that grew; of one snapshot, of its
 * total. */
static struct hd_cell share_cell(struct table *table, const struct hd_gain *gain)
{
  int64_t value = table->options->cum ? gain->cum_growth : gain->growth;
  int64_t base = table->gains->gross;
  return base > 0 ? hd_cell_ratio((double)value / (double)base, false) : nothing;
}

static struct hd_cell before_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_measure_cell(table->gains->measure, gain->before, false);
}

static struct hd_cell after_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_measure_cell(table->gains->measure, gain->after, false);
}

static struct hd_cell objects_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_measure_cell(table->gains->objects, gain->objects_growth, table->gains->diff);
}

static int64_t value_beside(const struct table *table, uint32_t row, enum hd_measure measure)
{
  size_t last = table->series->points.count - 1;
  return llround(hd_series_flat(table->series, last, row, measure));
}

/* What else is known of the row, as it is at the end. Of a sum 0 is known, too; a
 * longest of nothing is none. */
static struct hd_cell beside_cell(struct table *table, const struct hd_gain *gain)
{
  enum hd_measure measure = table->column->measure;
  int64_t value = value_beside(table, gain->row, measure);
  return value > 0 || hd_measures[measure].merge == HD_MERGE_SUM
             ? hd_measure_cell(measure, value, false)
             : nothing;
}

/* Its sum over all rows, or over those that are not shown. */
static struct hd_cell beside_sum(const struct table *table, enum hd_measure measure, bool others)
{
  int64_t sum = 0;
  if (hd_measures[measure].merge != HD_MERGE_SUM)
    return nothing;
  for (uint32_t row = 0; row < table->series->rows.count; row++)
    sum += value_beside(table, row, measure);
  for (size_t i = 0; others && i < table->gains->items.count; i++)
    sum -= value_beside(table, table->gains->items.items[i].row, measure);
  return hd_measure_cell(measure, sum, false);
}

static struct hd_cell state_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_series *series = table->series;
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  struct hd_buffer words = HD_BUFFER_INIT;
  hd_states_say(&last->states, series->pool, gain->row, &words);
  struct hd_cell cell = words.length ? text_cell(table, words.data) : nothing;
  table->short_of_memory |= words.failed;
  hd_buffer_deinit(&words);
  return cell;
}

static struct hd_cell values_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_series *series = table->series;
  size_t count = series->points.count;
  double *points = hd_arena_alloc(&table->view->arena, count * sizeof *points);
  if (!points) {
    table->short_of_memory = true;
    return nothing;
  }
  for (size_t i = 0; i < count; i++)
    points[i] = hd_series_flat(series, i, gain->row, table->gains->measure);
  return (struct hd_cell){.kind = HD_CELL_SPARK, .points = points, .count = count};
}

/* A row that a snapshot leaves out because it is below the format's threshold is
 * not known to be absent; and after the process's start everything is new. */
static const char *mark_of(const struct table *table, const struct hd_gain *gain)
{
  const struct hd_series *series = table->series;
  if (!table->gains->diff)
    return NULL;
  const struct hd_point *first = &series->points.items[0];
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  if (!gain->before && gain->after > 0 && !first->threshold && !first->at_start)
    return "NEW";
  if (gain->before > 0 && !gain->after && !last->threshold)
    return "GONE";
  return NULL;
}

static bool can_inline(const struct table *table)
{
  return table->series->by == HD_BY_SITE || table->series->by == HD_BY_FUNCTION;
}

/* A whole stack on one line, site first. */
static const char *stack_words(struct table *table, const struct hd_gain *gain)
{
  const char *const *texts;
  size_t count;
  struct hd_buffer words = HD_BUFFER_INIT;
  if (!hd_row_stack(table->series, gain->row, &table->options->names, table->view, &texts, &count))
    return NULL;
  for (size_t i = 0; i < count; i++)
    hd_buffer_printf(&words, "%s%s", i ? " < " : "", texts[i]);
  const char *kept = words.failed ? NULL : hd_view_text(table->view, hd_buffer_text(&words));
  hd_buffer_deinit(&words);
  return kept;
}

static struct hd_cell site_cell(struct table *table, const struct hd_gain *gain)
{
  const char *mark = mark_of(table, gain);
  if (table->series->by == HD_BY_STACK) {
    table->name = stack_words(table, gain);
    table->place = NULL;
    table->short_of_memory |= !table->name;
  }
  bool inlined = can_inline(table) && !row_of(table, gain)->outlined;
  const char *text = hd_view_printf(table->view, "%s%s%s%s%s", table->name,
                                    inlined ? " (inline)" : "", mark ? " [" : "", mark ? mark : "",
                                    mark ? "]" : "");
  struct hd_cell cell = hd_cell_text(text);
  table->short_of_memory |= !text;
  cell.tail = table->place;
  return cell;
}

static struct hd_cell function_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_label_key *key = &row_of(table, gain)->key;
  return key->function ? text_cell(table, hd_pool_text(table->series->pool, key->function))
                       : nothing;
}

static struct hd_cell file_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_label_key *key = &row_of(table, gain)->key;
  return key->file ? text_cell(table, hd_pool_text(table->series->pool, key->file)) : nothing;
}

static struct hd_cell line_cell(struct table *table, const struct hd_gain *gain)
{
  uint32_t line = row_of(table, gain)->key.line;
  return line ? hd_cell_of(HD_CELL_COUNT, line) : nothing;
}

static struct hd_cell module_cell(struct table *table, const struct hd_gain *gain)
{
  uint32_t module = row_of(table, gain)->key.module;
  if (!module)
    return nothing;
  const struct hd_pool *pool = table->series->pool;
  return text_cell(table, hd_pool_text(pool, pool->modules.items[module - 1].path));
}

static struct hd_cell name_cell(struct table *table, const struct hd_gain *gain)
{
  (void)gain;
  return hd_cell_text(table->name);
}

static struct hd_cell inline_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_cell_of(HD_CELL_BOOL, can_inline(table) && !row_of(table, gain)->outlined);
}

static struct hd_cell mark_cell(struct table *table, const struct hd_gain *gain)
{
  return hd_cell_text(mark_of(table, gain));
}

static struct hd_cell stack_cell(struct table *table, const struct hd_gain *gain)
{
  struct hd_cell cell = {.kind = HD_CELL_LIST};
  table->short_of_memory |= !hd_row_stack(table->series, gain->row, &table->options->names,
                                          table->view, &cell.texts, &cell.count);
  return cell;
}

enum { MAX_COLUMNS = 32 };

/* --- which columns -------------------------------------------------------------- */

static bool add_column(struct table *table, struct column *columns, size_t *count,
                       struct column column)
{
  if (*count == MAX_COLUMNS)
    return true;
  columns[(*count)++] = column;
  struct hd_column shown = {column.key, column.title, column.audience, column.left,
                            column.spare};
  return hd_vec_push(&table->view->grid.columns, shown);
}

static bool add_beside(struct table *table, struct column *columns, size_t *count)
{
  for (int i = 0; i < HD_MEASURES; i++) {
    const struct hd_measure_info *info = &hd_measures[i];
    struct column column = {info->name, info->title, HD_FOR_ALL, false, beside_cell, 0,
                            (enum hd_measure)i};
    if ((int)info->beside != i && info->beside == table->gains->measure &&
        table->series->has[i] && !add_column(table, columns, count, column))
      return false;
  }
  return true;
}

static bool choose_columns(struct table *table, struct column *columns, size_t *count)
{
  const struct hd_gains *gains = table->gains;
  const struct hd_point *last =
      &table->series->points.items[table->series->points.count - 1];
  const char *value = hd_measures[gains->measure].title;
  bool judged = table->judges && table->judges->shaped;
  bool sampled = table->series->classes.items.count > 0;
  unsigned narrow = table->options->since_last; /* the course says more than the error */
  static const char *const titles[] = {
      [HD_BY_SITE] = "CALL SITE", [HD_BY_FUNCTION] = "FUNCTION", [HD_BY_LINE] = "LINE",
      [HD_BY_FILE] = "FILE",      [HD_BY_MODULE] = "MODULE",     [HD_BY_STACK] = "STACK"};
  const struct {
    bool wanted;
    struct column column;
  } all[] = {
      {gains->diff, {"growth", "GROWTH", HD_FOR_ALL, false, growth_cell, 0, 0}},
      {gains->diff,
       {"interval", "", sampled ? HD_FOR_ALL : HD_FOR_PROGRAMS, true, hd_top_interval_cell, narrow, 0}},
      {gains->diff && table->options->since_last,
       {"since_last", "LAST", HD_FOR_ALL, false, last_cell, 0, 0}},
      {!gains->diff, {"value", value, HD_FOR_ALL, false, after_cell, 0, 0}},
      {table->options->cum, {"cum", "CUM", HD_FOR_ALL, false, cum_cell, 0, 0}},
      {true, {"share", "SHARE", HD_FOR_ALL, false, share_cell, 4, 0}},
      {gains->diff, {"rate_per_hour", "RATE/h", HD_FOR_ALL, false, hd_top_rate_cell, 2, 0}},
      {judged,
       {"rate_interval", "", HD_FOR_ALL, true, hd_top_rate_interval_cell, 1, 0}},
      {gains->diff, {"before", "BEFORE", HD_FOR_ALL, false, before_cell, 3, 0}},
      {gains->diff, {"after", "AFTER", HD_FOR_ALL, false, after_cell, 5, 0}},
      {gains->has_objects,
       {gains->diff ? "objects_growth" : "objects", "OBJECTS", HD_FOR_ALL, false, objects_cell,
        2, 0}},
      {last->states.items.count > 0, {"state", "STATE", HD_FOR_ALL, true, state_cell, 0, 0}},
      {gains->diff,
       {"verdict", "VERDICT", judged ? HD_FOR_ALL : HD_FOR_PROGRAMS, true, hd_top_verdict_cell, 0,
        0}},
      {gains->diff, {"probability", "", HD_FOR_PROGRAMS, true, hd_top_probability_cell, 0, 0}},
      {gains->diff, {"score", "", HD_FOR_PROGRAMS, true, hd_top_score_cell, 0, 0}},
      {gains->diff,
       {"sampled_objects", "", HD_FOR_PROGRAMS, true, hd_top_sampled_cell, 0, 0}},
      {gains->diff, {"within_noise", "", HD_FOR_PROGRAMS, true, hd_top_noise_cell, 0, 0}},
      {table->series->points.count > 2, {"values", "", HD_FOR_ALL, true, values_cell, narrow ? 0 : 6,
        0}},
      {true, {"name", "", HD_FOR_PROGRAMS, true, name_cell, 0, 0}},
      {true, {"site", titles[table->series->by], HD_FOR_PEOPLE, true, site_cell, 0, 0}},
      {true, {"function", "", HD_FOR_PROGRAMS, true, function_cell, 0, 0}},
      {true, {"file", "", HD_FOR_PROGRAMS, true, file_cell, 0, 0}},
      {true, {"line", "", HD_FOR_PROGRAMS, true, line_cell, 0, 0}},
      {true, {"module", "", HD_FOR_PROGRAMS, true, module_cell, 0, 0}},
      {can_inline(table), {"inline", "", HD_FOR_PROGRAMS, true, inline_cell, 0, 0}},
      {gains->diff, {"mark", "", HD_FOR_PROGRAMS, true, mark_cell, 0, 0}},
      {table->series->by == HD_BY_STACK, {"stack", "", HD_FOR_PROGRAMS, true, stack_cell, 0, 0}},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].column.cell == state_cell && !add_beside(table, columns, count))
      return false;
    if (all[i].wanted && !add_column(table, columns, count, all[i].column))
      return false;
  }
  return true;
}

/* --- rows ------------------------------------------------------------------------ */

static bool fill_rows(struct table *table, const struct column *columns, size_t count)
{
  for (size_t i = 0; i < table->gains->items.count; i++) {
    const struct hd_gain *gain = &table->gains->items.items[i];
    enum hd_tone tone = !table->gains->diff ? HD_TONE_PLAIN
                        : gain->growth > 0  ? HD_TONE_GREW
                        : gain->growth < 0  ? HD_TONE_SHRANK
                                            : HD_TONE_FAINT;
    struct hd_cell *cells = hd_grid_add_row(table->view, tone);
    if (!cells || !hd_row_name(table->series, gain->row, &table->options->names, table->view,
                               &table->name, &table->place))
      return false;
    for (size_t c = 0; c < count; c++) {
      table->column = &columns[c];
      cells[c] = columns[c].cell(table, gain);
    }
    if (table->short_of_memory)
      return false;
  }
  return true;
}

/* A summing row: the cells that are sums, and a name. `others`: not the total. */
static bool fill_sum(struct table *table, const struct column *columns, size_t count,
                     const struct hd_gain *sum, bool others, const char *name,
                     struct hd_row_cells *row)
{
  row->cells = hd_grid_make_cells(table->view);
  row->tone = HD_TONE_PLAIN;
  if (!row->cells || !name)
    return false;
  for (size_t c = 0; c < count; c++) {
    bool sums = columns[c].cell == growth_cell || columns[c].cell == before_cell ||
                columns[c].cell == after_cell || columns[c].cell == objects_cell ||
                columns[c].cell == hd_top_rate_cell || columns[c].cell == last_cell ||
                (columns[c].cell == share_cell && others && !table->options->cum);
    if (sums)
      row->cells[c] = columns[c].cell(table, sum);
    else if (columns[c].cell == beside_cell)
      row->cells[c] = beside_sum(table, columns[c].measure, others);
    else if (columns[c].cell == site_cell || columns[c].cell == name_cell)
      row->cells[c] = hd_cell_text(name);
  }
  return true;
}

static void subtract(struct hd_gain *from, const struct hd_gain *gain)
{
  from->before -= gain->before;
  from->after -= gain->after;
  from->growth -= gain->growth;
  from->since_last -= gain->since_last;
  from->objects_before -= gain->objects_before;
  from->objects_after -= gain->objects_after;
  from->objects_growth -= gain->objects_growth;
}

/* What of the total the rows leave, as at most two sums: what is within the noise
 * (`noise`, of `noisy` rows) and the others. */
static bool fill_sums(struct table *table, const struct column *columns, size_t count,
                      const struct hd_gain *noise, size_t noisy, size_t others)
{
  struct hd_grid *grid = &table->view->grid;
  struct hd_gain rest = table->gains->total;
  rest.is_sum = true;
  for (size_t i = 0; i < table->gains->items.count; i++)
    subtract(&rest, &table->gains->items.items[i]);
  if (noisy) {
    const char *name = hd_view_printf(table->view, "[%zu%s%s within sampling noise]", noisy,
                                      table->gains->items.count ? " other" : "",
                                      table->gains->items.count && noisy > 1 ? "s" : "");
    subtract(&rest, noise);
    grid->has_noise = true;
    if (!fill_sum(table, columns, count, noise, true, name, &grid->noise))
      return false;
  }
  if (others) {
    const char *name = hd_view_printf(table->view, "[%zu other%s]", others, others > 1 ? "s" : "");
    grid->has_others = true;
    if (!fill_sum(table, columns, count, &rest, true, name, &grid->others))
      return false;
  }
  struct hd_gain total = table->gains->total;
  total.is_sum = true;
  grid->has_total = true;
  return fill_sum(table, columns, count, &total, false, "TOTAL", &grid->total);
}

/* "heapdiff list NAME", quoted for a shell and as a regular expression. */
static const char *next_step(struct table *table)
{
  if (!table->gains->items.count ||
      (table->series->by != HD_BY_SITE && table->series->by != HD_BY_FUNCTION))
    return "";
  const struct hd_row *row = row_of(table, &table->gains->items.items[0]);
  const char *function = hd_pool_text(table->series->pool, row->key.function);
  if (!function[0])
    return "";
  if (strspn(function, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:.-/") ==
      strlen(function))
    return hd_view_printf(table->view, "next: heapdiff list %s", function);
  if (strchr(function, '\''))
    return "";
  char quoted[512];
  size_t used = 0;
  for (const char *c = function; *c; c++) {
    if (used + 3 > sizeof quoted || (unsigned char)*c < ' ')
      return "";
    if (strchr("\\^$.|?*+()[]{}", *c))
      quoted[used++] = '\\';
    quoted[used++] = *c;
  }
  return hd_view_printf(table->view, "next: heapdiff list '%.*s'", (int)used, quoted);
}

static size_t rows_with_values(const struct hd_gains *gains)
{
  size_t count = 0;
  for (size_t i = 0; i < gains->items.count; i++) {
    const struct hd_gain *gain = &gains->items.items[i];
    count += gain->before || gain->after || gain->objects_before || gain->objects_after;
  }
  return count;
}

/* The order that the user asked for; else, of what is judged, by score. */
static enum hd_sort order_of(const struct table *table)
{
  enum hd_sort sort = table->options->sort;
  if (sort != HD_SORT_DEFAULT)
    return sort;
  return table->options->cum ? HD_SORT_CUM : table->judges ? HD_SORT_SCORE : HD_SORT_GROWTH;
}

static const char *order_words(const struct table *table, enum hd_sort sort)
{
  if (sort != HD_SORT_SCORE)
    return hd_sort_names[sort];
  return table->judges->shaped ? "leak score" : "growth less its error";
}

static bool build(struct table *table, struct hd_gains *gains, struct hd_error *error)
{
  struct column columns[MAX_COLUMNS];
  struct hd_gain noise = {0};
  size_t count = 0, all = rows_with_values(gains), noisy = 0;
  enum hd_sort sort = order_of(table);
  if (table->judges) {
    hd_top_judge(table->judges, gains);
    if (!hd_summary_build(table->judges, gains->gross, table->options->limit,
                          order_words(table, sort), table->view, error))
      return false;
  }
  if (table->options->keep && hd_sort_is_of_gains(sort) && sort != HD_SORT_CUM)
    noisy = hd_top_within_noise(gains, &noise);
  if (!hd_gains_rank(gains, table->series, sort, table->options->keep, error))
    return false;
  size_t shown = rows_with_values(gains);
  if (!choose_columns(table, columns, &count) || !fill_rows(table, columns, count) ||
      !fill_sums(table, columns, count, &noise, noisy, all - shown - noisy))
    return hd_fail_memory(error);
  table->view->footer = next_step(table);
  return table->view->footer || hd_fail_memory(error);
}

bool hd_top_build(const struct hd_series *series, const struct hd_top_options *options,
                  struct hd_view *view, struct hd_error *error)
{
  struct hd_gains gains;
  struct hd_judges own = {0}, *judges = NULL;
  if (!hd_headline_build(series, options->measure, options->filters, view, error) ||
      !hd_gains_compute(series, options->measure, &gains, error))
    return false;
  struct table table = {.series = series, .options = options, .gains = &gains, .view = view};
  bool fine = !gains.diff || hd_judged_take(series, options->measure, &own, &judges, error);
  table.judges = judges;
  fine = fine && build(&table, &gains, error);
  hd_judges_deinit(&own);
  hd_gains_deinit(&gains);
  return fine;
}
