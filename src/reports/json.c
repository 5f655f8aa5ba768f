/* For programs: one JSON object, exact integers, made by jansson. */
#include "reports/json_values.h"
#include "reports/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *points_value(const struct hd_cell *cell)
{
  json_t *list = json_array();
  for (size_t i = 0; i < cell->count; i++)
    list = add(list, json_integer((json_int_t)llround(cell->points[i])));
  return list;
}

static json_t *texts_value(const struct hd_cell *cell)
{
  json_t *list = json_array();
  for (size_t i = 0; i < cell->count; i++)
    list = add(list, text_value(cell->texts[i]));
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
  case HD_CELL_NUMBER:
  case HD_CELL_RATIO:
  case HD_CELL_PPROF_RATIO: return json_real(cell->number);
  case HD_CELL_SPARK: return points_value(cell);
  case HD_CELL_LIST: return texts_value(cell);
  }
  return json_null();
}

static json_t *row_value(const struct hd_grid *grid, const struct hd_row_cells *row)
{
  json_t *object = json_object();
  for (size_t i = 0; i < grid->columns.count; i++)
    if (grid->columns.items[i].audience != HD_FOR_PEOPLE)
      object = put(object, grid->columns.items[i].key, cell_value(&row->cells[i]));
  return object;
}

static json_t *rows_value(const struct hd_grid *grid)
{
  json_t *rows = json_array();
  for (size_t i = 0; i < grid->rows.count; i++)
    rows = add(rows, row_value(grid, &grid->rows.items[i]));
  return rows;
}

static json_t *head_value(const struct hd_view *view)
{
  json_t *object = json_object(), *inputs = json_array(), *notes = json_array();
  object = put(object, "schema", json_string(view->schema));
  for (size_t i = 0; i < view->facts.count; i++)
    object = put(object, view->facts.items[i].key, cell_value(&view->facts.items[i].cell));
  for (size_t i = 0; i < view->inputs.count; i++) {
    const struct hd_input_fact *input = &view->inputs.items[i];
    json_t *item = json_object();
    item = put(item, "path", text_value(input->path));
    item = put(item, "time_ns", input->time_ns ? json_integer(input->time_ns) : json_null());
    item = put(item, "total", json_integer(input->total));
    item = put(item, "rss", input->rss >= 0 ? json_integer(input->rss) : json_null());
    inputs = add(inputs, item);
  }
  for (size_t i = 0; i < view->notes.count; i++) {
    json_t *item = json_object();
    item = put(item, "level", json_string(view->notes.items[i].level));
    item = put(item, "code", text_value(view->notes.items[i].code));
    item = put(item, "text", text_value(view->notes.items[i].text));
    notes = add(notes, item);
  }
  if (view->inputs.count)
    object = put(object, "inputs", inputs);
  else
    json_decref(inputs);
  object = put(object, "notes", notes);
  return object;
}

static void print_grid(const struct hd_view *view, const struct hd_style *style,
                       struct hd_buffer *out)
{
  (void)style;
  json_t *object = put(head_value(view), "rows", rows_value(&view->grid));
  if (view->grid.has_noise)
    object = put(object, "noise", row_value(&view->grid, &view->grid.noise));
  if (view->grid.has_others)
    object = put(object, "others", row_value(&view->grid, &view->grid.others));
  if (view->grid.has_total)
    object = put(object, "total", row_value(&view->grid, &view->grid.total));
  dump(object, out);
}

static json_t *set_amounts(json_t *object, bool diff, const struct hd_cell *flat,
                           const struct hd_cell *interval, const struct hd_cell *cum,
                           const struct hd_cell *before, const struct hd_cell *after)
{
  object = put(object, diff ? "growth" : "value", cell_value(flat));
  if (diff)
    object = put(object, "interval", cell_value(interval));
  if (cum)
    object = put(object, "cum", cell_value(cum));
  if (!diff)
    return object;
  object = put(object, "before", cell_value(before));
  return put(object, "after", cell_value(after));
}

static json_t *line_value(const struct hd_view *view, const struct hd_source_line *line)
{
  json_t *object = json_object();
  object = put(object, "line", json_integer(line->number));
  if (line->depth)
    object = put(object, "inlined", text_value(line->origin));
  else
    object = put(object, "text", text_value(line->text));
  object = set_amounts(object, view->diff, &line->flat, &line->interval, &line->cum,
                       &line->before, &line->after);
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
    item = put(item, "function", text_value(function->name));
    item = put(item, "file", text_value(function->file));
    item = put(item, "first_line", json_integer(function->first_line));
    item = put(item, "last_line", json_integer(function->last_line));
    item = set_amounts(item, view->diff, &function->flat, &function->interval, NULL,
                       &function->before, &function->after);
    item = put(item, "share", cell_value(&function->share));
    item = put(item, "missing",
               function->missing ? text_value(function->missing) : json_null());
    for (size_t n = 0; n < function->lines.count; n++)
      lines = add(lines, line_value(view, &function->lines.items[n]));
    item = put(item, "lines", lines);
    functions = add(functions, item);
  }
  object = put(object, "functions", functions);
  dump(object, out);
}

