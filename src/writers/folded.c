/* Folded stacks, as flame graph scripts take them: "root;...;leaf value" a line,
 * equal stacks added up. */
#include "writers/writer.h"

#include <inttypes.h>
#include <string.h>

struct fold {
  const struct hd_profile *profile;
  struct hd_buffer line;
  struct hd_strings stacks; /* each line once; its id - 1 is the place in `sums` */
  HD_VEC(double) sums;
};

/* A name must not hold what parts names and lines. */
static void append_name(struct hd_buffer *line, const char *text, size_t length)
{
  size_t start = line->length;
  hd_buffer_append(line, text, length);
  if (line->failed)
    return;
  for (char *c = line->data + start; c < line->data + line->length; c++) {
    if (*c == ';')
      *c = ':';
    else if ((unsigned char)*c < ' ' || *c == 0x7f)
      *c = ' ';
  }
}

static void append_string(struct fold *fold, uint32_t string)
{
  const struct hd_strings *strings = &fold->profile->strings;
  append_name(&fold->line, hd_strings_text(strings, string), hd_strings_length(strings, string));
}

static void append_frame(struct fold *fold, const struct hd_frame *frame)
{
  hd_buffer_puts(&fold->line, fold->line.length ? ";" : "");
  if (frame->function) {
    append_string(fold, frame->function);
    return;
  }
  append_string(fold, frame->file);
  hd_buffer_printf(&fold->line, ":%" PRIu32, frame->line);
}

static void append_address(struct fold *fold, const struct hd_location *location)
{
  const struct hd_strings *strings = &fold->profile->strings;
  hd_buffer_puts(&fold->line, fold->line.length ? ";" : "");
  const char *path = "";
  if (location->module)
    path = hd_strings_text(strings, fold->profile->modules.items[location->module - 1].path);
  path = path[0] ? hd_base_name(path) : "unknown";
  append_name(&fold->line, path, strlen(path));
  hd_buffer_printf(&fold->line, "+0x%" PRIx64, location->offset);
}

static void append_location(struct fold *fold, const struct hd_location *location)
{
  const struct hd_frame *frames = fold->profile->frames.items + location->first_frame;
  bool any = false;
  for (uint32_t i = location->frame_count; i-- > 0;)
    if (frames[i].function || frames[i].file) {
      append_frame(fold, &frames[i]);
      any = true;
    }
  if (!any)
    append_address(fold, location);
}

static void append_stack(struct fold *fold, uint32_t stack)
{
  const struct hd_profile *profile = fold->profile;
  hd_buffer_clear(&fold->line);
  if (!stack) {
    hd_buffer_puts(&fold->line, "[no stack]");
    return;
  }
  struct hd_span span = profile->stacks.items[stack - 1];
  for (uint32_t i = span.count; i-- > 0;) {
    uint32_t location = profile->stack_locations.items[span.first + i];
    append_location(fold, &profile->locations.items[location - 1]);
  }
}

static bool add(struct fold *fold, double value, struct hd_error *error)
{
  uint32_t id;
  if (fold->line.failed ||
      !hd_strings_intern(&fold->stacks, fold->line.data, fold->line.length, &id))
    return hd_fail_memory(error);
  while (fold->sums.count < id)
    if (!hd_vec_push(&fold->sums, 0))
      return hd_fail_memory(error);
  fold->sums.items[id - 1] += value;
  return true;
}

static bool print(struct fold *fold, enum hd_measure measure, struct hd_output *output,
                  struct hd_error *error)
{
  struct hd_rounding rounding = {0};
  for (uint32_t id = 1; id <= fold->sums.count; id++) {
    int64_t value = hd_round(&rounding, measure, fold->sums.items[id - 1]);
    if (!value)
      continue;
    hd_buffer_clear(&fold->line);
    hd_buffer_append(&fold->line, hd_strings_text(&fold->stacks, id),
                     hd_strings_length(&fold->stacks, id));
    hd_buffer_printf(&fold->line, " %" PRId64 "\n", value);
    if (fold->line.failed)
      return hd_fail_memory(error);
    if (!hd_output_put(output, fold->line.data, fold->line.length, error))
      return false;
  }
  return true;
}

static bool write_folded(const struct hd_profile *profile, const struct hd_write_options *options,
                         struct hd_output *output, struct hd_buffer *lost, struct hd_error *error)
{
  struct fold fold = {.profile = profile};
  bool fine = true;
  for (size_t i = 0; fine && i < profile->records.count; i++) {
    append_stack(&fold, profile->records.items[i].stack);
    fine = add(&fold, hd_profile_value(profile, i, options->measure), error);
  }
  fine = fine && print(&fold, options->measure, output, error);
  hd_buffer_deinit(&fold.line);
  hd_strings_deinit(&fold.stacks);
  hd_vec_deinit(&fold.sums);
  hd_buffer_printf(lost, "anything but function names and %s", hd_measures[options->measure].name);
  return fine;
}

extern const struct hd_writer hd_writer_folded;
const struct hd_writer hd_writer_folded = {
    .name = "folded",
    .summary = "a line a stack, root;...;leaf VALUE: flame graphs; names and one measure",
    .write = write_folded,
};
