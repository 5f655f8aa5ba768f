#include "writers/native.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* --- strings ---------------------------------------------------------------------- */

/* The length of the character of UTF-8 that begins here, 0 where none does (no
 * surrogates, nothing longer than need be: RFC 3629). */
static size_t character(const unsigned char *text, size_t length)
{
  static const struct {
    unsigned char mask, lead, least, most; /* of the second byte */
    size_t length;
  } forms[] = {
      {0xff, 0xe0, 0xa0, 0xbf, 3}, {0xff, 0xed, 0x80, 0x9f, 3}, {0xff, 0xf0, 0x90, 0xbf, 4},
      {0xff, 0xf4, 0x80, 0x8f, 4}, {0xe0, 0xc0, 0x80, 0xbf, 2}, {0xf0, 0xe0, 0x80, 0xbf, 3},
      {0xf8, 0xf0, 0x80, 0xbf, 4},
  };
  if (text[0] < 0x80)
    return text[0] != 0;
  if (text[0] == 0xc0 || text[0] == 0xc1 || text[0] > 0xf4)
    return 0;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    if ((text[0] & forms[i].mask) != forms[i].lead)
      continue;
    if (length < forms[i].length || text[1] < forms[i].least || text[1] > forms[i].most)
      return 0;
    for (size_t k = 2; k < forms[i].length; k++)
      if ((text[k] & 0xc0) != 0x80)
        return 0;
    return forms[i].length;
  }
  return 0;
}

static void add_text(struct hd_native_writer *writer, const char *text, size_t length)
{
  struct hd_buffer *line = &writer->line;
  hd_buffer_puts(line, "\"");
  for (size_t i = 0; i < length;) {
    size_t size = character((const unsigned char *)text + i, length - i);
    unsigned char c = (unsigned char)text[i];
    if (!size) {
      hd_buffer_puts(line, "?");
      writer->lost_bytes++;
      size = 1;
    } else if (c == '"' || c == '\\') {
      hd_buffer_printf(line, "\\%c", c);
    } else if (c < ' ') {
      hd_buffer_printf(line, "\\u%04x", c);
    } else {
      hd_buffer_append(line, text + i, size);
    }
    i += size;
  }
  hd_buffer_puts(line, "\"");
}

void hd_native_string(struct hd_native_writer *writer, uint32_t id)
{
  const struct hd_strings *strings = &writer->profile->strings;
  add_text(writer, hd_strings_text(strings, id), hd_strings_length(strings, id));
}

/* --- the header ------------------------------------------------------------------- */

static void member_text(struct hd_native_writer *writer, const char *key, const char *text)
{
  if (!text)
    return;
  hd_buffer_printf(&writer->line, ",\"%s\":", key);
  add_text(writer, text, strlen(text));
}

/* Left out where it is `unknown`. */
static void member_number(struct hd_native_writer *writer, const char *key, int64_t value,
                          int64_t unknown)
{
  if (value != unknown)
    hd_buffer_printf(&writer->line, ",\"%s\":%" PRId64, key, value);
}

/* What is left of the list of words: the first one, and all of them in one text. */
static void add_command(struct hd_native_writer *writer)
{
  const struct hd_meta *meta = &writer->profile->meta;
  struct hd_buffer *line = &writer->line;
  size_t first = meta->called ? strlen(meta->called) : 0;
  if (!meta->command)
    return;
  hd_buffer_puts(line, ",\"command\":[");
  if (meta->called && strncmp(meta->command, meta->called, first) == 0 &&
      (meta->command[first] == ' ' || !meta->command[first])) {
    add_text(writer, meta->called, first);
    if (meta->command[first]) {
      hd_buffer_puts(line, ",");
      add_text(writer, meta->command + first + 1, strlen(meta->command + first + 1));
    }
  } else {
    add_text(writer, meta->command, strlen(meta->command));
  }
  hd_buffer_puts(line, "]");
}

static void add_measures(struct hd_native_writer *writer)
{
  const char *before = "";
  hd_buffer_puts(&writer->line, ",\"measures\":[");
  for (int i = 0; i < HD_MEASURES; i++)
    if (writer->profile->has[i]) {
      hd_buffer_printf(&writer->line, "%s\"%s\"", before, hd_measures[i].name);
      before = ",";
    }
  hd_buffer_puts(&writer->line, "]");
}

