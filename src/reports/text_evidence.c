/* The evidence on call sites for people. */
#include "reports/text.h"

#include <math.h>
#include <string.h>

enum { CHART_WIDTH = 60, CHART_HEIGHT = 8, LEVELS = 8 };

/* The value at a time from 0 to 1: that of the last snapshot until then. */
static double value_at(const struct hd_evidence *evidence, double time)
{
  size_t i = 0;
  while (i + 1 < evidence->count && evidence->times[i + 1] <= time + 1e-9)
    i++;
  return evidence->values[i];
}

static void put_bar(struct hd_buffer *out, double filled, const struct hd_style *style)
{
  static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  int level = (int)(fmin(fmax(filled, 0), 1) * LEVELS + .5);
  if (style->ascii)
    hd_buffer_puts(out, level >= LEVELS / 2 ? "#" : level ? "." : " ");
  else
    hd_buffer_puts(out, bars[level]);
}

/* Bars from 0 up to the largest value, time from left to right. */
static void put_chart(const struct hd_evidence *evidence, const struct hd_cell *like,
                      const struct hd_style *style, struct hd_buffer *out)
{
  double most = 0;
  for (size_t i = 0; i < evidence->count; i++)
    most = fmax(most, evidence->values[i]);
  if (most <= 0)
    return;
  hd_buffer_puts(out, "\n");
  struct hd_buffer label = HD_BUFFER_INIT;
  struct hd_cell top = *like;
  top.integer = llround(most);
  hd_cell_print(&top, style, &label);
  size_t width = hd_text_width(hd_buffer_text(&label));
  for (int line = CHART_HEIGHT; line-- > 0;) {
    hd_text_pad(out,
                line == CHART_HEIGHT - 1 ? hd_buffer_text(&label)
                : line                   ? ""
                                         : "0",
                width, false);
    hd_buffer_puts(out, style->ascii ? " |" : " ┤");
    for (int x = 0; x < CHART_WIDTH; x++) {
      double value = value_at(evidence, (double)x / (CHART_WIDTH - 1));
      put_bar(out, value / most * CHART_HEIGHT - line, style);
    }
    while (out->length && out->data[out->length - 1] == ' ')
      out->data[--out->length] = '\0';
    hd_buffer_puts(out, "\n");
  }
  out->failed |= label.failed;
  hd_buffer_deinit(&label);
}

static void put_facts(const struct hd_evidence *evidence, const struct hd_style *style,
                      struct hd_buffer *out)
{
  enum { GAP = 2 };
  size_t width = 0;
  for (size_t i = 0; i < evidence->facts.count; i++) {
    size_t own = hd_text_width(evidence->facts.items[i].title);
    width = own > width ? own : width;
  }
  for (size_t i = 0; i < evidence->facts.count; i++) {
    hd_text_pad(out, evidence->facts.items[i].title, width + GAP, true);
    hd_cell_print(&evidence->facts.items[i].cell, style, out);
    hd_buffer_puts(out, "\n");
  }
}

static void put_site(const struct hd_evidence *evidence, const struct hd_style *style,
                     struct hd_buffer *out)
{
  hd_buffer_puts(out, "\n");
  hd_print_clean(out, evidence->name);
  hd_buffer_puts(out, evidence->place[0] ? "  " : "");
  hd_print_clean(out, evidence->place);
  hd_buffer_puts(out, "\n");
  hd_print_clean(out, evidence->why);
  hd_buffer_puts(out, "\n\n");
  put_facts(evidence, style, out);
  if (evidence->series.rows.count)
    put_chart(evidence, &evidence->series.rows.items[0].cells[1], style, out);
  hd_buffer_puts(out, "\n");
  hd_text_grid(&evidence->series, style, out);
  if (evidence->shapes.rows.count) {
    hd_buffer_puts(out, "\n");
    hd_text_grid(&evidence->shapes, style, out);
  }
}

void hd_text_evidence(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out)
{
  hd_text_headline(view, style, out);
  for (size_t i = 0; i < view->evidence.count; i++)
    put_site(&view->evidence.items[i], style, out);
  if (view->footer && view->footer[0]) {
    hd_buffer_puts(out, "\n");
    hd_print_clean(out, view->footer);
    hd_buffer_puts(out, "\n");
  }
}