static json_t *number_value(uint32_t number)
{
  return number ? json_integer(number) : json_null();
}

static json_t *frame_value(const struct hd_chain_frame *frame, bool inlined)
{
  json_t *object = json_object();
  object = put(object, "function", frame->function[0] ? text_value(frame->function) : json_null());
  object = put(object, "file", frame->file[0] ? text_value(frame->file) : json_null());
  object = put(object, "line", number_value(frame->line));
  object = put(object, "start_line", number_value(frame->start_line));
  return put(object, "inlined", json_boolean(inlined));
}

static void print_chains(const struct hd_view *view, const struct hd_style *style,
                         struct hd_buffer *out)
{
  (void)style;
  json_t *object = head_value(view), *rows = json_array();
  for (size_t i = 0; i < view->chains.count; i++) {
    const struct hd_chain *chain = &view->chains.items[i];
    json_t *row = json_object(), *frames = json_array();
    char address[24]; /* text: half of all addresses are more than JSON's integers hold */
    snprintf(address, sizeof address, "0x%" PRIx64, chain->address);
    for (size_t n = 0; n < chain->count; n++)
      frames = add(frames, frame_value(&view->chain_frames.items[chain->first + n],
                                       n + 1 < chain->count));
    row = put(row, "address", json_string(address));
    row = put(row, "frames", frames);
    rows = add(rows, row);
  }
  object = put(object, "rows", rows);
  dump(object, out);
}

static void print_evidence(const struct hd_view *view, const struct hd_style *style,
                           struct hd_buffer *out)
{
  (void)style;
  json_t *object = head_value(view), *sites = json_array();
  for (size_t i = 0; i < view->evidence.count; i++) {
    const struct hd_evidence *evidence = &view->evidence.items[i];
    json_t *item = json_object();
    item = put(item, "name", text_value(evidence->name));
    item = put(item, "place", text_value(evidence->place));
    item = put(item, "why", text_value(evidence->why));
    for (size_t n = 0; n < evidence->facts.count; n++)
      item = put(item, evidence->facts.items[n].key, cell_value(&evidence->facts.items[n].cell));
    item = put(item, "series", rows_value(&evidence->series));
    item = put(item, "shapes", rows_value(&evidence->shapes));
    sites = add(sites, item);
  }
  dump(put(object, "sites", sites), out);
}

static json_t *finding_value(const struct hd_finding *finding)
{
  static const char *const levels[] = {"error", "warning", "note"};
  json_t *item = json_object(), *stack = json_array(), *source = json_array();
  item = put(item, "level", json_string(levels[finding->level]));
  item = put(item, "rule", json_string(finding->rule));
  item = put(item, "name", text_value(finding->name));
  item = put(item, "file", finding->file ? text_value(finding->file) : json_null());
  item = put(item, "line", finding->line ? json_integer(finding->line) : json_null());
  item = put(item, "text", text_value(finding->text));
  item = put(item, "advice", finding->advice ? text_value(finding->advice) : json_null());
  if (finding->suppressed)
    item = put(item, "suppression", text_value(finding->suppressed));
  if (finding->reason)
    item = put(item, "reason", text_value(finding->reason));
  item = put(item, "growth", cell_value(&finding->growth));
  item = put(item, "interval", cell_value(&finding->interval));
  item = put(item, "before", cell_value(&finding->before));
  item = put(item, "after", cell_value(&finding->after));
  item = put(item, "allowed", cell_value(&finding->budget));
  for (size_t i = 0; i < finding->stack_count; i++)
    stack = add(stack, text_value(finding->stack[i]));
  item = put(item, "stack", stack);
  for (size_t i = 0; i < finding->source.count; i++) {
    json_t *line = json_object();
    line = put(line, "line", json_integer(finding->source.items[i].number));
    line = put(line, "text", text_value(finding->source.items[i].text));
    source = add(source, line);
  }
  return put(item, "source", source);
}

static void print_findings(const struct hd_view *view, const struct hd_style *style,
                           struct hd_buffer *out)
{
  (void)style;
  json_t *object = head_value(view), *findings = json_array();
  for (size_t i = 0; i < view->findings.count; i++)
    findings = add(findings, finding_value(&view->findings.items[i]));
  object = put(object, "findings", findings);
  dump(put(object, "rows", rows_value(&view->grid)), out);
}

extern const struct hd_report_format hd_report_json;
const struct hd_report_format hd_report_json = {.name = "json",
                                                 .grid = print_grid,
                                                 .source = print_source,
                                                 .chains = print_chains,
                                                 .evidence = print_evidence,
                                                 .findings = print_findings};
