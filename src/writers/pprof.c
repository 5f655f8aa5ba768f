/* profile.proto, gzip'd, by the conventions of Go's runtime: sample types from
 * alloc_objects to inuse_space (the last one is what tools show first), the size of
 * objects under the label "bytes", the sampling interval as a period of space in
 * bytes. https://github.com/google/pprof/blob/main/proto/profile.proto */
#include "writers/pprof.h"

#include <string.h>

/* The number of a string in the file. */
static uint64_t string_of(struct hd_pprof_writer *writer, const char *text, size_t length)
{
  uint32_t id;
  if (hd_strings_intern(&writer->strings, text, length, &id))
    return id;
  writer->failed = true;
  return 0;
}

static uint64_t text_of(struct hd_pprof_writer *writer, const char *text)
{
  return text ? string_of(writer, text, strlen(text)) : 0;
}

uint64_t hd_pprof_writer_string(struct hd_pprof_writer *writer, uint32_t id)
{
  const struct hd_strings *strings = &writer->profile->strings;
  if (id && !writer->numbers[id])
    writer->numbers[id] =
        (uint32_t)string_of(writer, hd_strings_text(strings, id), hd_strings_length(strings, id));
  return id ? writer->numbers[id] : 0;
}

bool hd_pprof_writer_put(struct hd_pprof_writer *writer, uint32_t field, const void *data,
                         size_t length)
{
  hd_buffer_clear(&writer->frame);
  hd_encode_bytes(&writer->frame, field, data, length);
  if (writer->failed || writer->frame.failed)
    return hd_fail_memory(writer->error);
  return hd_output_put(writer->output, writer->frame.data, writer->frame.length, writer->error);
}

static bool put_message(struct hd_pprof_writer *writer, uint32_t field)
{
  writer->failed |= writer->message.failed;
  return hd_pprof_writer_put(writer, field, writer->message.data, writer->message.length);
}

static bool put_type(struct hd_pprof_writer *writer, uint32_t field, const char *type,
                     const char *unit)
{
  hd_buffer_clear(&writer->message);
  hd_encode_number(&writer->message, 1, text_of(writer, type));
  hd_encode_number(&writer->message, 2, text_of(writer, unit));
  return put_message(writer, field);
}

/* As Go has it: what its profiles count is named after them. */
static const char *type_name(const struct hd_profile *profile, enum hd_measure measure)
{
  bool counts = measure == HD_GOROUTINES || measure == HD_THREADS;
  return counts && profile->meta.kind ? profile->meta.kind : hd_measures[measure].name;
}

/* The measures that the profile has, in the order that Go has them. */
static bool put_types(struct hd_pprof_writer *writer)
{
  static const char *const units[] = {"bytes", "count", "nanoseconds"};
  for (int i = HD_MEASURES; i-- > 0;) {
    if (!writer->profile->has[i])
      continue;
    writer->measures[writer->measure_count++] = (enum hd_measure)i;
    if (!put_type(writer, HD_PPROF_W_SAMPLE_TYPE, type_name(writer->profile, (enum hd_measure)i),
                  units[hd_measures[i].unit]))
      return false;
  }
  return true;
}

/* --- samples ------------------------------------------------------------------ */

static void encode_label(struct hd_pprof_writer *writer, uint64_t key, uint64_t text,
                         int64_t number, uint64_t unit)
{
  struct hd_buffer *part = &writer->part;
  hd_buffer_clear(part);
  hd_encode_number(part, 1, key);
  hd_encode_number(part, 2, text);
  hd_encode_number(part, 3, (uint64_t)number);
  hd_encode_number(part, 4, unit);
  writer->failed |= part->failed;
  hd_encode_bytes(&writer->message, 3, part->data, part->length);
}

/* The number under "bytes" is the size of the objects: no other can be there. */
static bool is_size(const struct hd_pprof_writer *writer, const struct hd_label *label)
{
  return !label->text &&
         strcmp(hd_strings_text(&writer->profile->strings, label->key), "bytes") == 0;
}

