#include "analysis/list.h"

#include "analysis/headline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where no function start is known, as in pprof: lines before the first one with
 * values. */
enum { CONTEXT_LINES = 5, MAX_LISTED_LINES = 100000 };

struct amounts {
  int64_t flat_before, flat_after, cum_before, cum_after;
};

/* A row (one line of one function) that belongs to a listing. */
struct entry {
  uint32_t row;
  uint32_t function, file, line, start_line;
  struct amounts amounts;
};

struct listing {
  const struct hd_series *series;
  const struct hd_list_options *options;
  struct hd_view *view;
  struct hd_error *error;
  bool diff;
  int64_t gross;
  HD_VEC(struct entry) entries;
};

static int64_t rounded(double value)
{
  return fabs(value) < 9e18 ? llround(value) : 0;
}

static int64_t growth_flat(const struct amounts *amounts)
{
  return amounts->flat_after - amounts->flat_before;
}

static int64_t growth_cum(const struct amounts *amounts)
{
  return amounts->cum_after - amounts->cum_before;
}

static bool is_nothing(const struct amounts *amounts)
{
  return !amounts->flat_before && !amounts->flat_after && !amounts->cum_before &&
         !amounts->cum_after;
}

static void add_amounts(struct amounts *sum, const struct amounts *amounts)
{
  sum->flat_before += amounts->flat_before;
  sum->flat_after += amounts->flat_after;
  sum->cum_before += amounts->cum_before;
  sum->cum_after += amounts->cum_after;
}

static struct amounts row_amounts(const struct listing *listing, size_t row)
{
  const struct hd_series *series = listing->series;
  enum hd_measure measure = listing->options->measure;
  size_t last = series->points.count - 1;
  struct amounts amounts = {
      .flat_after = rounded(hd_series_flat(series, last, row, measure)),
      .cum_after = rounded(hd_series_cum(series, last, row, measure)),
  };
  if (listing->diff) {
    amounts.flat_before = rounded(hd_series_flat(series, 0, row, measure));
    amounts.cum_before = rounded(hd_series_cum(series, 0, row, measure));
  }
  return amounts;
}

static bool matches(const struct listing *listing, uint32_t function)
{
  const char *name = hd_pool_text(listing->series->pool, function);
  return name[0] && hd_regex_search(listing->options->pattern, name, strlen(name));
}

static bool collect(struct listing *listing)
{
  const struct hd_series *series = listing->series;
  for (size_t row = 0; row < series->rows.count; row++) {
    const struct hd_row *item = &series->rows.items[row];
    struct amounts amounts = row_amounts(listing, row);
    int64_t gain = growth_flat(&amounts);
    if (gain > 0)
      listing->gross += gain;
    if (!matches(listing, item->key.function))
      continue;
    struct entry entry = {(uint32_t)row,  item->key.function, item->key.file,
                          item->key.line, item->start_line,   amounts};
    if (!hd_vec_push(&listing->entries, entry))
      return hd_fail_memory(listing->error);
  }
  return true;
}

/* By function and file, then by line: one function's entries stand together. */
static int by_function(const void *left, const void *right)
{
  const struct entry *a = left, *b = right;
  if (a->function != b->function)
    return a->function < b->function ? -1 : 1;
  if (a->file != b->file)
    return a->file < b->file ? -1 : 1;
  return (a->line > b->line) - (a->line < b->line);
}

static bool same_function(const struct entry *a, const struct entry *b)
{
  return a->function == b->function && a->file == b->file;
}

/* --- cells ------------------------------------------------------------------------ */

static struct hd_cell cell(const struct listing *listing, int64_t value, bool sign)
{
  return hd_measure_cell(listing->options->measure, value, sign && listing->diff);
}

static enum hd_tone tone_of(const struct listing *listing, const struct amounts *amounts)
{
  int64_t cum = growth_cum(amounts);
  if (!listing->diff)
    return amounts->cum_after ? HD_TONE_GREW : HD_TONE_PLAIN;
  return cum > 0 ? HD_TONE_GREW : cum < 0 ? HD_TONE_SHRANK : HD_TONE_PLAIN;
}

