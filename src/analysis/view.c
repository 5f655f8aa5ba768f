#include "analysis/view.h"

#include <stdarg.h>
#include <string.h>

bool hd_view_create(const char *schema, enum hd_view_kind kind, struct hd_view **view,
                    struct hd_error *error)
{
  *view = hd_alloc_zeroed(1, sizeof **view);
  if (!*view)
    return hd_fail_memory(error);
  (*view)->schema = schema;
  (*view)->kind = kind;
  return true;
}

static void grid_deinit(struct hd_grid *grid)
{
  hd_vec_deinit(&grid->columns);
  hd_vec_deinit(&grid->rows);
}

void hd_view_destroy(struct hd_view *view)
{
  if (!view)
    return;
  for (size_t i = 0; i < view->functions.count; i++)
    hd_vec_deinit(&view->functions.items[i].lines);
  hd_vec_deinit(&view->functions);
  hd_vec_deinit(&view->chains);
  hd_vec_deinit(&view->chain_frames);
  for (size_t i = 0; i < view->evidence.count; i++) {
    hd_vec_deinit(&view->evidence.items[i].facts);
    grid_deinit(&view->evidence.items[i].series);
    grid_deinit(&view->evidence.items[i].shapes);
  }
  hd_vec_deinit(&view->evidence);
  for (size_t i = 0; i < view->findings.count; i++)
    hd_vec_deinit(&view->findings.items[i].source);
  hd_vec_deinit(&view->findings);
  hd_vec_deinit(&view->rules);
  hd_vec_deinit(&view->headline);
  hd_vec_deinit(&view->facts);
  hd_vec_deinit(&view->inputs);
  hd_vec_deinit(&view->notes);
  grid_deinit(&view->grid);
  hd_arena_deinit(&view->arena);
  hd_free(view);
}

const char *hd_view_text(struct hd_view *view, const char *text)
{
  return hd_arena_copy(&view->arena, text, strlen(text));
}

const char *hd_view_printf(struct hd_view *view, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  const char *text = hd_arena_vprintf(&view->arena, format, args);
  va_end(args);
  return text;
}

bool hd_view_add_headline(struct hd_view *view, struct hd_headline piece, struct hd_error *error)
{
  return hd_vec_push(&view->headline, piece) || hd_fail_memory(error);
}

bool hd_view_add_fact(struct hd_view *view, const char *key, struct hd_cell cell,
                      struct hd_error *error)
{
  return hd_vec_push(&view->facts, (struct hd_fact){key, cell}) || hd_fail_memory(error);
}

bool hd_view_add_note(struct hd_view *view, const char *level, const char *code, const char *text,
                      struct hd_error *error)
{
  struct hd_view_note note = {level, hd_view_text(view, code), hd_view_text(view, text)};
  return (note.code && note.text && hd_vec_push(&view->notes, note)) || hd_fail_memory(error);
}

static struct hd_cell *make_cells(struct hd_view *view, const struct hd_grid *grid)
{
  size_t count = grid->columns.count;
  struct hd_cell *cells = hd_arena_alloc(&view->arena, count * sizeof *cells);
  if (cells)
    memset(cells, 0, count * sizeof *cells);
  return cells;
}

struct hd_cell *hd_grid_make_cells(struct hd_view *view)
{
  return make_cells(view, &view->grid);
}

struct hd_cell *hd_grid_add_row_to(struct hd_view *view, struct hd_grid *grid, enum hd_tone tone)
{
  struct hd_row_cells row = {make_cells(view, grid), tone};
  return row.cells && hd_vec_push(&grid->rows, row) ? row.cells : NULL;
}

struct hd_cell *hd_grid_add_row(struct hd_view *view, enum hd_tone tone)
{
  return hd_grid_add_row_to(view, &view->grid, tone);
}

struct hd_cell hd_cell_bytes(int64_t bytes, bool sign)
{
  return (struct hd_cell){.kind = HD_CELL_BYTES, .integer = bytes, .sign = sign};
}

struct hd_cell hd_cell_count(int64_t count, bool sign)
{
  return (struct hd_cell){.kind = HD_CELL_COUNT, .integer = count, .sign = sign};
}

struct hd_cell hd_cell_text(const char *text)
{
  return (struct hd_cell){.kind = text ? HD_CELL_TEXT : HD_CELL_EMPTY, .text = text};
}

struct hd_cell hd_cell_ratio(double ratio, bool sign)
{
  return (struct hd_cell){.kind = HD_CELL_RATIO, .number = ratio, .sign = sign};
}

struct hd_cell hd_cell_of(enum hd_cell_kind kind, int64_t integer)
{
  return (struct hd_cell){.kind = kind, .integer = integer};
}
