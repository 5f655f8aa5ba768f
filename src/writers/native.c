/* The native snapshot: JSON Lines, man/heapdiff-snapshot.5. Strings, modules, frames
 * and stacks come in the profile's order. */
#include "writers/native.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* How much goes on one line: a line is read as one piece. */
enum { STRINGS_A_LINE = 256, FRAMES_A_LINE = 256, RECORDS_A_LINE = 256 };

bool hd_native_flush(struct hd_native_writer *writer)
{
  struct hd_buffer *line = &writer->line;
  hd_buffer_puts(line, "\n");
  if (line->failed)
    return hd_fail_memory(writer->error);
  bool fine = hd_output_put(writer->output, line->data, line->length, writer->error);
  hd_buffer_clear(line);
  return fine;
}

/* --- strings and modules -------------------------------------------------------- */

/* The linkage name, which readers make the name for people of again; where that
 * would come out differently, the name for people. */
static uint32_t written_name(struct hd_native_writer *writer, const struct hd_frame *frame)
{
  const struct hd_strings *strings = &writer->profile->strings;
  if (!frame->system_name || !frame->function)
    return frame->function ? frame->function : frame->system_name;
  struct hd_arena scratch = HD_ARENA_INIT;
  const char *made =
      writer->options->demangle
          ? writer->options->demangle(&scratch, hd_strings_text(strings, frame->system_name))
          : "";
  bool same = made && strcmp(made, hd_strings_text(strings, frame->function)) == 0;
  writer->line.failed |= !made;
  hd_arena_deinit(&scratch);
  writer->lost_names += !same;
  return same ? frame->system_name : frame->function;
}

static bool put_string(struct hd_native_writer *writer, uint32_t id)
{
  struct hd_buffer *line = &writer->line;
  if (!id || writer->numbers[id])
    return true;
  hd_buffer_puts(line, line->length ? "," : "{\"strings\":[");
  hd_native_string(writer, id);
  writer->numbers[id] = ++writer->strings;
  if (writer->strings % STRINGS_A_LINE)
    return true;
  hd_buffer_puts(line, "]}");
  return hd_native_flush(writer);
}

static bool put_strings(struct hd_native_writer *writer)
{
  const struct hd_profile *profile = writer->profile;
  for (size_t i = 0; i < profile->frames.count; i++) {
    writer->names[i] = written_name(writer, &profile->frames.items[i]);
    if (!put_string(writer, writer->names[i]) || !put_string(writer, profile->frames.items[i].file))
      return false;
  }
  if (!writer->line.length)
    return true;
  hd_buffer_puts(&writer->line, "]}");
  return hd_native_flush(writer);
}

/* An integer of JSON has 63 bits here: what is higher up (the vsyscall page) is left
 * out, it is for people. */
static void add_place(struct hd_buffer *line, const char *key, uint64_t value)
{
  if (value && value <= INT64_MAX)
    hd_buffer_printf(line, ",\"%s\":%" PRIu64, key, value);
}

static bool put_modules(struct hd_native_writer *writer)
{
  struct hd_buffer *line = &writer->line;
  for (size_t i = 0; i < writer->profile->modules.count; i++) {
    const struct hd_module *module = &writer->profile->modules.items[i];
    hd_buffer_puts(line, "{\"module\":{\"path\":");
    hd_native_string(writer, module->path);
    if (module->build_id) {
      hd_buffer_puts(line, ",\"build_id\":");
      hd_native_string(writer, module->build_id);
    }
    add_place(line, "load", module->start > module->offset ? module->start - module->offset : 0);
    add_place(line, "size", module->limit > module->start ? module->limit - module->start : 0);
    add_place(line, "offset", module->offset);
    hd_buffer_puts(line, module->by_address ? ",\"by_address\":true}}" : "}}");
    if (!hd_native_flush(writer))
      return false;
  }
  return true;
}

/* --- frames ----------------------------------------------------------------------- */

static void add_number(struct hd_native_writer *writer, uint32_t string)
{
  if (string)
    hd_buffer_printf(&writer->line, "%" PRIu32, writer->numbers[string] - 1);
  else
    hd_buffer_puts(&writer->line, "null");
}

/* [module, offset] or [module, offset, symbols] */
static void add_frame(struct hd_native_writer *writer, const struct hd_location *location)
{
  struct hd_buffer *line = &writer->line;
  uint32_t count = location->frame_count;
  if (location->module && location->offset <= INT64_MAX)
    hd_buffer_printf(line, "[%" PRIu32 ",", location->module - 1);
  else
    hd_buffer_puts(line, "[null,");
  hd_buffer_printf(line, "%" PRId64, (int64_t)location->offset);
  writer->lost_places += location->module && location->offset > INT64_MAX;
  if (count > HD_NATIVE_MAX_INLINED) {
    writer->lost_inlined += count - HD_NATIVE_MAX_INLINED;
    count = HD_NATIVE_MAX_INLINED;
  }
  for (uint32_t i = 0; i < count; i++) {
    const struct hd_frame *frame = &writer->profile->frames.items[location->first_frame + i];
    hd_buffer_puts(line, i ? ",[" : ",[[");
    add_number(writer, writer->names[location->first_frame + i]);
    hd_buffer_puts(line, ",");
    add_number(writer, frame->file);
    hd_buffer_printf(line, ",%" PRIu32 ",%" PRIu32 "]", frame->line <= INT32_MAX ? frame->line : 0,
                     frame->start_line <= INT32_MAX ? frame->start_line : 0);
  }
  hd_buffer_puts(line, count ? "]]" : "]");
}

