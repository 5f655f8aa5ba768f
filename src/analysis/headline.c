#include "analysis/headline.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* 0, unknown, where either is unknown or a hostile file has them too far apart. */
static int64_t between(int64_t first, int64_t last)
{
  int64_t elapsed;
  return first && last && !__builtin_sub_overflow(last, first, &elapsed) ? elapsed : 0;
}

/* But for the "@5" that chooses a snapshot of it. */
static bool same_file(const char *a, const char *b)
{
  const char *x = strrchr(a, '@'), *y = strrchr(b, '@');
  size_t length = x && y && !x[1 + strspn(x + 1, "0123456789")] &&
                          !y[1 + strspn(y + 1, "0123456789")] && x - a == y - b
                      ? (size_t)(x - a)
                      : strlen(a) + 1;
  return strncmp(a, b, length) == 0;
}

int64_t hd_points_elapsed(const struct hd_point *first, const struct hd_point *last)
{
  /* Clocks compare within one boot of a host, and within one file. */
  bool one_clock = first->boot_id && last->boot_id && strcmp(first->boot_id, last->boot_id) == 0;
  one_clock |= same_file(first->path, last->path);
  if (one_clock && first->mono_ns && last->mono_ns)
    return between(first->mono_ns, last->mono_ns);
  return between(first->time_ns, last->time_ns);
}

int64_t hd_series_elapsed(const struct hd_series *series)
{
  return hd_points_elapsed(&series->points.items[0],
                           &series->points.items[series->points.count - 1]);
}

struct hd_cell hd_measure_cell(enum hd_measure measure, int64_t value, bool sign)
{
  switch (hd_measures[measure].unit) {
  case HD_UNIT_BYTES: return hd_cell_bytes(value, sign);
  case HD_UNIT_COUNT: return hd_cell_count(value, sign);
  case HD_UNIT_DURATION: return hd_cell_of(HD_CELL_DURATION, value);
  }
  return (struct hd_cell){0};
}

struct builder {
  struct hd_view *view;
  struct hd_error *error;
  unsigned line;
  bool facts_alone; /* nothing for people */
  bool fine;
};

/* A text of the view, "" and a failure where there was no memory for it. */
static const char *kept(struct builder *builder, const char *text)
{
  if (!text)
    builder->fine = hd_fail_memory(builder->error);
  return text ? text : "";
}

static void piece(struct builder *builder, bool gap, const char *before, struct hd_cell cell,
                  const char *after)
{
  struct hd_headline item = {builder->line, before, cell, after, gap};
  if (builder->fine && (!before || !after))
    builder->fine = hd_fail_memory(builder->error);
  if (builder->facts_alone)
    return;
  builder->fine = builder->fine && hd_view_add_headline(builder->view, item, builder->error);
}

static void words(struct builder *builder, bool gap, const char *text)
{
  piece(builder, gap, text, (struct hd_cell){0}, "");
}

static void fact(struct builder *builder, const char *key, struct hd_cell cell)
{
  builder->fine = builder->fine && hd_view_add_fact(builder->view, key, cell, builder->error);
}

/* As the user called it: /usr/bin/redis-server is a link to something else. */
static const char *program_of(const struct hd_point *point)
{
  if (point->called && hd_base_name(point->called)[0])
    return hd_base_name(point->called);
  return point->program && point->program[0] ? hd_base_name(point->program) : NULL;
}

static void which_program(struct builder *builder, const struct hd_series *series)
{
  const struct hd_point *first = &series->points.items[0];
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  const char *before = program_of(first), *after = program_of(last);
  /* Not every format tells. */
  before = before ? before : after ? after : "unknown program";
  after = after ? after : before;
  const char *program = kept(builder, hd_view_text(builder->view, after));
  if (strcmp(before, after) != 0)
    words(builder, false, hd_view_printf(builder->view, "%s -> %s", before, program));
  else if (last->pid && last->pid == first->pid)
    words(builder, false, hd_view_printf(builder->view, "%s (pid %" PRId64 ")", program,
                                         last->pid));
  else if (last->pid)
    words(builder, false, hd_view_printf(builder->view, "%s (pid %" PRId64 " -> %" PRId64 ")",
                                         program, first->pid, last->pid));
  else
    words(builder, false, program);
  fact(builder, "program", hd_cell_text(program));
  fact(builder, "pid", last->pid ? hd_cell_of(HD_CELL_COUNT, last->pid) : (struct hd_cell){0});
}

static void which_snapshots(struct builder *builder, const struct hd_series *series)
{
  size_t count = series->points.count;
  int64_t elapsed = hd_series_elapsed(series);
  struct hd_cell empty = {0};
  if (count == 1) {
    int64_t time = series->points.items[0].time_ns;
    piece(builder, true, time ? "1 snapshot of " : "1 snapshot",
          time ? hd_cell_of(HD_CELL_TIME, time) : empty, "");
  } else if (elapsed > 0) {
    piece(builder, true, hd_view_printf(builder->view, "%zu snapshots over ", count),
          hd_cell_of(HD_CELL_DURATION, elapsed), "");
  } else {
    words(builder, true, hd_view_printf(builder->view, "%zu snapshots", count));
  }
  fact(builder, "snapshots", hd_cell_of(HD_CELL_COUNT, (int64_t)count));
  fact(builder, "elapsed_ns", elapsed ? hd_cell_of(HD_CELL_DURATION, elapsed) : empty);
}

