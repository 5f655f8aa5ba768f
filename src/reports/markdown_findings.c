/* What a gate found, for a comment on a pull request: the verdict in a line, the
 * regressions in a table, and the rest folded. */
#include "reports/markdown.h"

#include <inttypes.h>
#include <string.h>

static void put_place(const struct hd_finding *finding, struct hd_buffer *out)
{
  hd_markdown_text(out, finding->name);
  if (!finding->file)
    return;
  hd_buffer_puts(out, " ");
  hd_markdown_text(out, finding->file);
  if (finding->line)
    hd_buffer_printf(out, ":%" PRIu32, finding->line);
}

static void put_cell(const struct hd_cell *cell, const struct hd_style *style,
                     struct hd_buffer *out)
{
  hd_buffer_puts(out, " | ");
  hd_cell_print(cell, style, out);
}

static bool has_level(const struct hd_view *view, enum hd_finding_level level)
{
  for (size_t i = 0; i < view->findings.count; i++)
    if (view->findings.items[i].level == level)
      return true;
  return false;
}

static void put_table(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out)
{
  if (!has_level(view, HD_FINDING_ERROR))
    return;
  hd_buffer_puts(out, "| Call site | Growth | | Before | After | Allowed | Budget |\n"
                      "| :-- | --: | :-- | --: | --: | --: | :-- |\n");
  for (size_t i = 0; i < view->findings.count; i++) {
    const struct hd_finding *finding = &view->findings.items[i];
    if (finding->level != HD_FINDING_ERROR)
      continue;
    hd_buffer_puts(out, "| ");
    put_place(finding, out);
    put_cell(&finding->growth, style, out);
    put_cell(&finding->interval, style, out);
    put_cell(&finding->before, style, out);
    put_cell(&finding->after, style, out);
    put_cell(&finding->budget, style, out);
    hd_buffer_printf(out, " | %s |\n", finding->rule);
  }
  hd_buffer_puts(out, "\n");
}

/* In a fence that is longer than any run of backticks in the text. */
static void put_source(const struct hd_finding *finding, struct hd_buffer *out)
{
  size_t longest = 2;
  for (size_t i = 0; i < finding->source.count; i++)
    for (const char *c = finding->source.items[i].text; *c;) {
      size_t run = strspn(c, "`");
      longest = run > longest ? run : longest;
      c += run ? run : 1;
    }
  if (!finding->source.count)
    return;
  hd_buffer_repeat(out, '`', longest + 1);
  hd_buffer_puts(out, "\n");
  for (size_t i = 0; i < finding->source.count; i++) {
    const struct hd_finding_line *line = &finding->source.items[i];
    hd_buffer_printf(out, "%s %5" PRIu32 "   ", line->number == finding->line ? ">" : " ",
                     line->number);
    hd_print_clean(out, line->text);
    hd_buffer_puts(out, "\n");
  }
  hd_buffer_repeat(out, '`', longest + 1);
  hd_buffer_puts(out, "\n\n");
}

static void put_details(const struct hd_finding *finding, struct hd_buffer *out)
{
  hd_buffer_puts(out, finding->level == HD_FINDING_ERROR ? "**" : "- ");
  put_place(finding, out);
  hd_buffer_puts(out, finding->level == HD_FINDING_ERROR ? "** " : ": ");
  hd_markdown_text(out, finding->text);
  if (finding->advice) {
    hd_buffer_puts(out, "; ");
    hd_markdown_text(out, finding->advice);
  }
  hd_buffer_puts(out, finding->level == HD_FINDING_ERROR ? "\n\n" : "\n");
  if (finding->level != HD_FINDING_ERROR)
    return;
  for (size_t i = 0; i < finding->stack_count; i++) {
    hd_buffer_puts(out, i ? " ← " : "");
    hd_markdown_text(out, finding->stack[i]);
  }
  hd_buffer_puts(out, finding->stack_count ? "\n\n" : "");
  put_source(finding, out);
}

static void put_folded(const struct hd_view *view, enum hd_finding_level level, const char *summary,
                       struct hd_buffer *out)
{
  if (!has_level(view, level))
    return;
  hd_buffer_printf(out, "<details><summary>%s</summary>\n\n", summary);
  for (size_t i = 0; i < view->findings.count; i++)
    if (view->findings.items[i].level == level)
      put_details(&view->findings.items[i], out);
  hd_buffer_puts(out, "\n</details>\n\n");
}

void hd_markdown_findings(const struct hd_view *view, const struct hd_style *style,
                          struct hd_buffer *out)
{
  hd_buffer_printf(out, "### heapdiff: %s\n\n",
                   view->passed ? "memory is within its budget" : "memory has grown");
  hd_markdown_headline(view, style, out);
  put_table(view, style, out);
  put_folded(view, HD_FINDING_ERROR, "Source and callers", out);
  put_folded(view, HD_FINDING_WARNING, "Over budget, but within noise", out);
  put_folded(view, HD_FINDING_NOTE, "Moved or suppressed", out);
  if (view->grid.rows.count) {
    hd_buffer_puts(out, "<details><summary>All that was checked</summary>\n\n");
    hd_markdown_grid(&view->grid, style, out);
    hd_buffer_puts(out, "\n</details>\n\n");
  }
  hd_buffer_puts(out, "**");
  hd_markdown_text(out, view->conclusion);
  hd_buffer_puts(out, "**\n");
}