static void fill_line(const struct listing *listing, const struct amounts *amounts,
                      struct hd_source_line *line)
{
  line->flat = cell(listing, growth_flat(amounts), true);
  line->cum = cell(listing, growth_cum(amounts), true);
  line->before = cell(listing, amounts->cum_before, false);
  line->after = cell(listing, amounts->cum_after, false);
  line->tone = tone_of(listing, amounts);
}

/* --- inlined code ------------------------------------------------------------------- */

/* Below a line: the call sites inlined into it, with what they hold there. */
static bool add_inlined(struct listing *listing, uint32_t outer,
                        struct hd_source_function *function)
{
  const struct hd_series *series = listing->series;
  enum hd_measure measure = listing->options->measure;
  size_t last = series->points.count - 1;
  for (size_t i = 0; i < series->edges.count; i++) {
    if (series->edges.items[i].outer != outer)
      continue;
    struct amounts amounts = {
        .flat_after = rounded(hd_series_edge(series, last, i, measure)),
        .flat_before = listing->diff ? rounded(hd_series_edge(series, 0, i, measure)) : 0,
    };
    amounts.cum_after = amounts.flat_after;
    amounts.cum_before = amounts.flat_before;
    if (!amounts.cum_after && !amounts.cum_before)
      continue;
    const char *name, *place;
    struct hd_source_line line = {.depth = 1, .text = ""};
    if (!hd_row_name(series, series->edges.items[i].inner, &listing->options->names,
                     listing->view, &name, &place))
      return hd_fail_memory(listing->error);
    line.number = series->rows.items[series->edges.items[i].inner].key.line;
    line.origin = hd_view_printf(listing->view, "%s (inline)  %s", name, place);
    fill_line(listing, &amounts, &line);
    if (!line.origin || !hd_vec_push(&function->lines, line))
      return hd_fail_memory(listing->error);
  }
  return true;
}

/* --- one function -------------------------------------------------------------------- */

struct range {
  uint32_t first, last;
};

/* From the function's start line to the last line that has values. */
static struct range lines_of(const struct entry *entries, size_t count)
{
  struct range range = {UINT32_MAX, 0};
  uint32_t start = 0;
  for (size_t i = 0; i < count; i++) {
    if (!entries[i].line)
      continue;
    if (entries[i].line < range.first)
      range.first = entries[i].line;
    if (entries[i].line > range.last)
      range.last = entries[i].line;
    if (entries[i].start_line && (!start || entries[i].start_line < start))
      start = entries[i].start_line;
  }
  if (!range.last)
    return (struct range){0, 0};
  if (start && start <= range.first)
    range.first = start;
  else
    range.first = range.first > CONTEXT_LINES ? range.first - CONTEXT_LINES : 1;
  if (!start)
    range.last += CONTEXT_LINES;
  if (range.last - range.first > MAX_LISTED_LINES)
    range.first = range.last - MAX_LISTED_LINES;
  return range;
}

static bool add_line(struct listing *listing, uint32_t number, const char *text,
                     const struct entry *entries, size_t count,
                     struct hd_source_function *function)
{
  struct amounts amounts = {0};
  struct hd_source_line line = {.number = number};
  for (size_t i = 0; i < count; i++)
    if (entries[i].line == number)
      add_amounts(&amounts, &entries[i].amounts);
  fill_line(listing, &amounts, &line);
  line.text = hd_view_text(listing->view, text);
  if (!line.text || !hd_vec_push(&function->lines, line))
    return hd_fail_memory(listing->error);
  for (size_t i = 0; i < count; i++)
    if (entries[i].line == number && !add_inlined(listing, entries[i].row, function))
      return false;
  return true;
}

/* Every line of the range with its source; without source only those that have
 * values. */
