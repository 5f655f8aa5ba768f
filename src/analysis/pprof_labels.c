#include "analysis/pprof_labels.h"

#include "analysis/headline.h"
#include "base/units.h"

#include <math.h>
#include <string.h>
#include <time.h>

bool hd_pprof_line(struct hd_view *view, const char *text, struct hd_error *error)
{
  unsigned line =
      view->headline.count ? view->headline.items[view->headline.count - 1].line + 1 : 0;
  struct hd_headline piece = {.line = line, .before = text, .after = ""};
  if (!text)
    return hd_fail_memory(error);
  return hd_view_add_headline(view, piece, error);
}

/* A piece that goes on with the last line. */
static bool more(struct hd_view *view, const char *before, struct hd_cell cell, const char *after,
                 struct hd_error *error)
{
  unsigned line = view->headline.items[view->headline.count - 1].line;
  if (!before)
    return hd_fail_memory(error);
  return hd_view_add_headline(view, (struct hd_headline){line, before, cell, after, false}, error);
}

bool hd_pprof_profile_lines(const struct hd_series *series, enum hd_measure measure,
                            const char *filters, struct hd_view *view, struct hd_error *error)
{
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  if (!hd_headline_facts(series, measure, filters, view, error))
    return false;
  if (last->program && last->program[0] &&
      !hd_pprof_line(view, hd_view_printf(view, "File: %s", hd_base_name(last->program)), error))
    return false;
  if (!hd_pprof_line(view, hd_view_printf(view, "Type: %s", hd_measures[measure].name), error))
    return false;
  if (!last->time_ns)
    return true;
  char when[64];
  time_t seconds = (time_t)(last->time_ns / 1000000000);
  struct tm tm;
  if (!localtime_r(&seconds, &tm) ||
      !strftime(when, sizeof when, "%b %-d, %Y at %-I:%M%P (%Z)", &tm))
    return true;
  return hd_pprof_line(view, hd_view_printf(view, "Time: %s", when), error);
}

bool hd_pprof_filter_lines(const char *filters, struct hd_view *view, struct hd_error *error)
{
  return !filters[0] || (hd_pprof_line(view, "Active filters:", error) &&
                         hd_pprof_line(view, hd_view_printf(view, "   %s", filters), error));
}

static bool showing_lines(const struct hd_pprof_labels *labels, struct hd_view *view,
                          struct hd_error *error)
{
  enum hd_measure measure = labels->measure;
  double ratio = labels->base ? (double)labels->sum / (double)labels->base : 0;
  char percent[HD_UNITS_TEXT];
  hd_format_percent_pprof(percent, ratio);
  const char *share = hd_view_printf(view, "%s of ", percent + strspn(percent, " "));
  const char *of = labels->diff ? " gross growth" : " total";
  if (!hd_pprof_filter_lines(labels->filters, view, error) ||
      !hd_pprof_line(view, "Showing nodes accounting for ", error) ||
      !more(view, "", hd_measure_cell(measure, labels->sum, false), ", ", error) ||
      !more(view, share, (struct hd_cell){0}, "", error) ||
      !more(view, "", hd_measure_cell(measure, labels->base, false), of, error))
    return false;
  if (labels->dropped && labels->base) {
    int64_t cutoff = (int64_t)((double)labels->base * HD_PPROF_NODE_FRACTION);
    const char *text = hd_view_printf(view, "Dropped %zu node%s (cum <= ", labels->dropped,
                                      labels->dropped > 1 ? "s" : "");
    if (!hd_pprof_line(view, text, error) ||
        !more(view, "", hd_measure_cell(measure, cutoff, false), ")", error))
      return false;
  }
  if (labels->shown >= labels->nodes)
    return true;
  return hd_pprof_line(
      view, hd_view_printf(view, "Showing top %zu nodes out of %zu", labels->shown, labels->nodes),
      error);
}

int64_t hd_pprof_base(const struct hd_series *series, enum hd_measure measure, const char *filters,
                      int64_t sum)
{
  bool filtered = filters[0] && series->points.count == 1;
  return filtered ? llround(series->points.items[0].total[measure]) : sum;
}

bool hd_pprof_labels_build(const struct hd_series *series, const struct hd_pprof_labels *labels,
                           struct hd_view *view, struct hd_error *error)
{
  return hd_pprof_profile_lines(series, labels->measure, labels->filters, view, error) &&
         showing_lines(labels, view, error);
}

static int64_t absolute(int64_t value)
{
  return value < 0 ? -value : value;
}

int64_t hd_pprof_least(int64_t least, int64_t flat, int64_t cum)
{
  int64_t value = absolute(flat ? flat : cum);
  return value && (!least || value < least) ? value : least;
}

const char *hd_pprof_unit(int64_t least, int64_t base)
{
  if (!least)
    least = base;
  bool apart = hd_byte_unit_of(least) != hd_byte_unit_of(base);
  if (apart && least < base / 100)
    least *= 100;
  return hd_byte_units[hd_byte_unit_of(least)];
}
