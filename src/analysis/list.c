#include "analysis/list.h"

#include "analysis/growth.h"
#include "analysis/headline.h"
#include "analysis/noise.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where no function start is known, as in pprof: lines before the first one with
 * values. */
enum { CONTEXT_LINES = 5, MAX_LISTED_LINES = 100000 };

struct amounts {
  int64_t flat_before, flat_after, cum_before, cum_after;
  double variance; /* of flat_after - flat_before, by the sampling */
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
  struct hd_gains gains; /* one a row: the figures of `top` */
  struct hd_row_noise *noise; /* by row; NULL: one snapshot */
  HD_VEC(struct entry) entries;
};

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
  sum->variance += amounts->variance;
}

static struct amounts row_amounts(const struct listing *listing, size_t row)
{
  const struct hd_gain *gain = &listing->gains.items.items[row];
  return (struct amounts){gain->before, gain->after, gain->cum_before, gain->cum_after,
                          listing->noise ? listing->noise[row].variance : 0};
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
    if (!matches(listing, item->key.function))
      continue;
    struct entry entry = {(uint32_t)row,  item->key.function, item->key.file,
                          item->key.line, item->start_line,   row_amounts(listing, row)};
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

/* Half of the 95% interval of a growth; empty where it is exact. */
static struct hd_cell interval_of(const struct listing *listing, const struct amounts *amounts)
{
  struct hd_cell none = {0};
  if (amounts->variance <= 0)
    return none;
  double half = HD_NORMAL_95 * sqrt(amounts->variance);
  struct hd_cell made = cell(listing, half < 9e18 ? llround(half) : INT64_MAX, false);
  made.interval = true;
  return made;
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
  line->interval = interval_of(listing, amounts);
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
        .flat_after = llround(hd_series_edge(series, last, i, measure)),
        .flat_before = listing->diff ? llround(hd_series_edge(series, 0, i, measure)) : 0,
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

/* From the function's start line to the last line that has values, of the lines up
 * to `limit`; none: 0. */
static struct range lines_of(const struct entry *entries, size_t count, uint32_t limit)
{
  struct range range = {UINT32_MAX, 0};
  uint32_t start = 0;
  for (size_t i = 0; i < count; i++) {
    if (!entries[i].line || entries[i].line > limit)
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
    range.last += limit - range.last < CONTEXT_LINES ? limit - range.last : CONTEXT_LINES;
  if (range.last - range.first > MAX_LISTED_LINES)
    range.first = range.last - MAX_LISTED_LINES;
  return range;
}

/* How many entries from the first on are of its line. */
static size_t same_line(const struct entry *entries, size_t count)
{
  size_t same = count > 0;
  while (same < count && entries[same].line == entries[0].line)
    same++;
  return same;
}

/* A line and the entries that are of it, any number. */
static bool add_line(struct listing *listing, uint32_t number, const char *text,
                     const struct entry *entries, size_t count,
                     struct hd_source_function *function)
{
  struct amounts amounts = {0};
  struct hd_source_line line = {.number = number};
  for (size_t i = 0; i < count; i++)
    add_amounts(&amounts, &entries[i].amounts);
  fill_line(listing, &amounts, &line);
  line.text = hd_view_text(listing->view, text);
  if (!line.text || !hd_vec_push(&function->lines, line))
    return hd_fail_memory(listing->error);
  for (size_t i = 0; i < count; i++)
    if (!add_inlined(listing, entries[i].row, function))
      return false;
  return true;
}

/* Entries that have values, without source. */
static bool add_bare(struct listing *listing, const struct entry *entries, size_t count,
                     struct hd_source_function *function)
{
  for (size_t i = 0, same; i < count; i += same) {
    struct amounts sum = {0};
    same = same_line(entries + i, count - i);
    for (size_t n = 0; n < same; n++)
      add_amounts(&sum, &entries[i + n].amounts);
    if (!is_nothing(&sum) &&
        !add_line(listing, entries[i].line, "", entries + i, same, function))
      return false;
  }
  return true;
}

/* Every line of the range with its source; what lies outside follows, so that the
 * lines add up to the function. */
static bool add_range(struct listing *listing, const struct entry *entries, size_t count,
                      struct range range, const struct hd_source_text *text,
                      struct hd_source_function *function)
{
  size_t at = 0;
  while (at < count && entries[at].line < range.first)
    at++;
  if (!add_bare(listing, entries, at, function))
    return false;
  for (uint32_t n = range.first; n && n <= range.last; n++) {
    size_t same = at < count && entries[at].line == n ? same_line(entries + at, count - at) : 0;
    if (!add_line(listing, n, text->lines.items[n - 1], entries + at, same, function))
      return false;
    at += same;
  }
  return add_bare(listing, entries + at, count - at, function);
}

static bool add_lines(struct listing *listing, const struct entry *entries, size_t count,
                      struct hd_source_function *function)
{
  struct hd_source_text text;
  char why[512] = "its source file is not known";
  const char *path = hd_pool_text(listing->series->pool, entries->file);
  struct range range = lines_of(entries, count, UINT32_MAX);
  function->first_line = range.first;
  function->last_line = range.last;
  if (!path[0] || !hd_source_load(path, &listing->options->search, &text, why, sizeof why)) {
    function->missing = hd_view_text(listing->view, why);
    return function->missing ? add_bare(listing, entries, count, function)
                             : hd_fail_memory(listing->error);
  }
  bool fine = true;
  range = lines_of(entries, count, (uint32_t)text.lines.count);
  if (range.last) {
    function->first_line = range.first;
    function->last_line = range.last;
  }
  if (entries[count - 1].line > text.lines.count) {
    function->missing = hd_view_printf(listing->view, "%s has only %zu lines: it is not the "
                                       "source that was compiled", path, text.lines.count);
    fine = function->missing || hd_fail_memory(listing->error);
  }
  fine = fine && add_range(listing, entries, count, range, &text, function);
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
  made.name = hd_view_text(listing->view, hd_pool_text(pool, entries->function));
  made.file = hd_view_text(listing->view, hd_pool_text(pool, entries->file));
  made.flat = cell(listing, growth_flat(&sum), true);
  made.interval = interval_of(listing, &sum);
  made.cum_weight = sum.cum_after > sum.cum_before ? growth_cum(&sum) : -growth_cum(&sum);
  made.before = cell(listing, sum.flat_before, false);
  made.after = cell(listing, sum.flat_after, false);
  if (listing->gains.gross > 0)
    made.share =
        hd_cell_ratio((double)growth_flat(&sum) / (double)listing->gains.gross, false);
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
  if (listing->entries.count)
    return hd_fail_usage(listing->error, "no function that matches '%s' holds memory in the first "
                                         "or the last snapshot; `heapdiff top` shows which do",
                         listing->options->pattern_text);
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

static bool take_noise(struct listing *listing)
{
  const struct hd_series *series = listing->series;
  if (!listing->diff)
    return true;
  listing->noise = hd_alloc_zeroed(series->rows.count, sizeof *listing->noise);
  if (!listing->noise)
    return hd_fail_memory(listing->error);
  return hd_noise_between(series, listing->options->measure, 0, series->points.count - 1,
                          listing->noise, listing->error);
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
  view->has_intervals = listing.diff && series->classes.items.count > 0;
  bool fine = hd_headline_build(series, options->measure, options->filters, view, error) &&
              hd_gains_compute(series, options->measure, &listing.gains, error) &&
              take_noise(&listing) && build(&listing);
  hd_free(listing.noise);
  hd_gains_deinit(&listing.gains);
  hd_vec_deinit(&listing.entries);
  return fine;
}
