/* CSV (RFC 4180, lines end in "\n"): one header line, one line a row, exact
 * figures; "others" and "TOTAL" are the last rows. */
#include "reports/report.h"

#include <inttypes.h>
#include <string.h>

static void put_field(struct hd_buffer *out, const char *text)
{
  if (!strpbrk(text, ",\"\r\n")) {
    hd_buffer_puts(out, text);
    return;
  }
  hd_buffer_puts(out, "\"");
  for (const char *c = text; *c; c++)
    hd_buffer_append(out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
  hd_buffer_puts(out, "\"");
}

static void put_row(const struct hd_view *view, const struct hd_row_cells *row,
                    struct hd_buffer *out)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  bool first = true;
  for (size_t i = 0; i < view->grid.columns.count; i++) {
    if (view->grid.columns.items[i].audience == HD_FOR_PEOPLE)
      continue;
    hd_buffer_clear(&text);
    hd_cell_print_plain(&row->cells[i], &text);
    hd_buffer_puts(out, first ? "" : ",");
    put_field(out, hd_buffer_text(&text));
    first = false;
  }
  hd_buffer_puts(out, "\n");
  out->failed |= text.failed;
  hd_buffer_deinit(&text);
}

static void print_grid(const struct hd_view *view, const struct hd_style *style,
                       struct hd_buffer *out)
{
  (void)style;
  const struct hd_grid *grid = &view->grid;
  bool first = true;
  for (size_t i = 0; i < grid->columns.count; i++) {
    if (grid->columns.items[i].audience == HD_FOR_PEOPLE)
      continue;
    hd_buffer_puts(out, first ? "" : ",");
    put_field(out, grid->columns.items[i].key);
    first = false;
  }
  hd_buffer_puts(out, "\n");
  for (size_t i = 0; i < grid->rows.count; i++)
    put_row(view, &grid->rows.items[i], out);
  if (grid->has_noise)
    put_row(view, &grid->noise, out);
  if (grid->has_others)
    put_row(view, &grid->others, out);
  if (grid->has_total)
    put_row(view, &grid->total, out);
}

static void print_chains(const struct hd_view *view, const struct hd_style *style,
                         struct hd_buffer *out)
{
  (void)style;
  hd_buffer_puts(out, "address,inlined,function,file,line,start_line\n");
  for (size_t i = 0; i < view->chains.count; i++) {
    const struct hd_chain *chain = &view->chains.items[i];
    if (!chain->count)
      hd_buffer_printf(out, "0x%" PRIx64 ",,,,,\n", chain->address);
    for (size_t n = 0; n < chain->count; n++) {
      const struct hd_chain_frame *frame = &view->chain_frames.items[chain->first + n];
      hd_buffer_printf(out, "0x%" PRIx64 ",%s,", chain->address,
                       n + 1 < chain->count ? "true" : "false");
      put_field(out, frame->function);
      hd_buffer_puts(out, ",");
      put_field(out, frame->file);
      hd_buffer_puts(out, ",");
      if (frame->line)
        hd_buffer_printf(out, "%" PRIu32, frame->line);
      hd_buffer_puts(out, ",");
      if (frame->start_line)
        hd_buffer_printf(out, "%" PRIu32, frame->start_line);
      hd_buffer_puts(out, "\n");
    }
  }
}

extern const struct hd_report_format hd_report_csv;
const struct hd_report_format hd_report_csv = {
    .name = "csv", .grid = print_grid, .chains = print_chains};
