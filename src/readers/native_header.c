/* The header line of a native snapshot, and the checked access to members. */
#include "readers/native.h"

#include <inttypes.h>
#include <string.h>

enum { VERSION = 1 };

bool hd_native_text(struct hd_native *native, json_t *object, const char *key, const char **out,
                    struct hd_error *error)
{
  json_t *value = json_object_get(object, key);
  if (!value || json_is_null(value))
    return true;
  if (!json_is_string(value))
    return hd_fail_line(error, native->line, "\"%s\" is not a string", key);
  *out = hd_profile_text(native->profile, json_string_value(value), json_string_length(value));
  return *out || hd_fail_memory(error);
}

bool hd_native_int(struct hd_native *native, json_t *object, const char *key, int64_t *out,
                   struct hd_error *error)
{
  json_t *value = json_object_get(object, key);
  if (!value || json_is_null(value))
    return true;
  if (!json_is_integer(value))
    return hd_fail_line(error, native->line, "\"%s\" is not a whole number", key);
  *out = json_integer_value(value);
  return true;
}

bool hd_native_uint(struct hd_native *native, json_t *object, const char *key, uint64_t *out,
                    struct hd_error *error)
{
  int64_t value = (int64_t)*out;
  if (!hd_native_int(native, object, key, &value, error))
    return false;
  if (value < 0)
    return hd_fail_line(error, native->line, "\"%s\" is negative", key);
  *out = (uint64_t)value;
  return true;
}

/* Unless it is true, the recording began with the program. */
static bool read_attached(struct hd_native *native, json_t *object, struct hd_error *error)
{
  json_t *value = json_object_get(object, "attached");
  if (value && !json_is_boolean(value))
    return hd_fail_line(error, native->line, "\"attached\" is neither true nor false");
  native->profile->meta.attached = json_is_true(value);
  return true;
}

static bool read_measures(struct hd_native *native, json_t *object, struct hd_error *error)
{
  json_t *list = json_object_get(object, "measures");
  if (!json_is_array(list) || !json_array_size(list))
    return hd_fail_line(error, native->line, "the header names no \"measures\"");
  size_t count = json_array_size(list);
  if (count > sizeof native->known / sizeof *native->known)
    return hd_fail_line(error, native->line, "the header names %zu measures, more than there are",
                        count);
  native->position_count = count;
  for (size_t i = 0; i < count; i++) {
    json_t *name = json_array_get(list, i);
    if (!json_is_string(name))
      return hd_fail_line(error, native->line, "\"measures\" holds something else than names");
    enum hd_measure measure;
    native->known[i] = hd_measure_find(json_string_value(name), json_string_length(name), &measure);
    if (!native->known[i])
      continue;
    if (native->profile->has[measure])
      return hd_fail_line(error, native->line, "measure \"%s\" is named twice",
                          json_string_value(name));
    native->measures[native->measure_count++] = measure;
    hd_profile_declare(native->profile, measure);
  }
  if (native->measure_count)
    return true;
  return hd_fail_line(error, native->line, "none of the measures is one that this heapdiff knows");
}

/* The command line for people: words joined by blanks. */
static bool read_command(struct hd_native *native, json_t *object, struct hd_error *error)
{
  json_t *words = json_object_get(object, "command");
  if (!words || json_is_null(words))
    return true;
  if (!json_is_array(words))
    return hd_fail_line(error, native->line, "\"command\" is not a list");
  struct hd_arena *arena = &native->profile->arena;
  size_t length = 1;
  for (size_t i = 0; i < json_array_size(words); i++)
    length += json_string_length(json_array_get(words, i)) + 1;
  char *text = hd_arena_alloc(arena, length), *end = text;
  if (!text)
    return hd_fail_memory(error);
  for (size_t i = 0; i < json_array_size(words); i++) {
    json_t *word = json_array_get(words, i);
    if (i)
      *end++ = ' ';
    if (json_is_string(word)) {
      memcpy(end, json_string_value(word), json_string_length(word));
      end += json_string_length(word);
    }
  }
  *end = '\0';
  native->profile->meta.command = text;
  json_t *first = json_array_get(words, 0);
  if (json_is_string(first))
    native->profile->meta.called =
        hd_profile_text(native->profile, json_string_value(first), json_string_length(first));
  return native->profile->meta.called || !json_is_string(first) || hd_fail_memory(error);
}

static bool read_version(struct hd_native *native, json_t *object, struct hd_error *error)
{
  json_t *version = json_object_get(object, "heapdiff");
  if (!json_is_integer(version))
    return hd_fail_line(error, native->line,
                        "this is JSON, but not a heapdiff snapshot (no \"heapdiff\" version)");
  if (json_integer_value(version) == VERSION)
    return true;
  return hd_fail_line(error, native->line,
                      "the snapshot is of format version %" JSON_INTEGER_FORMAT
                      ", this heapdiff reads version %d: use the heapdiff that recorded it",
                      json_integer_value(version), VERSION);
}

/* A nested object of the header; an empty one where it is absent. */
static bool nested(struct hd_native *native, json_t *object, const char *key, json_t **out,
                   struct hd_error *error)
{
  *out = json_object_get(object, key);
  if (!*out || json_is_object(*out))
    return true;
  return hd_fail_line(error, native->line, "\"%s\" is not an object", key);
}

