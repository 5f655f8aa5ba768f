/* For programs: one JSON object, exact integers, made by jansson. */
#include "reports/report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* jansson refuses text that is not UTF-8; hostile files have some. */
static json_t *text_value(const char *text)
{
  json_t *value = json_string(text);
  if (value)
    return value;
  struct hd_buffer clean = HD_BUFFER_INIT;
  for (const char *c = text; *c; c++)
    hd_buffer_append(&clean, (unsigned char)*c < 0x80 ? c : "?", 1);
  value = json_string(hd_buffer_text(&clean));
  hd_buffer_deinit(&clean);
  return value;
}

static json_t *points_value(const struct hd_cell *cell)
{
  json_t *list = json_array();
  for (size_t i = 0; i < cell->count; i++)
    json_array_append_new(list, json_integer((json_int_t)llround(cell->points[i])));
  return list;
}

static json_t *texts_value(const struct hd_cell *cell)
{
  json_t *list = json_array();
  for (size_t i = 0; i < cell->count; i++)
    json_array_append_new(list, text_value(cell->texts[i]));
  return list;
}

static json_t *cell_value(const struct hd_cell *cell)
{
  switch (cell->kind) {
  case HD_CELL_EMPTY: return json_null();
  case HD_CELL_TEXT: return text_value(cell->text);
  case HD_CELL_BYTES:
  case HD_CELL_COUNT:
  case HD_CELL_RATE:
  case HD_CELL_DURATION:
  case HD_CELL_TIME: return json_integer(cell->integer);
  case HD_CELL_BOOL: return json_boolean(cell->integer != 0);
  case HD_CELL_RATIO:
  case HD_CELL_PPROF_RATIO: return json_real(cell->number);
  case HD_CELL_SPARK: return points_value(cell);
  case HD_CELL_LIST: return texts_value(cell);
  }
  return json_null();
}

static json_t *row_value(const struct hd_view *view, const struct hd_row_cells *row)
{
  json_t *object = json_object();
  for (size_t i = 0; i < view->grid.columns.count; i++)
    if (view->grid.columns.items[i].audience != HD_FOR_PEOPLE)
      json_object_set_new(object, view->grid.columns.items[i].key, cell_value(&row->cells[i]));
  return object;
}

static json_t *head_value(const struct hd_view *view)
{
  json_t *object = json_object(), *inputs = json_array(), *notes = json_array();
  json_object_set_new(object, "schema", json_string(view->schema));
  for (size_t i = 0; i < view->facts.count; i++)
    json_object_set_new(object, view->facts.items[i].key, cell_value(&view->facts.items[i].cell));
  for (size_t i = 0; i < view->inputs.count; i++) {
    const struct hd_input_fact *input = &view->inputs.items[i];
    json_t *item = json_object();
    json_object_set_new(item, "path", text_value(input->path));
    json_object_set_new(item, "time_ns", input->time_ns ? json_integer(input->time_ns)
                                                        : json_null());
    json_object_set_new(item, "total", json_integer(input->total));
    json_object_set_new(item, "rss", input->rss >= 0 ? json_integer(input->rss) : json_null());
    json_array_append_new(inputs, item);
  }
  for (size_t i = 0; i < view->notes.count; i++) {
    json_t *item = json_object();
    json_object_set_new(item, "level", json_string(view->notes.items[i].level));
    json_object_set_new(item, "code", text_value(view->notes.items[i].code));
    json_object_set_new(item, "text", text_value(view->notes.items[i].text));
    json_array_append_new(notes, item);
  }
  if (view->inputs.count)
    json_object_set_new(object, "inputs", inputs);
  else
    json_decref(inputs);
  json_object_set_new(object, "notes", notes);
  return object;
}

static int dump_piece(const char *data, size_t length, void *context)
{
  struct hd_buffer *out = context;
  hd_buffer_append(out, data, length);
  return out->failed ? -1 : 0;
}

static void dump(json_t *object, struct hd_buffer *out)
{
  if (!object || json_dump_callback(object, dump_piece, out, JSON_INDENT(2)) != 0)
    out->failed = true;
  hd_buffer_puts(out, "\n");
  json_decref(object);
}

static void print_grid(const struct hd_view *view, const struct hd_style *style,
                       struct hd_buffer *out)
{
  (void)style;
  json_t *object = head_value(view), *rows = json_array();
  for (size_t i = 0; i < view->grid.rows.count; i++)
    json_array_append_new(rows, row_value(view, &view->grid.rows.items[i]));
  json_object_set_new(object, "rows", rows);
  if (view->grid.has_others)
    json_object_set_new(object, "others", row_value(view, &view->grid.others));
  if (view->grid.has_total)
    json_object_set_new(object, "total", row_value(view, &view->grid.total));
  dump(object, out);
}

static void set_amounts(json_t *object, bool diff, const struct hd_cell *flat,
                        const struct hd_cell *cum, const struct hd_cell *before,
                        const struct hd_cell *after)
{
  json_object_set_new(object, diff ? "growth" : "value", cell_value(flat));
  if (cum)
    json_object_set_new(object, "cum", cell_value(cum));
  if (!diff)
    return;
  json_object_set_new(object, "before", cell_value(before));
  json_object_set_new(object, "after", cell_value(after));
}

static json_t *line_value(const struct hd_view *view, const struct hd_source_line *line)
{
  json_t *object = json_object();
  json_object_set_new(object, "line", json_integer(line->number));
  if (line->depth)
    json_object_set_new(object, "inlined", text_value(line->origin));
  else
    json_object_set_new(object, "text", text_value(line->text));
  set_amounts(object, view->diff, &line->flat, &line->cum, &line->before, &line->after);
  return object;
}

static void print_source(const struct hd_view *view, const struct hd_style *style,
                         struct hd_buffer *out)
{
  (void)style;
  json_t *object = head_value(view), *functions = json_array();
  for (size_t i = 0; i < view->functions.count; i++) {
    const struct hd_source_function *function = &view->functions.items[i];
    json_t *item = json_object(), *lines = json_array();
    json_object_set_new(item, "function", text_value(function->name));
    json_object_set_new(item, "file", text_value(function->file));
    json_object_set_new(item, "first_line", json_integer(function->first_line));
    json_object_set_new(item, "last_line", json_integer(function->last_line));
    set_amounts(item, view->diff, &function->flat, NULL, &function->before, &function->after);
    json_object_set_new(item, "share", cell_value(&function->share));
    json_object_set_new(item, "missing",
                        function->missing ? text_value(function->missing) : json_null());
    for (size_t n = 0; n < function->lines.count; n++)
      json_array_append_new(lines, line_value(view, &function->lines.items[n]));
    json_object_set_new(item, "lines", lines);
    json_array_append_new(functions, item);
  }
  json_object_set_new(object, "functions", functions);
  dump(object, out);
}

extern const struct hd_report_format hd_report_json;
const struct hd_report_format hd_report_json = {"json", print_grid, print_source};
