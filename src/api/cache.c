/* `cache`: what is kept on disk between two runs. */
#include <heapdiff/cache.h>

#include "analysis/view.h"
#include "symbols/symbols.h"

#include <stdio.h>

static bool add_columns(hd_view *view, struct hd_error *error)
{
  static const struct hd_column columns[] = {
      {"path", "path", HD_FOR_ALL, true, 0},
      {"files", "files", HD_FOR_ALL, true, 0},
      {"size", "size", HD_FOR_ALL, true, 0},
      {"addresses", "addresses", HD_FOR_ALL, true, 0},
  };
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    if (!hd_vec_push(&view->grid.columns, columns[i]))
      return hd_fail_memory(error);
  return true;
}

static bool fill(hd_view *view, struct hd_error *error)
{
  struct hd_symbol_cache_usage usage;
  if (!hd_symbol_cache_ask(&usage, error))
    return false;
  view->grid.records = true;
  const char *path = hd_view_text(view, usage.path[0] ? usage.path : "(none: HOME is not set)");
  struct hd_cell *cells = add_columns(view, error) ? hd_grid_add_row(view, HD_TONE_PLAIN) : NULL;
  if (!cells || !path)
    return hd_fail_memory(error);
  cells[0] = hd_cell_text(path);
  cells[1] = hd_cell_of(HD_CELL_COUNT, (int64_t)usage.files);
  cells[2] = hd_cell_bytes((int64_t)usage.bytes, false);
  cells[3] = hd_cell_of(HD_CELL_COUNT, (int64_t)usage.addresses);
  return true;
}

bool hd_cache_info(hd_view **view, struct hd_error *error)
{
  bool fine = hd_view_create("heapdiff.cache/1", HD_VIEW_GRID, view, error) && fill(*view, error);
  if (!fine) {
    hd_view_destroy(*view);
    *view = NULL;
  }
  return fine;
}

bool hd_cache_clear(struct hd_cache_usage *removed, struct hd_error *error)
{
  struct hd_symbol_cache_usage usage;
  bool fine = hd_symbol_cache_clear(&usage, error);
  snprintf(removed->path, sizeof removed->path, "%s", usage.path);
  removed->files = usage.files;
  removed->bytes = usage.bytes;
  removed->addresses = 0;
  return fine;
}
