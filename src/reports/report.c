#include "reports/report.h"

#include "base/units.h"

#include <heapdiff/check.h>

#include <string.h>

#define HD_REPORT(symbol) extern const struct hd_report_format symbol;
#include "reports/reports.def"
#undef HD_REPORT

static const struct hd_report_format *const formats[] = {
#define HD_REPORT(symbol) &symbol,
#include "reports/reports.def"
#undef HD_REPORT
};

/* The i-th of those that print tables, or what a gate found. */
static const char *name_of(size_t i, bool findings)
{
  for (size_t n = 0; n < sizeof formats / sizeof *formats; n++)
    if ((findings ? formats[n]->findings : formats[n]->grid) && !i--)
      return formats[n]->name;
  return NULL;
}

const char *hd_report_name(size_t i)
{
  return name_of(i, false);
}

const char *hd_finding_format_name(size_t i)
{
  return name_of(i, true);
}

const char *hd_unit_name(size_t i)
{
  return i ? hd_byte_units[i - 1] : "auto";
}

static const struct hd_report_format *find(const char *name)
{
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!name || strcmp(formats[i]->name, name) == 0)
      return formats[i];
  return NULL;
}

bool hd_report(const struct hd_view *view, const struct hd_style *style, hd_write_fn write,
               void *context, struct hd_error *error)
{
  static const char *const kinds[] = {"a table", "source", "addresses", "evidence",
                                      "what a check finds"};
  const struct hd_report_format *format = find(style->format);
  if (!format)
    return hd_fail_usage(error, "there is no output format '%s'", style->format);
  if (style->unit && hd_byte_unit_find(style->unit) < -1)
    return hd_fail_usage(error, "there is no unit '%s'", style->unit);
  void (*print)(const struct hd_view *, const struct hd_style *, struct hd_buffer *) =
      view->kind == HD_VIEW_GRID     ? format->grid
      : view->kind == HD_VIEW_SOURCE ? format->source
      : view->kind == HD_VIEW_CHAINS ? format->chains
      : view->kind == HD_VIEW_EVIDENCE ? format->evidence
                                       : format->findings;
  if (!print)
    return hd_fail_usage(error, "format '%s' does not print %s: use text or json", format->name,
                         kinds[view->kind]);
  struct hd_buffer out = HD_BUFFER_INIT;
  out.sink = write;
  out.sink_context = context;
  struct hd_style chosen = *style;
  if (view->unit && (!style->unit || strcmp(style->unit, "auto") == 0))
    chosen.unit = view->unit;
  print(view, &chosen, &out);
  bool fine = hd_buffer_finish(&out) ||
              (out.refused ? hd_fail_internal(error, "the output could not be written")
                           : hd_fail_memory(error));
  hd_buffer_deinit(&out);
  return fine;
}
