#include "analysis/summary.h"

#include "analysis/headline.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* RSS that the heap does not explain is worth a line from this share of the heap's
 * own growth on, and from so many bytes on. */
static const double worth_a_line = .25;
enum { LEAST_UNEXPLAINED = 4 << 20 };

struct hd_summary hd_summarize(const struct hd_judges *judges)
{
  struct hd_summary sum = {0};
  for (size_t row = 0; row < judges->series->rows.count; row++) {
    const struct hd_judgement *of = &judges->rows[row];
    sum.growing += of->verdict == HD_VERDICT_GROWING;
    if (of->verdict != HD_VERDICT_LEAKING)
      continue;
    sum.leaking++;
    sum.rate += of->rate;
    sum.rate_error += of->rate_error * of->rate_error;
    sum.growth += fmax(of->growth, 0);
  }
  sum.rate_error = sqrt(sum.rate_error);
  return sum;
}

struct builder {
  const struct hd_judges *judges;
  struct hd_view *view;
  struct hd_error *error;
  unsigned line;
  bool fine;
};

static void piece(struct builder *builder, const char *before, struct hd_cell cell,
                  const char *after)
{
  struct hd_headline item = {builder->line, before, cell, after, false};
  builder->fine = builder->fine && ((before && after) || hd_fail_memory(builder->error)) &&
                  hd_view_add_headline(builder->view, item, builder->error);
}

static void fact(struct builder *builder, const char *key, struct hd_cell cell)
{
  builder->fine = builder->fine && hd_view_add_fact(builder->view, key, cell, builder->error);
}

static int64_t whole(double value)
{
  return value >= 9e18 ? INT64_MAX : value <= -9e18 ? INT64_MIN : (int64_t)llround(value);
}

static struct hd_cell rate_cell(const struct builder *builder, double rate)
{
  return (struct hd_cell){.kind = HD_CELL_RATE,
                          .objects = hd_measures[builder->judges->measure].unit == HD_UNIT_COUNT,
                          .integer = whole(rate)};
}

/* Of counts that are of bytes, too, "objects"; else each is its own thing. */
static const char *things(enum hd_measure measure)
{
  const struct hd_measure_info *info = &hd_measures[measure];
  if (info->unit == HD_UNIT_BYTES)
    return "";
  return info->sibling == measure ? info->name : "objects";
}

static void leaks(struct builder *builder, const struct hd_summary *sum, int64_t gross)
{
  double share = gross > 0 ? fmin(sum->growth / (double)gross, 1) : 0;
  fact(builder, "leaking_sites", hd_cell_count((int64_t)sum->leaking, false));
  fact(builder, "leaking_rate_per_hour", rate_cell(builder, sum->rate));
  fact(builder, "leaking_rate_interval", rate_cell(builder, HD_NORMAL_95 * sum->rate_error));
  fact(builder, "leaking_share", hd_cell_ratio(share, false));
  builder->line++;
  if (!sum->leaking) {
    piece(builder, "nothing is found to leak", (struct hd_cell){0}, "");
    return;
  }
  const char *sites = hd_view_printf(builder->view, "%zu call site%s leaking ", sum->leaking,
                                     sum->leaking > 1 ? "s are" : " is");
  const char *what = things(builder->judges->measure), *blank = what[0] ? " " : "";
  bool timed = builder->judges->hours > 0;
  struct hd_cell growth = hd_measure_cell(builder->judges->measure, whole(sum->growth), false);
  piece(builder, sites, timed ? rate_cell(builder, sum->rate) : growth,
        hd_view_printf(builder->view, "%s%s%s, ", blank, what, timed ? "/h" : ""));
  piece(builder, "", hd_cell_ratio(share, false), " of the growth");
}

/* The lowest limit that the snapshots know. */
static int64_t own_limit(const struct hd_point *last)
{
  int64_t a = last->limit_cgroup, b = last->limit_rlimit;
  return a > 0 && b > 0 ? (a < b ? a : b) : a > 0 ? a : b > 0 ? b : 0;
}

static int64_t ns_to(double room, double rate)
{
  return whole(fmax(room, 0) / rate * 3600e9);
}