static bool read_costs(struct hd_native *native, json_t *object, struct hd_error *error)
{
  struct hd_recorder_costs *costs = &native->profile->meta.costs;
  json_t *agent;
  return nested(native, object, "agent", &agent, error) &&
         hd_native_uint(native, object, "cpu_ns", &costs->cpu_ns, error) &&
         hd_native_uint(native, agent, "samples", &costs->samples, error) &&
         hd_native_uint(native, agent, "recording_ns", &costs->recording_ns, error) &&
         hd_native_uint(native, agent, "writing_ns", &costs->writing_ns, error) &&
         hd_native_uint(native, agent, "memory", &costs->memory, error);
}

/* Small enough that the kinds add up. */
static bool read_resident(struct hd_native *native, json_t *object, const char *name,
                          uint64_t *bytes, struct hd_error *error)
{
  if (!hd_native_uint(native, object, name, bytes, error))
    return false;
  return (double)*bytes <= HD_MAX_SUM / HD_RESIDENT_KINDS ||
         hd_fail_line(error, native->line, "\"%s\" is more memory than there is", name);
}

static bool read_memory(struct hd_native *native, json_t *object, struct hd_error *error)
{
  struct hd_meta *meta = &native->profile->meta;
  json_t *resident, *figures;
  if (!nested(native, object, "resident", &resident, error) ||
      !nested(native, object, "malloc", &figures, error))
    return false;
  meta->resident.known = resident != NULL;
  meta->malloc.known = figures != NULL;
  for (int i = 0; i < HD_RESIDENT_KINDS; i++)
    if (!read_resident(native, resident, hd_resident_names[i], &meta->resident.bytes[i], error))
      return false;
  return hd_native_uint(native, figures, "system", &meta->malloc.system, error) &&
         hd_native_uint(native, figures, "used", &meta->malloc.used, error) &&
         read_resident(native, figures, "mapped", &meta->malloc.mapped, error);
}

bool hd_native_header(struct hd_native *native, json_t *object, struct hd_error *error)
{
  struct hd_meta *meta = &native->profile->meta;
  json_t *limits, *dropped;
  meta->format = "native";
  if (!read_version(native, object, error) ||
      !hd_native_text(native, object, "kind", &meta->kind, error) ||
      !hd_native_text(native, object, "host", &meta->host, error) ||
      !hd_native_text(native, object, "boot_id", &meta->boot_id, error) ||
      !hd_native_text(native, object, "reason", &meta->reason, error) ||
      !hd_native_text(native, object, "label", &meta->label, error) ||
      !hd_native_text(native, object, "program", &meta->program, error) ||
      !hd_native_text(native, object, "recorder", &meta->recorder, error) ||
      !hd_native_text(native, object, "allocator", &meta->allocator, error) ||
      !hd_native_int(native, object, "pid", &meta->pid, error) ||
      !hd_native_int(native, object, "start_ns", &meta->start_ns, error) ||
      !hd_native_int(native, object, "image_ns", &meta->image_ns, error) ||
      !hd_native_int(native, object, "time_ns", &meta->time_ns, error) ||
      !hd_native_int(native, object, "mono_ns", &meta->mono_ns, error) ||
      !hd_native_int(native, object, "sequence", &meta->sequence, error) ||
      !hd_native_int(native, object, "rss", &meta->rss, error) ||
      !hd_native_int(native, object, "rss_peak", &meta->rss_peak, error) ||
      !hd_native_int(native, object, "system", &meta->system, error) ||
      !hd_native_int(native, object, "system_free", &meta->system_free, error) ||
      !hd_native_int(native, object, "threads", &meta->threads, error) ||
      !hd_native_uint(native, object, "rate", &meta->rate, error) ||
      !hd_native_uint(native, object, "truncated_stacks", &meta->truncated_stacks, error) ||
      !hd_native_uint(native, object, "failed_snapshots", &meta->failed_snapshots, error) ||
      !nested(native, object, "limits", &limits, error) ||
      !nested(native, object, "dropped", &dropped, error) ||
      !hd_native_int(native, limits, "cgroup", &meta->limit_cgroup, error) ||
      !hd_native_int(native, limits, "rlimit", &meta->limit_rlimit, error) ||
      !hd_native_uint(native, dropped, "stacks", &meta->dropped_stacks, error) ||
      !hd_native_uint(native, dropped, "allocations", &meta->dropped_allocations, error) ||
      !read_attached(native, object, error) || !read_costs(native, object, error) ||
      !read_memory(native, object, error) || !read_command(native, object, error) ||
      !read_measures(native, object, error))
    return false;
  if (!meta->kind)
    return hd_fail_line(error, native->line, "the header has no \"kind\"");
  if (!meta->rate)
    return hd_fail_line(error, native->line, "the header has no \"rate\"");
  return true;
}

void hd_native_deinit(struct hd_native *native)
{
  hd_vec_deinit(&native->strings);
  hd_vec_deinit(&native->frames);
  hd_vec_deinit(&native->stack);
  hd_native_plain_destroy(native->plain);
}