static bool put_frames(struct hd_native_writer *writer)
{
  struct hd_buffer *line = &writer->line;
  size_t count = writer->profile->locations.count;
  for (size_t i = 0; i < count; i++) {
    hd_buffer_puts(line, line->length ? "," : "{\"frames\":[");
    add_frame(writer, &writer->profile->locations.items[i]);
    if ((i + 1) % FRAMES_A_LINE && i + 1 < count)
      continue;
    hd_buffer_puts(line, "]}");
    if (!hd_native_flush(writer))
      return false;
  }
  return true;
}

/* --- stacks ----------------------------------------------------------------------- */

static void begin_stack(struct hd_native_writer *writer, uint32_t stack)
{
  const struct hd_profile *profile = writer->profile;
  struct hd_buffer *line = &writer->line;
  struct hd_span span = stack ? profile->stacks.items[stack - 1] : (struct hd_span){0};
  hd_buffer_puts(line, "{\"stack\":[");
  for (uint32_t i = 0; i < span.count; i++)
    hd_buffer_printf(line, i ? ",%" PRIu32 : "%" PRIu32,
                     profile->stack_locations.items[span.first + i] - 1);
  hd_buffer_puts(line, "]");
  if (stack && profile->stack_truncated.items[stack - 1])
    hd_buffer_puts(line, ",\"truncated\":true");
  hd_buffer_puts(line, ",\"records\":[");
  writer->stacks++;
}

/* A stack is written once for each run of records that it has. */
static bool put_stacks(struct hd_native_writer *writer)
{
  const struct hd_profile *profile = writer->profile;
  size_t count = profile->records.count;
  for (size_t i = 0, run = 0; i < count; i++) {
    uint32_t stack = profile->records.items[i].stack;
    if (run)
      hd_buffer_puts(&writer->line, ",");
    else
      begin_stack(writer, stack);
    hd_native_record(writer, i);
    bool goes_on = i + 1 < count && profile->records.items[i + 1].stack == stack;
    run = goes_on && run + 1 < RECORDS_A_LINE ? run + 1 : 0;
    if (run)
      continue;
    hd_buffer_puts(&writer->line, "]}");
    if (!hd_native_flush(writer))
      return false;
  }
  return true;
}

static bool put_end(struct hd_native_writer *writer)
{
  const struct hd_profile *profile = writer->profile;
  hd_buffer_printf(&writer->line,
                   "{\"end\":{\"strings\":%" PRIu32 ",\"modules\":%zu,\"frames\":%zu,"
                   "\"stacks\":%zu,\"records\":%zu}}",
                   writer->strings, profile->modules.count, profile->locations.count,
                   writer->stacks, profile->records.count);
  return hd_native_flush(writer);
}

static void say_lost(const struct hd_native_writer *writer, struct hd_buffer *lost)
{
  const struct hd_profile *profile = writer->profile;
  if (profile->comments.count)
    hd_lost(lost, profile->comments.count, profile->comments.count > 1 ? "comments" : "comment");
  if (profile->meta.duration_ns)
    hd_lost(lost, 0, "the duration");
  if (profile->meta.default_measure)
    hd_lost(lost, 0, "the default sample type");
  if (!profile->meta.rate)
    hd_lost(lost, 0, "that the sampling rate is unknown (1 is written)");
  if (profile->meta.threshold)
    hd_lost(lost, 0, "the size below which rows are left out");
  if (writer->lost_names)
    hd_lost(lost, writer->lost_names, "linkage names");
  if (writer->lost_labels)
    hd_lost(lost, writer->lost_labels, "labels or units of labels");
  if (writer->lost_places)
    hd_lost(lost, writer->lost_places, "addresses' modules");
  if (writer->lost_inlined)
    hd_lost(lost, writer->lost_inlined, "inlined frames");
  if (writer->lost_bytes)
    hd_lost(lost, writer->lost_bytes, "bytes of text that are not UTF-8");
  if (writer->rounding.rounded)
    hd_lost(lost, 0, "fractions of estimates (values are rounded, the totals kept)");
}

static bool write_native(const struct hd_profile *profile, const struct hd_write_options *options,
                         struct hd_output *output, struct hd_buffer *lost, struct hd_error *error)
{
  struct hd_native_writer writer = {
      .profile = profile, .options = options, .output = output, .error = error};
  writer.numbers = hd_alloc_zeroed(profile->strings.items.count + 1, sizeof *writer.numbers);
  writer.names = hd_alloc_zeroed(profile->frames.count + 1, sizeof *writer.names);
  bool fine = (writer.numbers && writer.names) || hd_fail_memory(error);
  if (fine)
    hd_native_put_header(&writer);
  fine = fine && hd_native_flush(&writer) && put_strings(&writer) && put_modules(&writer) &&
         put_frames(&writer) && put_stacks(&writer) && put_end(&writer);
  if (fine)
    say_lost(&writer, lost);
  hd_buffer_deinit(&writer.line);
  hd_free(writer.numbers);
  hd_free(writer.names);
  return fine;
}

extern const struct hd_writer hd_writer_native;
const struct hd_writer hd_writer_native = {
    .name = "native",
    .summary = "heapdiff's own, heapdiff-snapshot(5); gzip'd where FILE ends in .gz",
    .write = write_native,
};
