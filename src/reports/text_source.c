/* Annotated source for people. */
#include "reports/text.h"

#include <inttypes.h>
#include <string.h>

enum { AMOUNTS = 5, TAB = 8 };

static const struct hd_cell *amount(const struct hd_source_line *line, size_t i)
{
  const struct hd_cell *const cells[AMOUNTS] = {&line->flat, &line->interval, &line->cum,
                                                &line->before, &line->after};
  return cells[i];
}

/* A line without any value prints dots, as pprof's list does. */
static void amount_text(const struct hd_source_line *line, size_t i, const struct hd_style *style,
                        struct hd_buffer *text)
{
  hd_buffer_clear(text);
  if (amount(line, i)->integer || i == 1)
    hd_cell_print(amount(line, i), style, text);
  else
    hd_buffer_puts(text, ".");
}

/* Which columns there are: one snapshot has no before and after, exact figures no
 * intervals. */
static bool is_shown(const struct hd_view *view, size_t i)
{
  bool interval = i == 1;
  return interval ? view->has_intervals : view->diff || i == 0 || i == 2;
}

static const char *title(const struct hd_view *view, size_t i)
{
  static const char *const titles[AMOUNTS] = {"GROWTH", "", "CUM", "BEFORE", "AFTER"};
  return !view->diff && i == 0 ? "FLAT" : titles[i];
}

static void measure(const struct hd_view *view, const struct hd_source_function *function,
                    const struct hd_style *style, size_t widths[AMOUNTS], struct hd_buffer *out)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  for (size_t i = 0; i < AMOUNTS; i++) {
    widths[i] = strlen(title(view, i));
    for (size_t n = 0; n < function->lines.count; n++) {
      amount_text(&function->lines.items[n], i, style, &text);
      size_t width = hd_text_width(hd_buffer_text(&text));
      if (width > widths[i])
        widths[i] = width;
    }
  }
  out->failed |= text.failed;
  hd_buffer_deinit(&text);
}

/* Source with its tabs spread out, so that indentation survives behind columns. */
static void put_source(struct hd_buffer *out, const char *text)
{
  struct hd_buffer spread = HD_BUFFER_INIT;
  size_t column = 0;
  for (const char *c = text; *c; c++) {
    size_t blanks = *c == '\t' ? TAB - column % TAB : 0;
    hd_buffer_repeat(&spread, ' ', blanks);
    if (!blanks)
      hd_buffer_append(&spread, c, 1);
    column += blanks ? blanks : ((unsigned char)*c & 0xc0) != 0x80;
  }
  hd_print_clean(out, hd_buffer_text(&spread));
  out->failed |= spread.failed;
  hd_buffer_deinit(&spread);
}

/* A line that is not known is a "?". */
static void put_number(struct hd_buffer *out, uint32_t number)
{
  if (number)
    hd_buffer_printf(out, "  %5" PRIu32, number);
  else
    hd_buffer_puts(out, "      ?");
}

static void put_line(const struct hd_view *view, const struct hd_source_line *line,
                     const struct hd_style *style, const size_t widths[AMOUNTS],
                     struct hd_buffer *out)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  hd_text_tone(out, style, line->tone);
  for (size_t i = 0; i < AMOUNTS; i++) {
    if (!is_shown(view, i))
      continue;
    amount_text(line, i, style, &text);
    hd_buffer_puts(out, i ? "  " : "");
    hd_text_pad(out, hd_buffer_text(&text), widths[i], i == 1);
  }
  hd_text_untone(out, style, line->tone);
  if (line->depth) {
    hd_buffer_puts(out, "         | ");
    hd_print_clean(out, line->origin);
  } else {
    put_number(out, line->number);
    hd_buffer_puts(out, line->text[0] ? "   " : "");
    put_source(out, line->text);
  }
  hd_buffer_puts(out, "\n");
  out->failed |= text.failed;
  hd_buffer_deinit(&text);
}

static void put_function(const struct hd_view *view, const struct hd_source_function *function,
                         const struct hd_style *style, struct hd_buffer *out)
{
  size_t widths[AMOUNTS];
  hd_print_clean(out, function->name);
  hd_buffer_puts(out, "   ");
  hd_print_clean(out, function->shown);
  if (function->first_line)
    hd_buffer_printf(out, ":%" PRIu32 "-%" PRIu32, function->first_line, function->last_line);
  hd_buffer_puts(out, "   ");
  if (function->flat.integer) {
    hd_cell_print(&function->flat, style, out);
    hd_buffer_puts(out, function->interval.integer ? " " : "");
    hd_cell_print(&function->interval, style, out);
    if (function->share.kind != HD_CELL_EMPTY) {
      hd_buffer_puts(out, ", ");
      hd_cell_print(&function->share, style, out);
      hd_buffer_puts(out, view->diff ? " of the gross growth" : " of the total");
    }
  } else if (function->after.integer) {
    hd_buffer_puts(out, "unchanged at ");
    hd_cell_print(&function->after, style, out);
  } else {
    hd_buffer_puts(out, "nothing of its own; CUM is what it calls");
  }
  hd_buffer_puts(out, "\n");
  if (function->missing) {
    hd_buffer_puts(out, "(");
    hd_print_clean(out, function->missing);
    hd_buffer_puts(out, function->shown[0] ? "; --source-path DIR says where to look)\n" : ")\n");
  }
  measure(view, function, style, widths, out);
  for (size_t i = 0; i < AMOUNTS; i++) {
    if (!is_shown(view, i))
      continue;
    hd_buffer_puts(out, i ? "  " : "");
    hd_text_pad(out, title(view, i), widths[i], false);
  }
  hd_buffer_puts(out, "\n");
  for (size_t n = 0; n < function->lines.count; n++)
    put_line(view, &function->lines.items[n], style, widths, out);
}

void hd_text_source(const struct hd_view *view, const struct hd_style *style,
                    struct hd_buffer *out)
{
  hd_text_headline(view, style, out);
  for (size_t i = 0; i < view->functions.count; i++) {
    hd_buffer_puts(out, "\n");
    put_function(view, &view->functions.items[i], style, out);
  }
}