static bool add_lines(struct listing *listing, const struct entry *entries, size_t count,
                      struct hd_source_function *function)
{
  struct hd_source_text text;
  char why[512] = "no source file is known for it";
  const char *path = hd_pool_text(listing->series->pool, entries->file);
  bool have = path[0] && hd_source_load(path, &listing->options->search, &text, why, sizeof why);
  bool fine = true;
  if (!have) {
    function->missing = hd_view_text(listing->view, why);
    fine = function->missing || hd_fail_memory(listing->error);
    for (size_t i = 0; fine && i < count; i++)
      if (!is_nothing(&entries[i].amounts))
        fine = add_line(listing, entries[i].line, "", entries, count, function);
    return fine;
  }
  if (function->last_line > text.lines.count && function->first_line <= text.lines.count &&
      entries[count - 1].line <= text.lines.count)
    function->last_line = (uint32_t)text.lines.count;
  for (uint32_t n = function->first_line; fine && n && n <= function->last_line; n++) {
    const char *source = n <= text.lines.count ? text.lines.items[n - 1] : "";
    fine = add_line(listing, n, source, entries, count, function);
  }
  if (fine && entries[count - 1].line > text.lines.count) {
    function->missing = hd_view_printf(listing->view, "%s has only %zu lines: it is not the "
                                       "source that was compiled", path, text.lines.count);
    fine = function->missing || hd_fail_memory(listing->error);
  }
  hd_source_text_deinit(&text);
  return fine;
}

static bool add_function(struct listing *listing, const struct entry *entries, size_t count)
{
  const struct hd_pool *pool = listing->series->pool;
  struct amounts sum = {0};
  struct hd_source_function made = {0};
  for (size_t i = 0; i < count; i++)
    add_amounts(&sum, &entries[i].amounts);
  if (is_nothing(&sum))
    return true;
  struct range range = lines_of(entries, count);
  made.first_line = range.first;
  made.last_line = range.last;
  made.name = hd_view_text(listing->view, hd_pool_text(pool, entries->function));
  made.file = hd_view_text(listing->view, hd_pool_text(pool, entries->file));
  made.flat = cell(listing, growth_flat(&sum), true);
  made.cum_weight = sum.cum_after > sum.cum_before ? growth_cum(&sum) : -growth_cum(&sum);
  made.before = cell(listing, sum.flat_before, false);
  made.after = cell(listing, sum.flat_after, false);
  if (listing->gross > 0)
    made.share = hd_cell_ratio((double)growth_flat(&sum) / (double)listing->gross, false);
  if (!made.name || !made.file)
    return hd_fail_memory(listing->error);
  made.shown = hd_shown_path(&listing->options->names, made.file);
  bool fine = add_lines(listing, entries, count, &made);
  if (fine && hd_vec_push(&listing->view->functions, made))
    return true;
  hd_vec_deinit(&made.lines);
  return fine ? hd_fail_memory(listing->error) : false;
}

static int by_gain(const void *left, const void *right)
{
  const struct hd_source_function *a = left, *b = right;
  int64_t x = llabs(a->flat.integer), y = llabs(b->flat.integer);
  if (x == y) {
    x = a->cum_weight;
    y = b->cum_weight;
  }
  return x != y ? (x < y) - (x > y) : strcmp(a->name, b->name);
}

static bool nothing_matches(const struct listing *listing)
{
  char nearest[512];
  hd_list_nearest(listing->series, listing->options->pattern_text, nearest, sizeof nearest);
  return hd_fail_usage(listing->error, "no function with memory in it matches '%s'%s%s%s",
                       listing->options->pattern_text, nearest[0] ? ": did you mean " : "",
                       nearest, nearest[0] ? "?" : "; `heapdiff top` shows which there are");
}

static bool build(struct listing *listing)
{
  if (!collect(listing))
    return false;
  struct entry *entries = listing->entries.items;
  size_t count = listing->entries.count;
  if (count)
    qsort(entries, count, sizeof *entries, by_function);
  for (size_t i = 0, end; i < count; i = end) {
    for (end = i + 1; end < count && same_function(&entries[i], &entries[end]);)
      end++;
    if (!add_function(listing, entries + i, end - i))
      return false;
  }
  if (!listing->view->functions.count)
    return nothing_matches(listing);
  qsort(listing->view->functions.items, listing->view->functions.count,
        sizeof *listing->view->functions.items, by_gain);
  return true;
}

bool hd_list_build(const struct hd_series *series, const struct hd_list_options *options,
                   struct hd_view *view, struct hd_error *error)
{
  struct listing listing = {.series = series,
                            .options = options,
                            .view = view,
                            .error = error,
                            .diff = series->points.count > 1};
  view->diff = listing.diff;
  bool fine = hd_headline_build(series, options->measure, options->filters, view, error) &&
              build(&listing);
  hd_vec_deinit(&listing.entries);
  return fine;
}
