/* A Markdown table, for issues and pull requests. */
#include "reports/markdown.h"

#include "reports/text.h"

#include <string.h>

void hd_markdown_text(struct hd_buffer *out, const char *text)
{
  struct hd_buffer clean = HD_BUFFER_INIT;
  hd_print_clean(&clean, text);
  for (const char *c = hd_buffer_text(&clean); *c; c++) {
    if (strchr("|*_`<>[]\\", *c))
      hd_buffer_puts(out, "\\");
    hd_buffer_append(out, c, 1);
  }
  out->failed |= clean.failed;
  hd_buffer_deinit(&clean);
}

static void put_row(const struct hd_grid *grid, const struct hd_row_cells *row,
                    const struct hd_style *style, struct hd_buffer *out)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  for (size_t i = 0; i < grid->columns.count; i++) {
    const struct hd_cell *cell = &row->cells[i];
    if (grid->columns.items[i].audience == HD_FOR_PROGRAMS)
      continue;
    hd_buffer_clear(&text);
    hd_cell_print(cell, style, &text);
    hd_buffer_puts(out, "| ");
    hd_markdown_text(out, hd_buffer_text(&text));
    if (cell->kind == HD_CELL_TEXT && cell->tail && cell->tail[0]) {
      hd_buffer_puts(out, " ");
      hd_markdown_text(out, cell->tail);
    }
    hd_buffer_puts(out, " ");
  }
  hd_buffer_puts(out, "|\n");
  out->failed |= text.failed;
  hd_buffer_deinit(&text);
}

void hd_markdown_headline(const struct hd_view *view, const struct hd_style *style,
                          struct hd_buffer *out)
{
  struct hd_style plain = *style;
  plain.color = false;
  struct hd_buffer head = HD_BUFFER_INIT;
  hd_text_headline(view, &plain, &head);
  for (char *line = head.data, *end; line && (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    hd_markdown_text(out, line);
    hd_buffer_puts(out, end[1] ? "  \n" : "\n\n"); /* two blanks: a line break */
  }
  out->failed |= head.failed;
  hd_buffer_deinit(&head);
}

void hd_markdown_grid(const struct hd_grid *grid, const struct hd_style *style,
                      struct hd_buffer *out)
{
  struct hd_style plain = *style;
  plain.color = false;
  for (size_t i = 0; i < grid->columns.count; i++)
    if (grid->columns.items[i].audience != HD_FOR_PROGRAMS)
      hd_buffer_printf(out, "| %s ", grid->columns.items[i].title);
  hd_buffer_puts(out, "|\n");
  for (size_t i = 0; i < grid->columns.count; i++)
    if (grid->columns.items[i].audience != HD_FOR_PROGRAMS)
      hd_buffer_puts(out, grid->columns.items[i].left ? "| :-- " : "| --: ");
  hd_buffer_puts(out, "|\n");
  for (size_t i = 0; i < grid->rows.count; i++)
    put_row(grid, &grid->rows.items[i], &plain, out);
  if (grid->has_noise)
    put_row(grid, &grid->noise, &plain, out);
  if (grid->has_others)
    put_row(grid, &grid->others, &plain, out);
  if (grid->has_total)
    put_row(grid, &grid->total, &plain, out);
}

static void print_grid(const struct hd_view *view, const struct hd_style *style,
                       struct hd_buffer *out)
{
  hd_markdown_headline(view, style, out);
  hd_markdown_grid(&view->grid, style, out);
}

extern const struct hd_report_format hd_report_markdown;
const struct hd_report_format hd_report_markdown = {
    .name = "markdown", .grid = print_grid, .findings = hd_markdown_findings};
