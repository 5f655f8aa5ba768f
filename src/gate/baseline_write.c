#include "gate/baseline.h"

#include <heapdiff/version.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_escaped(struct hd_buffer *out, const char *text)
{
  static const char controls[] = "\t\n\r", letters[] = "tnr";
  for (const char *c = text; *c; c++) {
    const char *control = strchr(controls, *c);
    if (control || strchr(";@+~\\", *c))
      hd_buffer_puts(out, "\\");
    hd_buffer_append(out, control ? &letters[control - controls] : c, 1);
  }
}

static void put_chain(const struct hd_side *side, const struct hd_side_row *row,
                      struct hd_buffer *out)
{
  const struct hd_strings *strings = side->frames->strings;
  for (uint32_t i = 0; i < row->count; i++) {
    const struct hd_side_frame *frame =
        hd_side_frame_at(side->frames, side->chain.items[row->first + i]);
    hd_buffer_puts(out, i ? ";" : "");
    put_escaped(out, hd_strings_text(strings, frame->function));
    if (!frame->file)
      continue;
    hd_buffer_puts(out, "@");
    put_escaped(out, hd_strings_text(strings, frame->file));
    if (frame->line != HD_NO_LINE)
      hd_buffer_printf(out, "%s%" PRId32, frame->lowest ? "~" : "+", frame->line);
  }
}

/* The values of one row and measure, of each run. */
static void put_values(const struct hd_side *side, const double *runs, double variance,
                       struct hd_buffer *out)
{
  for (size_t r = 0; r < side->runs; r++)
    hd_buffer_printf(out, "%s%.0f", r ? "|" : "", runs[r]);
  if (variance > 0)
    hd_buffer_printf(out, "~%.4g", variance);
}

struct line {
  char *text;
};

static int by_text(const void *left, const void *right)
{
  return strcmp(((const struct line *)left)->text, ((const struct line *)right)->text);
}

static bool make_line(const struct hd_side *side, size_t row, const double *values,
                      struct line *line)
{
  struct hd_buffer out = HD_BUFFER_INIT;
  put_chain(side, &side->rows.items[row], &out);
  hd_buffer_printf(&out, "\trate=%" PRIu64, side->rate);
  for (size_t c = 0; c < side->columns; c++) {
    const struct hd_side_amount *amount = &side->amounts.items[row * side->columns + c];
    if (amount->value == 0 || side->column[side->measures[c]] < 0)
      continue;
    hd_buffer_printf(&out, " %s=", hd_measures[side->measures[c]].name);
    put_values(side, values + (row * side->columns + c) * side->runs, amount->variance, &out);
  }
  line->text = out.data;
  return !out.failed;
}

static bool put_lines(const struct hd_side *side, const double *values, struct hd_buffer *out)
{
  size_t count = side->rows.count;
  struct line *lines = hd_alloc_zeroed(count, sizeof *lines);
  bool fine = lines != NULL;
  for (size_t i = 0; fine && i < count; i++)
    fine = make_line(side, i, values, &lines[i]);
  if (fine && count)
    qsort(lines, count, sizeof *lines, by_text);
  for (size_t i = 0; lines && i < count; i++) {
    if (fine) {
      hd_buffer_puts(out, lines[i].text);
      hd_buffer_puts(out, "\n");
    }
    hd_free(lines[i].text);
  }
  hd_free(lines);
  return fine && !out->failed;
}

bool hd_baseline_write(const struct hd_side *side, const char *program, struct hd_buffer *out,
                       struct hd_error *error)
{
  HD_SCOPED_FREE double *values = hd_alloc_zeroed(side->amounts.count * side->runs, sizeof *values);
  if (!values)
    return hd_fail_memory(error);
  for (size_t i = 0; i < side->run_values.count; i++) {
    const struct hd_side_run_value *of = &side->run_values.items[i];
    /* Of a merge some lines have more runs than all. */
    if (of->run < side->runs)
      values[(of->row * side->columns + of->column) * side->runs + of->run] = of->value;
  }
  hd_buffer_printf(out, "heapdiff-baseline 1\n# heapdiff %s: `heapdiff baseline update` writes "
                        "this file anew\n", HEAPDIFF_VERSION);
  if (program) {
    hd_buffer_puts(out, "program ");
    put_escaped(out, program);
    hd_buffer_puts(out, "\n");
  }
  hd_buffer_puts(out, "measures");
  for (size_t c = 0; c < side->columns; c++)
    if (side->column[side->measures[c]] >= 0)
      hd_buffer_printf(out, " %s", hd_measures[side->measures[c]].name);
  hd_buffer_puts(out, "\n");
  return put_lines(side, values, out) || hd_fail_memory(error);
}