static void encode_labels(struct hd_pprof_writer *writer, const struct hd_record *record)
{
  const struct hd_profile *profile = writer->profile;
  if (record->labels) {
    struct hd_span span = profile->label_sets.items[record->labels - 1];
    for (uint32_t i = 0; i < span.count; i++) {
      const struct hd_label *label = &profile->labels.items[span.first + i];
      bool empty = !label->text && !label->number && !label->unit;
      writer->lost_labels += empty || is_size(writer, label);
      if (!empty && !is_size(writer, label))
        encode_label(writer, hd_pprof_writer_string(writer, label->key),
                     hd_pprof_writer_string(writer, label->text), label->number,
                     hd_pprof_writer_string(writer, label->unit));
    }
  }
  if (record->size && record->size <= INT64_MAX)
    encode_label(writer, text_of(writer, "bytes"), 0, (int64_t)record->size, 0);
}

static bool put_sample(struct hd_pprof_writer *writer, size_t index)
{
  const struct hd_profile *profile = writer->profile;
  const struct hd_record *record = &profile->records.items[index];
  struct hd_buffer *part = &writer->part;
  hd_buffer_clear(&writer->message);
  hd_buffer_clear(part);
  if (record->stack) {
    struct hd_span span = profile->stacks.items[record->stack - 1];
    for (uint32_t i = 0; i < span.count; i++)
      hd_encode_varint(part, profile->stack_locations.items[span.first + i]);
    hd_encode_bytes(&writer->message, 1, part->data, part->length);
    hd_buffer_clear(part);
  }
  for (size_t i = 0; i < writer->measure_count; i++) {
    enum hd_measure measure = writer->measures[i];
    double value = hd_profile_value(profile, index, measure);
    hd_encode_varint(part, (uint64_t)hd_round(&writer->rounding, measure, value));
  }
  hd_encode_bytes(&writer->message, 2, part->data, part->length);
  writer->failed |= part->failed;
  encode_labels(writer, record);
  return put_message(writer, HD_PPROF_W_SAMPLE);
}

static bool put_samples(struct hd_pprof_writer *writer)
{
  for (size_t i = 0; i < writer->profile->records.count; i++)
    if (!put_sample(writer, i))
      return false;
  return true;
}

/* --- the rest ------------------------------------------------------------------ */

static bool put_strings(struct hd_pprof_writer *writer)
{
  if (!hd_pprof_writer_put(writer, HD_PPROF_W_STRING, "", 0))
    return false;
  for (uint32_t id = 1; id <= writer->strings.items.count; id++)
    if (!hd_pprof_writer_put(writer, HD_PPROF_W_STRING, hd_strings_text(&writer->strings, id),
                             hd_strings_length(&writer->strings, id)))
      return false;
  return true;
}

static bool put_meta(struct hd_pprof_writer *writer)
{
  const struct hd_profile *profile = writer->profile;
  const struct hd_meta *meta = &profile->meta;
  bool counts = profile->has[HD_GOROUTINES] || profile->has[HD_THREADS];
  if (meta->rate && !put_type(writer, HD_PPROF_W_PERIOD_TYPE,
                              counts && meta->kind ? meta->kind : "space",
                              counts ? "count" : "bytes"))
    return false;
  struct hd_buffer *out = &writer->message;
  hd_buffer_clear(out);
  hd_encode_number(out, HD_PPROF_W_TIME, (uint64_t)meta->time_ns);
  hd_encode_number(out, HD_PPROF_W_DURATION, (uint64_t)meta->duration_ns);
  hd_encode_number(out, HD_PPROF_W_PERIOD, meta->rate);
  for (size_t i = 0; i < profile->comments.count; i++)
    hd_encode_number(out, HD_PPROF_W_COMMENT,
                     hd_pprof_writer_string(writer, profile->comments.items[i]));
  hd_encode_number(out, HD_PPROF_W_DEFAULT_TYPE, text_of(writer, meta->default_measure));
  if (writer->failed || out->failed)
    return hd_fail_memory(writer->error);
  return hd_output_put(writer->output, hd_buffer_text(out), out->length, writer->error);
}