static void add_memory(struct hd_native_writer *writer)
{
  const struct hd_meta *meta = &writer->profile->meta;
  struct hd_buffer *line = &writer->line;
  for (int i = 0; meta->resident.known && i < HD_RESIDENT_KINDS; i++)
    hd_buffer_printf(line, "%s\"%s\":%" PRIu64, i ? "," : ",\"resident\":{",
                     hd_resident_names[i], meta->resident.bytes[i]);
  if (meta->resident.known)
    hd_buffer_puts(line, "}");
  if (meta->malloc.known)
    hd_buffer_printf(line,
                     ",\"malloc\":{\"system\":%" PRIu64 ",\"used\":%" PRIu64
                     ",\"mapped\":%" PRIu64 "}",
                     meta->malloc.system, meta->malloc.used, meta->malloc.mapped);
}

static void add_costs(struct hd_native_writer *writer)
{
  const struct hd_recorder_costs *costs = &writer->profile->meta.costs;
  if (costs->cpu_ns)
    hd_buffer_printf(&writer->line,
                     ",\"cpu_ns\":%" PRIu64 ",\"agent\":{\"samples\":%" PRIu64
                     ",\"recording_ns\":%" PRIu64 ",\"writing_ns\":%" PRIu64
                     ",\"memory\":%" PRIu64 "}",
                     costs->cpu_ns, costs->samples, costs->recording_ns, costs->writing_ns,
                     costs->memory);
}

void hd_native_put_header(struct hd_native_writer *writer)
{
  const struct hd_meta *meta = &writer->profile->meta;
  struct hd_buffer *line = &writer->line;
  hd_buffer_puts(line, "{\"heapdiff\":1");
  member_text(writer, "kind", meta->kind ? meta->kind : "heap");
  member_text(writer, "host", meta->host);
  member_text(writer, "boot_id", meta->boot_id);
  member_number(writer, "pid", meta->pid, 0);
  member_number(writer, "start_ns", meta->start_ns, 0);
  member_number(writer, "image_ns", meta->image_ns, 0);
  if (meta->attached)
    hd_buffer_puts(line, ",\"attached\":true");
  member_number(writer, "time_ns", meta->time_ns, 0);
  member_number(writer, "mono_ns", meta->mono_ns, 0);
  member_number(writer, "sequence", meta->sequence, -1);
  member_text(writer, "reason", meta->reason);
  member_text(writer, "label", meta->label);
  member_text(writer, "program", meta->program);
  add_command(writer);
  member_text(writer, "recorder", meta->recorder);
  hd_buffer_printf(line, ",\"rate\":%" PRIu64, meta->rate ? meta->rate : 1);
  add_measures(writer);
  member_number(writer, "rss", meta->rss, -1);
  member_number(writer, "rss_peak", meta->rss_peak, -1);
  member_number(writer, "system", meta->system, -1);
  member_number(writer, "system_free", meta->system_free, -1);
  member_number(writer, "threads", meta->threads, -1);
  member_text(writer, "allocator", meta->allocator);
  hd_buffer_printf(line, ",\"limits\":{\"cgroup\":%" PRId64 ",\"rlimit\":%" PRId64 "}",
                   meta->limit_cgroup, meta->limit_rlimit);
  add_memory(writer);
  add_costs(writer);
  hd_buffer_printf(line, ",\"dropped\":{\"stacks\":%" PRIu64 ",\"allocations\":%" PRIu64 "}",
                   meta->dropped_stacks, meta->dropped_allocations);
  member_number(writer, "truncated_stacks", (int64_t)meta->truncated_stacks, 0);
  member_number(writer, "failed_snapshots", (int64_t)meta->failed_snapshots, 0);
  hd_buffer_puts(line, "}");
}

/* --- records ---------------------------------------------------------------------- */

/* But for the last bits, which depend on the order of multiplications. */
static bool same(double a, double b)
{
  return fabs(a - b) <= 4 * DBL_EPSILON * fabs(b);
}

/* The raw count behind an estimate; false where it is none. */
static bool raw_count(const struct hd_native_writer *writer, size_t index, double weight,
                      enum hd_measure objects, uint64_t *count)
{
  const struct hd_profile *profile = writer->profile;
  enum hd_measure space = hd_measures[objects].sibling;
  const struct hd_record *record = &profile->records.items[index];
  *count = 0;
  if (!profile->has[objects] && !profile->has[space])
    return true;
  if (!profile->has[objects] || !profile->has[space])
    return false;
  double value = hd_profile_value(profile, index, objects);
  double raw = floor(value / weight + .5);
  *count = raw >= 0 ? (uint64_t)raw : 0;
  return raw >= 0 && same(value, raw * weight) &&
         same(hd_profile_value(profile, index, space), raw * weight * (double)record->size);
}

/* Whether raw counts give the same values again: the record has one size, and was
 * unsampled as heapdiff-snapshot(5) says. */