static void which_measure(struct builder *builder, const struct hd_series *series,
                          enum hd_measure measure)
{
  uint64_t rate = series->points.items[series->points.count - 1].rate;
  bool sampled = hd_measures[measure].noise == HD_NOISE_POISSON;
  const char *name = hd_measures[measure].name;
  if (sampled && rate > 1)
    piece(builder, true, hd_view_printf(builder->view, "%s, sampled every ", name),
          hd_cell_bytes((int64_t)rate, false), "");
  else if (sampled && rate == 1)
    words(builder, true, hd_view_printf(builder->view, "%s, every allocation recorded", name));
  else
    words(builder, true, name);
  fact(builder, "measure", hd_cell_text(name));
  fact(builder, "rate", rate ? hd_cell_of(HD_CELL_BYTES, (int64_t)rate) : (struct hd_cell){0});
}

static int64_t total_at(const struct hd_series *series, size_t point, enum hd_measure measure)
{
  return llround(series->points.items[point].total[measure]);
}

static void totals(struct builder *builder, const struct hd_series *series,
                   enum hd_measure measure)
{
  size_t last = series->points.count - 1;
  int64_t after = total_at(series, last, measure);
  const char *what = measure == HD_INUSE_SPACE ? "heap" : hd_measures[measure].name;
  builder->line++;
  const char *label = hd_view_printf(builder->view, "%s ", what);
  if (!last) {
    piece(builder, false, label, hd_measure_cell(measure, after, false), "");
  } else {
    int64_t before = total_at(series, 0, measure);
    piece(builder, false, label, hd_measure_cell(measure, before, false), " -> ");
    piece(builder, false, "", hd_measure_cell(measure, after, false), "");
    piece(builder, true, "", hd_measure_cell(measure, after - before, true), "");
    if (before > 0)
      piece(builder, false, " (", hd_cell_ratio((double)(after - before) / (double)before, true),
            ")");
    fact(builder, "before", hd_measure_cell(measure, before, false));
    fact(builder, "growth", hd_measure_cell(measure, after - before, true));
  }
  fact(builder, "after", hd_measure_cell(measure, after, false));
}

/* The size of the process; where that is unknown, what its runtime has from the system. */
static void process_size(struct builder *builder, const struct hd_series *series)
{
  const struct hd_point *begin = &series->points.items[0];
  const struct hd_point *end = &series->points.items[series->points.count - 1];
  bool rss = end->rss >= 0;
  int64_t first = rss ? begin->rss : begin->system, last = rss ? end->rss : end->system;
  const char *label = rss ? "rss " : "from the system ";
  if (last < 0)
    return;
  if (series->points.count > 1 && first >= 0) {
    piece(builder, true, label, hd_cell_bytes(first, false), " -> ");
    piece(builder, false, "", hd_cell_bytes(last, false), "");
    fact(builder, rss ? "rss_before" : "system_before", hd_cell_bytes(first, false));
  } else {
    piece(builder, true, label, hd_cell_bytes(last, false), "");
  }
  fact(builder, rss ? "rss_after" : "system_after", hd_cell_bytes(last, false));
}

static void inputs(struct builder *builder, const struct hd_series *series,
                   enum hd_measure measure)
{
  for (size_t i = 0; builder->fine && i < series->points.count; i++) {
    const struct hd_point *point = &series->points.items[i];
    struct hd_input_fact input = {hd_view_text(builder->view, point->path), point->time_ns,
                                  total_at(series, i, measure), point->rss};
    builder->fine = (input.path && hd_vec_push(&builder->view->inputs, input)) ||
                    hd_fail_memory(builder->error);
  }
}

static bool build(struct builder *builder, const struct hd_series *series,
                  enum hd_measure measure, const char *filters)
{
  struct hd_view *view = builder->view;
  which_program(builder, series);
  which_snapshots(builder, series);
  which_measure(builder, series, measure);
  totals(builder, series, measure);
  process_size(builder, series);
  if (filters && filters[0]) {
    builder->line++;
    words(builder, false, hd_view_printf(view, "filtered by %s: TOTAL is what is left", filters));
    fact(builder, "filters", hd_cell_text(kept(builder, hd_view_text(view, filters))));
  }
  inputs(builder, series, measure);
  return builder->fine;
}

bool hd_headline_build(const struct hd_series *series, enum hd_measure measure,
                       const char *filters, struct hd_view *view, struct hd_error *error)
{
  struct builder builder = {.view = view, .error = error, .fine = true};
  return build(&builder, series, measure, filters);
}

bool hd_headline_facts(const struct hd_series *series, enum hd_measure measure,
                       const char *filters, struct hd_view *view, struct hd_error *error)
{
  struct builder builder = {.view = view, .error = error, .facts_alone = true, .fine = true};
  return build(&builder, series, measure, filters);
}
