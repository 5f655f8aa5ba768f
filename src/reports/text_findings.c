/* What a gate found, for a log: each regression with its source, then the table.
 *
 *   FAIL  cache_put  src/cache.c:52
 *         grew by 2.00MB ±170.21kB, from 10.00MB to 12.00MB: max-growth allows 1MiB
 *         cache_put < serve < main
 *           51   e->size = size;
 *         > 52   e->value = malloc(size);
 */
#include "reports/text.h"

#include <inttypes.h>
#include <string.h>

enum { INDENT = 6, MOST_STACK = 8 };

void hd_text_words(struct hd_buffer *out, const struct hd_style *style, const char *text)
{
  static const char sign[] = "±";
  for (const char *next; style->ascii && (next = strstr(text, sign));
       text = next + sizeof sign - 1) {
    struct hd_buffer part = HD_BUFFER_INIT;
    hd_buffer_append(&part, text, (size_t)(next - text));
    hd_print_clean(out, hd_buffer_text(&part));
    hd_buffer_puts(out, "+-");
    out->failed |= part.failed;
    hd_buffer_deinit(&part);
  }
  hd_print_clean(out, text);
}

static void put_source(const struct hd_finding *finding, struct hd_buffer *out)
{
  for (size_t i = 0; i < finding->source.count; i++) {
    const struct hd_finding_line *line = &finding->source.items[i];
    hd_buffer_repeat(out, ' ', INDENT);
    hd_buffer_printf(out, "%s %5" PRIu32 "%s", line->number == finding->line ? ">" : " ",
                     line->number, line->text[0] ? "   " : "");
    hd_print_clean(out, line->text);
    hd_buffer_puts(out, "\n");
  }
}

static void put_stack(const struct hd_finding *finding, struct hd_buffer *out)
{
  if (finding->stack_count < 2)
    return;
  hd_buffer_repeat(out, ' ', INDENT);
  for (size_t i = 0; i < finding->stack_count && i < MOST_STACK; i++) {
    hd_buffer_puts(out, i ? " < " : "");
    hd_print_clean(out, finding->stack[i]);
  }
  if (finding->stack_count > MOST_STACK)
    hd_buffer_printf(out, " < %zu more", finding->stack_count - MOST_STACK);
  hd_buffer_puts(out, "\n");
}

static void put_finding(const struct hd_finding *finding, const struct hd_style *style,
                        struct hd_buffer *out)
{
  static const char *const words[] = {
      [HD_FINDING_ERROR] = "FAIL  ", [HD_FINDING_WARNING] = "noise ", [HD_FINDING_NOTE] = "note  "};
  enum hd_tone tone = finding->level == HD_FINDING_ERROR     ? HD_TONE_GREW
                      : finding->level == HD_FINDING_WARNING ? HD_TONE_PLAIN
                                                             : HD_TONE_FAINT;
  hd_text_tone(out, style, tone);
  hd_buffer_puts(out, words[finding->level]);
  hd_print_clean(out, finding->name);
  if (finding->file) {
    hd_buffer_puts(out, "  ");
    hd_print_clean(out, finding->file);
    if (finding->line)
      hd_buffer_printf(out, ":%" PRIu32, finding->line);
  }
  hd_text_untone(out, style, tone);
  hd_buffer_puts(out, "\n");
  hd_buffer_repeat(out, ' ', INDENT);
  hd_text_words(out, style, finding->text);
  hd_buffer_puts(out, "\n");
  if (finding->advice) {
    hd_buffer_repeat(out, ' ', INDENT);
    hd_print_clean(out, finding->advice);
    hd_buffer_puts(out, "\n");
  }
  if (finding->level == HD_FINDING_ERROR) {
    put_stack(finding, out);
    put_source(finding, out);
  }
  hd_buffer_puts(out, "\n");
}

void hd_text_findings(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out)
{
  hd_text_headline(view, style, out);
  hd_buffer_puts(out, "\n");
  for (size_t i = 0; i < view->findings.count; i++)
    put_finding(&view->findings.items[i], style, out);
  if (view->grid.rows.count) {
    hd_text_grid(&view->grid, style, out);
    hd_buffer_puts(out, "\n");
  }
  enum hd_tone tone = view->passed ? HD_TONE_SHRANK : HD_TONE_GREW;
  hd_text_tone(out, style, tone);
  hd_print_clean(out, view->conclusion);
  hd_text_untone(out, style, tone);
  hd_buffer_puts(out, "\n");
}