static void time_to_limit(struct builder *builder, const struct hd_summary *sum, int64_t limit)
{
  const struct hd_series *series = builder->judges->series;
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  struct hd_cell empty = {0};
  limit = limit > 0 ? limit : own_limit(last);
  if (builder->judges->measure != HD_INUSE_SPACE || limit <= 0)
    return;
  double used = last->rss >= 0      ? (double)last->rss
                : last->system >= 0 ? (double)last->system
                                    : last->total[HD_INUSE_SPACE];
  double room = (double)limit - used, half = HD_NORMAL_95 * sum->rate_error;
  fact(builder, "limit", hd_cell_bytes(limit, false));
  if (!(sum->rate > 0) || builder->judges->hours <= 0)
    return;
  bool open = sum->rate <= half;
  fact(builder, "limit_in_ns", hd_cell_of(HD_CELL_DURATION, ns_to(room, sum->rate)));
  fact(builder, "limit_earliest_ns",
       hd_cell_of(HD_CELL_DURATION, ns_to(room, sum->rate + half)));
  fact(builder, "limit_latest_ns",
       open ? empty : hd_cell_of(HD_CELL_DURATION, ns_to(room, sum->rate - half)));
  builder->line++;
  if (room <= 0) {
    piece(builder, "the limit of ", hd_cell_bytes(limit, false), " is reached already");
    return;
  }
  piece(builder, "at this rate ", hd_cell_bytes(limit, false), " is reached in ");
  piece(builder, "", hd_cell_of(HD_CELL_DURATION, ns_to(room, sum->rate)), " (");
  piece(builder, open ? "not before " : "",
        hd_cell_of(HD_CELL_DURATION, ns_to(room, sum->rate + half)), open ? ")" : " to ");
  if (!open)
    piece(builder, "", hd_cell_of(HD_CELL_DURATION, ns_to(room, sum->rate - half)), ")");
}

/* Of what a runtime has from the system but not in its heap, what it keeps free is known. */
static void rest_of_system(struct builder *builder, double rest, double free)
{
  if (free < rest / 2) {
    piece(builder, "", (struct hd_cell){0},
          "from the system: stacks, garbage, fragmentation or the runtime's own data");
    return;
  }
  piece(builder, "from the system: ", hd_cell_bytes(whole(free), false),
        " more is free, kept for later");
}

static void outside_heap(struct builder *builder)
{
  const struct hd_series *series = builder->judges->series;
  const struct hd_point *first = &series->points.items[0];
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  bool rss = first->rss >= 0 && last->rss >= 0, system = first->system >= 0 && last->system >= 0;
  if (builder->judges->measure != HD_INUSE_SPACE || (!rss && !system))
    return;
  double heap = last->total[HD_INUSE_SPACE] - first->total[HD_INUSE_SPACE];
  double all = (double)(rss ? last->rss - first->rss : last->system - first->system);
  double rest = all - fmax(heap, 0);
  fact(builder, rss ? "rss_growth_outside_heap" : "system_growth_outside_heap",
       hd_cell_bytes(whole(rest), true));
  if (rest < LEAST_UNEXPLAINED || rest < worth_a_line * heap)
    return;
  builder->line++;
  piece(builder, "the heap does not explain ", hd_cell_bytes(whole(rest), false), " of the ");
  if (rss)
    piece(builder, "", hd_cell_bytes(whole(all), true),
          " of rss: fragmentation, mappings, stacks or another allocator");
  else {
    piece(builder, "", hd_cell_bytes(whole(all), true), " ");
    rest_of_system(builder, rest, (double)(last->system_free - first->system_free));
  }
}

bool hd_summary_build(const struct hd_judges *judges, int64_t gross, int64_t limit,
                      const char *order, struct hd_view *view, struct hd_error *error)
{
  struct builder builder = {.judges = judges, .view = view, .error = error, .fine = true};
  size_t count = judges->series->points.count;
  if (view->headline.count)
    builder.line = view->headline.items[view->headline.count - 1].line;
  if (judges->shaped) {
    struct hd_summary sum = hd_summarize(judges);
    leaks(&builder, &sum, gross);
    time_to_limit(&builder, &sum, limit);
  }
  outside_heap(&builder);
  fact(&builder, "order", hd_cell_text(order));
  builder.line++;
  const struct hd_measure_info *info = &hd_measures[judges->measure];
  bool open = info->nature == HD_NATURE_GAUGE && strcmp(info->kind, "leaks") != 0;
  if (!judges->shaped && open)
    piece(&builder,
          hd_view_printf(view, "%zu snapshots cannot tell a leak from what warms up: from %d on "
                         "there are verdicts, so take %zu more", count, HD_LEAST_POINTS,
                         HD_LEAST_POINTS - count),
          (struct hd_cell){0}, "");
  else
    piece(&builder, hd_view_printf(view, "ordered by %s", order), (struct hd_cell){0}, "");
  return builder.fine;
}
