/* `formats`: which snapshot formats there are, one row each. */
#include "api/session.h"

#include "writers/writer.h"

#include <heapdiff/convert.h>

enum { NAME, READ, WRITTEN, CARRIES, SUMMARY, COLUMNS };

static bool add_columns(struct hd_view *view, struct hd_error *error)
{
  static const struct hd_column columns[COLUMNS] = {
      {"name", "format", HD_FOR_ALL, true, 0},
      {"read", "read", HD_FOR_ALL, true, 0},
      {"written", "written", HD_FOR_ALL, true, 0},
      {"carries", "carries", HD_FOR_ALL, true, 0},
      {"summary", "what it is", HD_FOR_ALL, true, 0},
  };
  for (size_t i = 0; i < COLUMNS; i++)
    if (!hd_vec_push(&view->grid.columns, columns[i]))
      return hd_fail_memory(error);
  return true;
}

static bool add_row(struct hd_view *view, const char *name, const char *summary,
                    const struct hd_reader *reader, struct hd_error *error)
{
  struct hd_cell *cells = hd_grid_add_row(view, HD_TONE_PLAIN);
  if (!cells)
    return hd_fail_memory(error);
  cells[NAME] = hd_cell_text(name);
  cells[READ] = hd_cell_of(HD_CELL_BOOL, reader != NULL);
  cells[WRITTEN] = hd_cell_of(HD_CELL_BOOL, hd_writer_find(name) != NULL);
  if (reader)
    cells[CARRIES] = hd_cell_text(reader->carries);
  cells[SUMMARY] = hd_cell_text(summary);
  return true;
}

static bool add_rows(struct hd_view *view, struct hd_error *error)
{
  for (size_t i = 0; i < hd_reader_count; i++)
    if (!add_row(view, hd_readers[i]->name, hd_readers[i]->summary, hd_readers[i], error))
      return false;
  for (size_t i = 0; i < hd_writer_count; i++)
    if (!hd_reader_find(hd_writers[i]->name) &&
        !add_row(view, hd_writers[i]->name, hd_writers[i]->summary, NULL, error))
      return false;
  return true;
}

bool hd_formats(hd_view **view, struct hd_error *error)
{
  if (!hd_view_create("heapdiff.formats/1", HD_VIEW_GRID, view, error))
    return false;
  if (add_columns(*view, error) && add_rows(*view, error))
    return true;
  hd_view_destroy(*view);
  *view = NULL;
  return false;
}
