/* Who calls whom, for people, as `go tool pprof -tree` and -traces lay it out. */
#include "reports/text.h"

static const char separator[] =
    "----------------------------------------------------------+-------------\n";

static void put_cell(struct hd_buffer *out, const struct hd_cell *cell,
                     const struct hd_style *style, size_t width)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  hd_cell_print(cell, style, &text);
  hd_text_pad(out, hd_buffer_text(&text), width, false);
  out->failed |= text.failed;
  hd_buffer_deinit(&text);
}

enum { AMOUNT = 10, PERCENT = 6, WEIGHT = 50 };

static void put_callers(const struct hd_view *view, const struct hd_style *style, size_t first,
                        size_t count, struct hd_buffer *out)
{
  for (size_t i = first; i < first + count; i++) {
    const struct hd_caller *caller = &view->callers.items[i];
    put_cell(out, &caller->weight, style, WEIGHT);
    hd_buffer_puts(out, " ");
    put_cell(out, &caller->share, style, PERCENT);
    hd_buffer_puts(out, " |   ");
    hd_print_clean(out, caller->name);
    hd_buffer_puts(out, caller->inlined ? " (inline)\n" : "\n");
  }
}

static void put_function(const struct hd_function *function, const struct hd_style *style,
                         struct hd_buffer *out)
{
  put_cell(out, &function->flat, style, AMOUNT);
  hd_buffer_puts(out, " ");
  put_cell(out, &function->flat_share, style, PERCENT);
  hd_buffer_puts(out, " ");
  put_cell(out, &function->sum_share, style, PERCENT);
  hd_buffer_puts(out, " ");
  put_cell(out, &function->cum, style, AMOUNT);
  hd_buffer_puts(out, " ");
  put_cell(out, &function->cum_share, style, PERCENT);
  hd_buffer_puts(out, "                | ");
  hd_print_clean(out, function->name);
  hd_buffer_puts(out, "\n");
}

void hd_text_calls(const struct hd_view *view, const struct hd_style *style, struct hd_buffer *out)
{
  hd_text_headline(view, style, out);
  hd_buffer_puts(out, separator);
  hd_buffer_puts(out, "      flat  flat%   sum%        cum   cum%   calls calls% + context\n");
  for (size_t i = 0; i < view->tree.count; i++) {
    const struct hd_function *function = &view->tree.items[i];
    hd_buffer_puts(out, separator);
    put_callers(view, style, function->first_caller, function->callers, out);
    put_function(function, style, out);
    put_callers(view, style, function->first_callee, function->callees, out);
    hd_buffer_drain(out);
  }
  if (view->tree.count)
    hd_buffer_puts(out, separator);
}

void hd_text_traces(const struct hd_grid *grid, const struct hd_style *style, struct hd_buffer *out)
{
  static const char line[] =
      "-----------+-------------------------------------------------------\n";
  static const struct hd_cell nothing = {.kind = HD_CELL_EMPTY};
  for (size_t i = 0; i < grid->rows.count; i++) {
    const struct hd_cell *cells = grid->rows.items[i].cells;
    hd_buffer_puts(out, line);
    for (size_t n = 0; n < cells[1].count; n++) {
      put_cell(out, n ? &nothing : &cells[0], style, AMOUNT);
      hd_buffer_puts(out, "   ");
      hd_print_clean(out, cells[1].texts[n]);
      hd_buffer_puts(out, "\n");
    }
    hd_buffer_drain(out);
  }
  hd_buffer_puts(out, line);
}
