/* For people: aligned columns, colour where it is wanted, cut to the terminal. */
#include "reports/text.h"

#include "reports/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *tone_code(enum hd_tone tone)
{
  switch (tone) {
  case HD_TONE_GREW: return "\033[31m";
  case HD_TONE_SHRANK: return "\033[32m";
  case HD_TONE_FAINT: return "\033[2m";
  case HD_TONE_PLAIN: break;
  }
  return "";
}

void hd_text_tone(struct hd_buffer *out, const struct hd_style *style, enum hd_tone tone)
{
  if (style->color && tone != HD_TONE_PLAIN)
    hd_buffer_puts(out, tone_code(tone));
}

void hd_text_untone(struct hd_buffer *out, const struct hd_style *style, enum hd_tone tone)
{
  if (style->color && tone != HD_TONE_PLAIN)
    hd_buffer_puts(out, "\033[0m");
}

void hd_text_headline(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out)
{
  for (size_t i = 0; i < view->headline.count; i++) {
    const struct hd_headline *piece = &view->headline.items[i];
    if (i && piece->line != view->headline.items[i - 1].line)
      hd_buffer_puts(out, "\n");
    else if (i && piece->gap)
      hd_buffer_puts(out, "   ");
    hd_print_clean(out, piece->before);
    hd_cell_print(&piece->cell, style, out);
    hd_print_clean(out, piece->after);
  }
  if (view->headline.count)
    hd_buffer_puts(out, "\n");
}

void hd_text_pad(struct hd_buffer *out, const char *text, size_t width, bool left)
{
  size_t have = hd_text_width(text), pad = have < width ? width - have : 0;
  if (!left)
    hd_buffer_repeat(out, ' ', pad);
  hd_buffer_puts(out, text);
  if (left)
    hd_buffer_repeat(out, ' ', pad);
}

/* Bytes of the longest start of a text that fits so many columns. */
static size_t fitting(const char *text, size_t columns)
{
  size_t best = 0;
  char start[8];
  for (size_t at = 0, width = 0; text[at];) {
    size_t length = 1;
    while (((unsigned char)text[at + length] & 0xc0) == 0x80 && length < 6)
      length++;
    memcpy(start, text + at, length);
    start[length] = '\0';
    width += hd_text_width(start);
    if (width > columns)
      break;
    at += length;
    best = at;
  }
  return best;
}

/* A name and the place behind it, in at most `room` columns (0: any). First the
 * place loses its folders, then the name its end. */
static void put_name(struct hd_buffer *out, const char *name, const char *place, size_t room,
                     const struct hd_style *style)
{
  const char *dots = style->ascii ? "..." : "…";
  size_t name_width = hd_text_width(name), place_width = place ? hd_text_width(place) : 0;
  size_t gap = place_width ? 2 : 0, dots_width = style->ascii ? 3 : 1;
  if (place_width && room && name_width + gap + place_width > room) {
    const char *base = strrchr(place, '/');
    place = base ? base + 1 : place;
    place_width = hd_text_width(place);
  }
  if (room && name_width + gap + place_width > room) {
    size_t left = room > gap + place_width + dots_width ? room - gap - place_width - dots_width : 8;
    hd_buffer_append(out, name, fitting(name, left));
    hd_buffer_puts(out, dots);
  } else {
    hd_buffer_puts(out, name);
  }
  if (place_width) {
    hd_buffer_puts(out, "  ");
    hd_print_clean(out, place);
  }
}

/* --- the grid --------------------------------------------------------------------- */

enum { MAX_COLUMNS = 32, GAP = 2 };

struct layout {
  size_t shown[MAX_COLUMNS]; /* columns for people */
  size_t widths[MAX_COLUMNS];
  size_t count;
  bool failed; /* for want of memory */
};

/* What the last column wants at least before others are left out for it. */
enum { NAME_ROOM = 36 };

static size_t room_left(const struct layout *layout, const struct hd_style *style)
{
  size_t used = 0;
  for (size_t i = 0; i + 1 < layout->count; i++)
    used += layout->widths[i] + GAP;
  return style->width > used ? style->width - used : 0;
}

static void drop_column(struct layout *layout, size_t at)
{
  layout->count--;
  for (size_t i = at; i < layout->count; i++) {
    layout->shown[i] = layout->shown[i + 1];
    layout->widths[i] = layout->widths[i + 1];
  }
}

