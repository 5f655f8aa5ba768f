/* Where a finding is, and amounts in words. */
#include "gate/findings.h"

#include "analysis/headline.h"
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Lines of source before and after the one in question. */
enum { AROUND = 2 };

static int64_t whole(double value)
{
  return value >= 9e18 ? INT64_MAX : value <= -9e18 ? INT64_MIN : (int64_t)llround(value);
}

struct hd_cell hd_amount_cell(enum hd_measure measure, double value, bool sign)
{
  return hd_measure_cell(measure, whole(value), sign);
}

const char *hd_amount_text(struct hd_view *view, enum hd_measure measure, double value, bool sign)
{
  char text[HD_UNITS_TEXT];
  if (hd_measures[measure].unit == HD_UNIT_BYTES)
    hd_format_bytes(text, whole(value), -1, sign);
  else
    hd_format_count(text, whole(value), sign);
  return hd_view_text(view, text);
}

/* Below the working directory, or what --trim-path leaves: as the change has it. */
const char *hd_finding_path(struct hd_findings *findings, const char *path)
{
  const struct hd_source_search *search = &findings->options->search;
  path = hd_shown_path(&findings->options->names, path);
  for (size_t i = 0; i < search->trim_count; i++) {
    size_t length = strlen(search->trims[i]);
    if (length && strncmp(path, search->trims[i], length) == 0) {
      path += length;
      path += strspn(path, "/");
      break;
    }
  }
  return hd_view_text(findings->view, path);
}

const char *hd_finding_where(struct hd_view *view, const struct hd_finding *finding)
{
  if (!finding->file)
    return "";
  return finding->line ? hd_view_printf(view, "%s:%" PRIu32, finding->file, finding->line)
                       : finding->file;
}

bool hd_finding_source(struct hd_findings *findings, const char *path, struct hd_finding *finding)
{
  struct hd_source_text text = {0};
  char why[512];
  if (!path[0] || !finding->line ||
      !hd_source_load(path, &findings->options->search, &text, why, sizeof why))
    return true;
  bool fine = true;
  uint32_t from = finding->line > AROUND ? finding->line - AROUND : 1;
  for (uint32_t n = from; fine && n <= finding->line + AROUND && n <= text.lines.count; n++) {
    struct hd_finding_line line = {n, hd_view_text(findings->view, text.lines.items[n - 1])};
    fine = (line.text && hd_vec_push(&finding->source, line)) || hd_fail_memory(findings->error);
  }
  hd_source_text_deinit(&text);
  return fine;
}

/* The functions of a chain, innermost first. */
static bool take_stack(struct hd_findings *findings, const struct hd_side *side, uint32_t row,
                       struct hd_finding *finding)
{
  const struct hd_side_row *item = &side->rows.items[row];
  const char **texts = hd_arena_alloc(&findings->view->arena, item->count * sizeof *texts);
  for (uint32_t i = 0; texts && i < item->count; i++) {
    const struct hd_side_frame *frame =
        hd_side_frame_at(side->frames, side->chain.items[item->first + i]);
    const char *name = hd_strings_text(side->frames->strings, frame->function);
    texts[i] = hd_view_text(findings->view, name[0] ? name : "?");
    if (!texts[i])
      return hd_fail_memory(findings->error);
  }
  finding->stack = texts;
  finding->stack_count = item->count;
  return texts || hd_fail_memory(findings->error);
}

bool hd_finding_place(struct hd_findings *findings, const struct hd_sites *sites, uint32_t site,
                      struct hd_finding *finding)
{
  struct hd_view *view = findings->view;
  if (site == HD_THE_TOTAL) {
    finding->name = "TOTAL";
    return true;
  }
  const struct hd_site *item = &sites->items.items[site];
  const struct hd_side *side = item->gone ? sites->before : sites->after;
  const struct hd_strings *strings = side->frames->strings;
  const char *name = hd_side_name(side, item->row);
  const char *path = hd_strings_text(strings, item->path);
  finding->name = hd_view_text(view, name[0] ? name : "?");
  finding->file = path[0] ? hd_finding_path(findings, path) : NULL;
  finding->line = item->gone ? 0 : item->place;
  if (!finding->name || (path[0] && !finding->file))
    return hd_fail_memory(findings->error);
  return take_stack(findings, side, item->row, finding);
}

static const char *rate_text(struct hd_view *view, uint64_t rate)
{
  char size[HD_UNITS_TEXT];
  if (rate <= 1)
    return rate ? "every allocation" : "at a rate that is not known";
  hd_format_bytes(size, (int64_t)rate, -1, false);
  return hd_view_printf(view, "every %s", size);
}

const char *hd_rates_text(struct hd_view *view, const struct hd_comparison *across)
{
  if (!across->after.sampled && !across->before.sampled)
    return "";
  const char *before = rate_text(view, across->before.rate);
  const char *after = rate_text(view, across->after.rate);
  if (!before || !after)
    return NULL;
  if (across->before.rate > 1 && across->before.rate != across->after.rate)
    return hd_view_printf(view, ", sampled %s and %s", before, after);
  return hd_view_printf(view, ", sampled %s", after);
}

bool hd_base_is_coarse(const struct hd_comparison *comparison)
{
  return !comparison->one_process && comparison->after.rate &&
         comparison->before.rate > comparison->after.rate;
}

static const char *coarse_base(struct hd_view *view, const struct hd_comparison *comparison)
{
  char base[HD_UNITS_TEXT], rate[HD_UNITS_TEXT];
  hd_format_bytes(base, (int64_t)comparison->before.rate, -1, false);
  hd_format_bytes(rate, (int64_t)comparison->after.rate, -1, false);
  return hd_view_printf(view, "the base was sampled every %s: recorded anew with --rate %s it "
                              "tells more", base, comparison->after.rate > 1 ? rate : "1");
}

const char *hd_advice_text(struct hd_view *view, const struct hd_gate_check *check)
{
  const struct hd_comparison *comparison = check->comparison;
  char rate[HD_UNITS_TEXT];
  if (check->outcome != HD_GATE_NOISE)
    return NULL;
  if (hd_base_is_coarse(comparison))
    return coarse_base(view, comparison);
  hd_format_bytes(rate, (int64_t)check->settle_rate, -1, false);
  const char *runs =
      check->settle_runs ? hd_view_printf(view, "%zu runs of each side", check->settle_runs) : "";
  if (!check->settle_rate)
    return check->settle_runs ? hd_view_printf(view, "%s would settle it", runs)
                              : "a larger budget, or more runs of the base, would settle it";
  return hd_view_printf(view, "a sampling --rate of %s%s%s would settle it", rate,
                        runs[0] ? ", or " : "", runs);
}