static bool add_counts(struct hd_native_writer *writer, size_t index)
{
  const struct hd_record *record = &writer->profile->records.items[index];
  uint64_t live, alloc;
  double weight =
      record->rate > 1 ? -1 / expm1(-((double)record->size + 1) / (double)record->rate) : 1;
  for (int i = 0; i < HD_MEASURES; i++)
    if (writer->profile->has[i] && i != HD_INUSE_SPACE && i != HD_INUSE_OBJECTS &&
        i != HD_ALLOC_SPACE && i != HD_ALLOC_OBJECTS)
      return false;
  if (!record->rate || record->size > INT64_MAX || !same(record->weight, weight) ||
      !raw_count(writer, index, weight, HD_INUSE_OBJECTS, &live) ||
      !raw_count(writer, index, weight, HD_ALLOC_OBJECTS, &alloc))
    return false;
  hd_buffer_printf(&writer->line,
                   "\"size\":%" PRIu64 ",\"rate\":%" PRIu64 ",\"live\":%" PRIu64
                   ",\"alloc\":%" PRIu64,
                   record->size, record->rate, live, alloc);
  return true;
}

static void add_values(struct hd_native_writer *writer, size_t index)
{
  const struct hd_record *record = &writer->profile->records.items[index];
  struct hd_buffer *line = &writer->line;
  const char *before = "";
  if (record->size && record->size <= INT64_MAX)
    hd_buffer_printf(line, "\"size\":%" PRIu64 ",", record->size);
  if (record->rate)
    hd_buffer_printf(line, "\"rate\":%" PRIu64 ",", record->rate);
  hd_buffer_puts(line, "\"values\":[");
  for (int i = 0; i < HD_MEASURES; i++)
    if (writer->profile->has[i]) {
      double value = hd_profile_value(writer->profile, index, (enum hd_measure)i);
      hd_buffer_printf(line, "%s%" PRId64, before,
                       hd_round(&writer->rounding, (enum hd_measure)i, value));
      before = ",";
    }
  hd_buffer_puts(line, "]");
}

/* Whether a string can be written as it is: then it is told apart from all others. */
static bool is_clean(const struct hd_native_writer *writer, uint32_t id)
{
  const char *text = hd_strings_text(&writer->profile->strings, id);
  size_t length = hd_strings_length(&writer->profile->strings, id), size;
  for (size_t i = 0; i < length; i += size) {
    size = character((const unsigned char *)text + i, length - i);
    if (!size)
      return false;
  }
  return true;
}

/* An object has a key once; of more values under one key the first stays. */
static void add_labels(struct hd_native_writer *writer, uint32_t set)
{
  struct hd_buffer *line = &writer->line;
  struct hd_span span = writer->profile->label_sets.items[set - 1];
  const struct hd_label *labels = writer->profile->labels.items + span.first;
  uint32_t written = 0;
  hd_buffer_puts(line, ",\"labels\":{");
  for (uint32_t i = 0; i < span.count; i++) {
    bool again = written == HD_NATIVE_MAX_LABELS || !is_clean(writer, labels[i].key);
    for (uint32_t k = 0; k < i && !again; k++)
      again = labels[k].key == labels[i].key;
    writer->lost_labels += again || labels[i].unit;
    if (again)
      continue;
    hd_buffer_puts(line, written++ ? "," : "");
    hd_native_string(writer, labels[i].key);
    hd_buffer_puts(line, ":");
    if (labels[i].text)
      hd_native_string(writer, labels[i].text);
    else
      hd_buffer_printf(line, "%" PRId64, labels[i].number);
  }
  hd_buffer_puts(line, "}");
}

/* Ages come in the order of their records. */
static void add_ages(struct hd_native_writer *writer, size_t index)
{
  const struct hd_profile *profile = writer->profile;
  bool any = false;
  for (; writer->next_age < profile->ages.count; writer->next_age++) {
    const struct hd_age *age = &profile->ages.items[writer->next_age];
    if (age->record != index + 1)
      break;
    hd_buffer_printf(&writer->line, "%s[%" PRIu32 ",%" PRIu64 "]", any ? "," : ",\"ages\":[",
                     age->log2, age->count);
    any = true;
  }
  hd_buffer_puts(&writer->line, any ? "]" : "");
}

void hd_native_record(struct hd_native_writer *writer, size_t index)
{
  const struct hd_record *record = &writer->profile->records.items[index];
  hd_buffer_puts(&writer->line, "{");
  if (!add_counts(writer, index))
    add_values(writer, index);
  if (record->labels)
    add_labels(writer, record->labels);
  add_ages(writer, index);
  hd_buffer_puts(&writer->line, "}");
}