/* On a narrow terminal the columns that matter least make room for the names. */
static void make_room(const struct hd_grid *grid, const struct hd_style *style,
                      struct layout *layout)
{
  enum { MOST_SPARE = 6 };
  if (!style->width || !layout->count)
    return;
  size_t wanted = layout->widths[layout->count - 1];
  for (unsigned spare = 1; spare <= MOST_SPARE; spare++)
    for (size_t i = 0; i + 1 < layout->count; i++) {
      size_t room = room_left(layout, style);
      if (room >= wanted || room >= NAME_ROOM)
        return;
      if (grid->columns.items[layout->shown[i]].spare == spare)
        drop_column(layout, i);
    }
}

static bool in_last_column(const struct layout *layout, size_t at)
{
  return at + 1 == layout->count;
}

static void measure_row(const struct hd_style *style, const struct hd_row_cells *row,
                        struct layout *layout)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  for (size_t i = 0; i < layout->count; i++) {
    hd_buffer_clear(&text);
    hd_cell_print(&row->cells[layout->shown[i]], style, &text);
    const struct hd_cell *cell = &row->cells[layout->shown[i]];
    size_t width = hd_text_width(hd_buffer_text(&text));
    if (cell->kind == HD_CELL_TEXT && cell->tail && cell->tail[0])
      width += GAP + hd_text_width(cell->tail);
    if (width > layout->widths[i])
      layout->widths[i] = width;
  }
  layout->failed |= text.failed;
  hd_buffer_deinit(&text);
}

static struct layout lay_out(const struct hd_grid *grid, const struct hd_style *style)
{
  struct layout layout = {0};
  for (size_t i = 0; i < grid->columns.count && layout.count < MAX_COLUMNS; i++)
    if (grid->columns.items[i].audience != HD_FOR_PROGRAMS) {
      layout.widths[layout.count] = hd_text_width(grid->columns.items[i].title);
      layout.shown[layout.count++] = i;
    }
  for (size_t i = 0; i < grid->rows.count; i++)
    measure_row(style, &grid->rows.items[i], &layout);
  if (grid->has_noise)
    measure_row(style, &grid->noise, &layout);
  if (grid->has_others)
    measure_row(style, &grid->others, &layout);
  if (grid->has_total)
    measure_row(style, &grid->total, &layout);
  make_room(grid, style, &layout);
  return layout;
}

static void end_line(struct hd_buffer *out)
{
  while (out->length && out->data[out->length - 1] == ' ')
    out->data[--out->length] = '\0';
  hd_buffer_puts(out, "\n");
}

static void put_row(const struct hd_grid *grid, const struct hd_style *style,
                    const struct hd_row_cells *row, const struct layout *layout,
                    struct hd_buffer *out)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  size_t used = 0;
  for (size_t i = 0; i < layout->count; i++) {
    const struct hd_cell *cell = &row->cells[layout->shown[i]];
    const struct hd_column *column = &grid->columns.items[layout->shown[i]];
    hd_buffer_clear(&text);
    hd_cell_print(cell, style, &text);
    if (i)
      hd_buffer_repeat(out, ' ', GAP);
    used += i ? GAP : 0;
    if (in_last_column(layout, i) && column->left) {
      size_t room = style->width > used + 20 ? style->width - used : style->width ? 20 : 0;
      put_name(out, hd_buffer_text(&text), cell->kind == HD_CELL_TEXT ? cell->tail : NULL, room,
               style);
    } else {
      if (!i)
        hd_text_tone(out, style, row->tone);
      hd_text_pad(out, hd_buffer_text(&text), layout->widths[i], column->left);
      if (!i)
        hd_text_untone(out, style, row->tone);
    }
    used += layout->widths[i];
  }
  out->failed |= text.failed;
  hd_buffer_deinit(&text);
  end_line(out);
}

static void put_titles(const struct hd_grid *grid, const struct layout *layout,
                       struct hd_buffer *out)
{
  for (size_t i = 0; i < layout->count; i++) {
    const struct hd_column *column = &grid->columns.items[layout->shown[i]];
    hd_buffer_repeat(out, ' ', i ? GAP : 0);
    hd_text_pad(out, column->title, layout->widths[i], column->left);
  }
  end_line(out);
}