static bool any_truncated(const struct hd_profile *profile)
{
  for (size_t i = 0; i < profile->stack_truncated.count; i++)
    if (profile->stack_truncated.items[i])
      return true;
  return profile->meta.truncated_stacks > 0;
}

/* What a reader makes of the sample types: those of the first measure, but for what is
 * named after its kind. */
static const char *kind_read_back(const struct hd_pprof_writer *writer)
{
  const struct hd_profile *profile = writer->profile;
  for (int i = 0; i < HD_MEASURES; i++)
    if (profile->has[i])
      return i == HD_GOROUTINES && strcmp(profile->meta.kind, "goroutineleak") == 0
                 ? profile->meta.kind
                 : hd_measures[i].kind;
  return "";
}

static void say_lost(const struct hd_pprof_writer *writer, struct hd_buffer *lost)
{
  const struct hd_meta *meta = &writer->profile->meta;
  if (meta->host || meta->pid || meta->command)
    hd_lost(lost, 0, "host, process and command");
  if (meta->mono_ns || meta->sequence >= 0 || meta->reason)
    hd_lost(lost, 0, "the place in its series");
  if (meta->rss >= 0 || meta->rss_peak >= 0 || meta->threads >= 0)
    hd_lost(lost, 0, "RSS and threads");
  if (meta->system >= 0)
    hd_lost(lost, 0, "memory from the system");
  if (meta->limit_cgroup || meta->limit_rlimit)
    hd_lost(lost, 0, "memory limits");
  if (meta->recorder || meta->allocator)
    hd_lost(lost, 0, "recorder and allocator");
  if (meta->costs.cpu_ns)
    hd_lost(lost, 0, "CPU time and the recorder's share");
  if (meta->dropped_allocations || meta->dropped_stacks || meta->failed_snapshots)
    hd_lost(lost, 0, "what the recorder had to drop");
  if (meta->threshold)
    hd_lost(lost, 0, "the size below which rows are left out");
  if (writer->profile->ages.count)
    hd_lost(lost, 0, "ages of objects");
  if (meta->kind && strcmp(meta->kind, kind_read_back(writer)) != 0)
    hd_lost(lost, 0, "the kind of the snapshot");
  for (int i = 0; i < HD_MEASURES; i++)
    if (writer->profile->has[i] && hd_measures[i].merge == HD_MERGE_MAX)
      hd_lost(lost, 0, "that a wait is the longest one (go tool pprof adds them up)");
  if (any_truncated(writer->profile))
    hd_lost(lost, 0, "which stacks are cut");
  if (writer->lost_labels)
    hd_lost(lost, writer->lost_labels, "labels that are empty or named bytes");
  if (writer->lost_places)
    hd_lost(lost, writer->lost_places, "addresses' modules");
  if (writer->rounding.rounded)
    hd_lost(lost, 0, "fractions of estimates (values are rounded, the totals kept)");
}

static bool write_pprof(const struct hd_profile *profile, const struct hd_write_options *options,
                        struct hd_output *output, struct hd_buffer *lost, struct hd_error *error)
{
  (void)options;
  struct hd_pprof_writer writer = {.profile = profile, .output = output, .error = error};
  writer.numbers = hd_alloc_zeroed(profile->strings.items.count + 1, sizeof *writer.numbers);
  bool fine = writer.numbers || hd_fail_memory(error);
  fine = fine && put_types(&writer) && put_samples(&writer) && hd_pprof_write_frames(&writer) &&
         put_meta(&writer) && put_strings(&writer);
  if (fine)
    say_lost(&writer, lost);
  hd_strings_deinit(&writer.strings);
  hd_buffer_deinit(&writer.message);
  hd_buffer_deinit(&writer.part);
  hd_buffer_deinit(&writer.frame);
  hd_free(writer.numbers);
  return fine;
}

const struct hd_writer hd_writer_pprof = {
    .name = "pprof",
    .summary = "profile.proto, gzip'd: go tool pprof, Parca, Pyroscope",
    .binary = true,
    .compressed = true,
    .write = write_pprof,
};