void hd_text_grid(const struct hd_grid *grid, const struct hd_style *style, struct hd_buffer *out)
{
  struct layout layout = lay_out(grid, style);
  out->failed |= layout.failed;
  put_titles(grid, &layout, out);
  for (size_t i = 0; i < grid->rows.count; i++)
    put_row(grid, style, &grid->rows.items[i], &layout, out);
  if (grid->has_noise)
    put_row(grid, style, &grid->noise, &layout, out);
  if (grid->has_others)
    put_row(grid, style, &grid->others, &layout, out);
  if (grid->has_total)
    put_row(grid, style, &grid->total, &layout, out);
}

/* --- rows as records: `info` --------------------------------------------------------- */

static bool in_record(const struct hd_view *view, const struct hd_row_cells *row, size_t i)
{
  return view->grid.columns.items[i].audience != HD_FOR_PROGRAMS &&
         row->cells[i].kind != HD_CELL_EMPTY;
}

static void put_record(const struct hd_view *view, const struct hd_style *style,
                       const struct hd_row_cells *row, struct hd_buffer *out)
{
  size_t width = 0;
  for (size_t i = 0; i < view->grid.columns.count; i++)
    if (in_record(view, row, i) && hd_text_width(view->grid.columns.items[i].title) > width)
      width = hd_text_width(view->grid.columns.items[i].title);
  for (size_t i = 0; i < view->grid.columns.count; i++) {
    const struct hd_column *column = &view->grid.columns.items[i];
    const struct hd_cell *cell = &row->cells[i];
    if (!in_record(view, row, i))
      continue;
    hd_text_pad(out, column->title, width + GAP, true);
    if (cell->kind == HD_CELL_LIST) {
      for (size_t n = 0; n < cell->count; n++) {
        hd_buffer_repeat(out, ' ', n ? width + GAP : 0);
        hd_print_clean(out, cell->texts[n]);
        hd_buffer_puts(out, "\n");
      }
      if (!cell->count)
        hd_buffer_puts(out, "none\n");
      continue;
    }
    hd_cell_print(cell, style, out);
    end_line(out);
  }
}

/* pprof's fixed columns: "%10s %6s %6s %10s %6s  name". */
static void put_pprof(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out)
{
  static const size_t widths[] = {10, 6, 6, 10, 6};
  enum { COLUMNS = sizeof widths / sizeof *widths };
  struct hd_buffer text = HD_BUFFER_INIT;
  for (size_t i = 0; i < COLUMNS; i++) {
    hd_buffer_puts(out, i ? " " : "");
    hd_text_pad(out, view->grid.columns.items[i].title, widths[i], false);
  }
  hd_buffer_puts(out, "\n");
  for (size_t r = 0; r < view->grid.rows.count; r++) {
    const struct hd_cell *cells = view->grid.rows.items[r].cells;
    for (size_t i = 0; i < COLUMNS; i++) {
      hd_buffer_clear(&text);
      hd_cell_print(&cells[i], style, &text);
      hd_buffer_puts(out, i ? " " : "");
      hd_text_pad(out, hd_buffer_text(&text), widths[i], false);
    }
    hd_buffer_puts(out, "  ");
    hd_cell_print(&cells[COLUMNS], style, out);
    hd_buffer_puts(out, "\n");
  }
  out->failed |= text.failed;
  hd_buffer_deinit(&text);
}

static void print_grid(const struct hd_view *view, const struct hd_style *style,
                       struct hd_buffer *out)
{
  const struct hd_grid *grid = &view->grid;
  hd_text_headline(view, style, out);
  if (grid->pprof_layout) {
    put_pprof(view, style, out);
    return;
  }
  if (grid->records) {
    for (size_t i = 0; i < grid->rows.count; i++) {
      hd_buffer_puts(out, i ? "\n" : "");
      put_record(view, style, &grid->rows.items[i], out);
    }
    return;
  }
  hd_buffer_puts(out, view->headline.count ? "\n" : "");
  hd_text_grid(grid, style, out);
  if (view->footer && view->footer[0]) {
    hd_buffer_puts(out, "\n");
    hd_print_clean(out, view->footer);
    hd_buffer_puts(out, "\n");
  }
}

extern const struct hd_report_format hd_report_text;
const struct hd_report_format hd_report_text = {.name = "text",
                                                 .grid = print_grid,
                                                 .source = hd_text_source,
                                                 .chains = hd_text_chains,
                                                 .evidence = hd_text_evidence,
                                                 .findings = hd_text_findings};
