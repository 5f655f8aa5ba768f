/* The lines of a native snapshot behind its header. */
#include "readers/native.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Inlined functions at one address: more is damage. */
enum { MAX_INLINE = 1024 };

bool hd_native_strings(struct hd_native *native, json_t *value, json_t *object,
                       struct hd_error *error)
{
  (void)object;
  if (!json_is_array(value))
    return hd_fail_line(error, native->line, "\"strings\" is not a list");
  for (size_t i = 0; i < json_array_size(value); i++) {
    json_t *text = json_array_get(value, i);
    uint32_t id;
    if (!json_is_string(text))
      return hd_fail_line(error, native->line, "\"strings\" holds something else than strings");
    if (!hd_profile_string(native->profile, json_string_value(text), json_string_length(text), &id,
                           error))
      return false;
    if (!hd_vec_push(&native->strings, id))
      return hd_fail_memory(error);
  }
  return true;
}

bool hd_native_module(struct hd_native *native, json_t *value, json_t *object,
                      struct hd_error *error)
{
  (void)object;
  if (!json_is_object(value))
    return hd_fail_line(error, native->line, "\"module\" is not an object");
  const char *path = "", *build_id = "";
  struct hd_module module = {0};
  uint64_t size = 0;
  uint32_t id;
  if (!hd_native_text(native, value, "path", &path, error) ||
      !hd_native_text(native, value, "build_id", &build_id, error) ||
      !hd_native_uint(native, value, "load", &module.start, error) ||
      !hd_native_uint(native, value, "size", &size, error) ||
      !hd_native_uint(native, value, "offset", &module.offset, error) ||
      !hd_profile_string(native->profile, path, strlen(path), &module.path, error) ||
      !hd_profile_string(native->profile, build_id, strlen(build_id), &module.build_id, error))
    return false;
  module.start += module.offset;
  module.limit = module.start + size;
  module.by_address = json_is_true(json_object_get(value, "by_address"));
  return hd_profile_add_module(native->profile, module, &id, error);
}

/* A string by the file's number; null is none. */
static bool string_id(struct hd_native *native, json_t *value, uint32_t *id, struct hd_error *error)
{
  *id = 0;
  if (json_is_null(value))
    return true;
  json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
  if (number < 0 || (uint64_t)number >= native->strings.count)
    return hd_fail_line(error, native->line, "a frame refers to string %" JSON_INTEGER_FORMAT
                        ", but only %zu are defined so far", number, native->strings.count);
  *id = native->strings.items[number];
  return true;
}

static bool line_number(struct hd_native *native, json_t *value, uint32_t *line,
                        struct hd_error *error)
{
  *line = 0;
  if (!value)
    return true;
  json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
  if (number < 0 || number > INT32_MAX)
    return hd_fail_line(error, native->line, "a frame has no usable line number");
  *line = (uint32_t)number;
  return true;
}

static bool read_symbols(struct hd_native *native, json_t *list, struct hd_frame *frames,
                         size_t *count, struct hd_error *error)
{
  *count = json_array_size(list);
  if (!json_is_array(list) || *count > MAX_INLINE)
    return hd_fail_line(error, native->line, "a frame's symbols are not a list of at most %d",
                        MAX_INLINE);
  for (size_t i = 0; i < *count; i++) {
    json_t *item = json_array_get(list, i);
    if (!json_is_array(item) || json_array_size(item) < 2)
      return hd_fail_line(error, native->line, "a frame's symbol is not [function, file, ...]");
    frames[i] = (struct hd_frame){0};
    if (!string_id(native, json_array_get(item, 0), &frames[i].function, error) ||
        !string_id(native, json_array_get(item, 1), &frames[i].file, error) ||
        !line_number(native, json_array_get(item, 2), &frames[i].line, error) ||
        !line_number(native, json_array_get(item, 3), &frames[i].start_line, error))
      return false;
  }
  return true;
}

static bool read_frame(struct hd_native *native, json_t *frame, struct hd_error *error)
{
  struct hd_frame frames[MAX_INLINE];
  size_t count = 0;
  uint32_t id, module = 0;
  json_t *owner = json_array_get(frame, 0), *place = json_array_get(frame, 1);
  json_t *symbols = json_array_get(frame, 2);
  if (!json_is_integer(place) || !(json_is_integer(owner) || json_is_null(owner)))
    return hd_fail_line(error, native->line, "a frame is not [module, offset]");
  if (json_is_integer(owner)) {
    json_int_t number = json_integer_value(owner);
    if (number < 0 || (uint64_t)number >= native->profile->modules.count)
      return hd_fail_line(error, native->line, "a frame refers to module %" JSON_INTEGER_FORMAT
                          ", but only %zu are defined so far", number,
                          native->profile->modules.count);
    module = (uint32_t)number + 1;
    if (json_integer_value(place) < 0)
      return hd_fail_line(error, native->line, "a frame's offset in its module is negative");
  }
  if (symbols && !read_symbols(native, symbols, frames, &count, error))
    return false;
  if (!hd_profile_add_location(native->profile, module, (uint64_t)json_integer_value(place), frames,
                               count, false, &id, error))
    return false;
  return hd_vec_push(&native->frames, id) || hd_fail_memory(error);
}

bool hd_native_frames(struct hd_native *native, json_t *value, json_t *object,
                      struct hd_error *error)
{
  (void)object;
  if (!json_is_array(value))
    return hd_fail_line(error, native->line, "\"frames\" is not a list");
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!read_frame(native, json_array_get(value, i), error))
      return false;
  return true;
}

static bool read_ages(struct hd_native *native, json_t *ages, struct hd_error *error)
{
  if (!json_is_array(ages))
    return hd_fail_line(error, native->line, "\"ages\" is not a list");
  for (size_t i = 0; i < json_array_size(ages); i++) {
    json_t *pair = json_array_get(ages, i);
    json_t *log2 = json_array_get(pair, 0), *count = json_array_get(pair, 1);
    if (!json_is_integer(log2) || !json_is_integer(count) || json_integer_value(log2) < 0 ||
        json_integer_value(log2) > HD_NATIVE_MAX_AGE || json_integer_value(count) < 0)
      return hd_fail_line(error, native->line, "an age is not [log2, count]");
    struct hd_age age = {(uint32_t)native->profile->records.count,
                         (uint32_t)json_integer_value(log2), (uint64_t)json_integer_value(count)};
    if (!hd_profile_add_age(native->profile, age, error))
      return false;
  }
  return true;
}

static bool read_labels(struct hd_native *native, json_t *object, uint32_t *id,
                        struct hd_error *error)
{
  enum { MAX_LABELS = 64 };
  struct hd_label labels[MAX_LABELS];
  size_t count = 0;
  const char *key;
  json_t *value;
  if (!json_is_object(object) || json_object_size(object) > MAX_LABELS)
    return hd_fail_line(error, native->line, "\"labels\" is not an object of at most %d members",
                        MAX_LABELS);
  json_object_foreach(object, key, value)
  {
    struct hd_label label = {0};
    if (!hd_profile_string(native->profile, key, strlen(key), &label.key, error))
      return false;
    if (json_is_string(value)) {
      if (!hd_profile_string(native->profile, json_string_value(value), json_string_length(value),
                             &label.text, error))
        return false;
    } else if (json_is_integer(value)) {
      label.number = json_integer_value(value);
    } else {
      return hd_fail_line(error, native->line, "label \"%s\" is neither text nor a whole number",
                          key);
    }
    labels[count++] = label;
  }
  return hd_profile_add_labels(native->profile, labels, count, id, error);
}

/* Exact sums, or values that somebody has unsampled already. */
static bool read_values(struct hd_native *native, json_t *list, double values[HD_MEASURES],
                        struct hd_error *error)
{
  if (!json_is_array(list) || json_array_size(list) != native->position_count)
    return hd_fail_line(error, native->line, "a record has %zu values, the header names %zu "
                        "measures", json_array_size(list), native->position_count);
  for (size_t i = 0, at = 0; i < native->position_count; i++) {
    json_t *value = json_array_get(list, i);
    if (!json_is_integer(value))
      return hd_fail_line(error, native->line, "a value is not a whole number");
    if (native->known[i])
      values[native->measures[at++]] = (double)json_integer_value(value);
  }
  return true;
}

/* One sampled object of a size class stands for 1/p, p = 1 - exp(-(size + 1) / rate). */
double hd_native_weight(const struct hd_native_record *record)
{
  if (record->rate <= 1 || !record->has_size)
    return 1;
  return -1 / expm1(-((double)record->size + 1) / (double)record->rate);
}

/* Raw counts of a sampled size class. */
void hd_native_unsample(const struct hd_native_record *record, double values[HD_MEASURES])
{
  double weight = hd_native_weight(record);
  values[HD_INUSE_OBJECTS] = (double)record->live * weight;
  values[HD_INUSE_SPACE] = values[HD_INUSE_OBJECTS] * (double)record->size;
  values[HD_ALLOC_OBJECTS] = (double)record->alloc * weight;
  values[HD_ALLOC_SPACE] = values[HD_ALLOC_OBJECTS] * (double)record->size;
}

static bool read_counts(struct hd_native *native, json_t *object, struct hd_native_record *record,
                        double values[HD_MEASURES], struct hd_error *error)
{
  if (!record->has_size || !record->rate)
    return hd_fail_line(error, native->line, "a sampled record has no \"size\" or no \"rate\"");
  if (!json_object_get(object, "live") || !json_object_get(object, "alloc"))
    return hd_fail_line(error, native->line, "a record has neither \"values\" nor \"live\" and "
                                             "\"alloc\"");
  if (!hd_native_uint(native, object, "live", &record->live, error) ||
      !hd_native_uint(native, object, "alloc", &record->alloc, error))
    return false;
  hd_native_unsample(record, values);
  return true;
}

static bool read_record(struct hd_native *native, json_t *object, uint32_t stack,
                        struct hd_error *error)
{
  struct hd_native_record read = {.has_size = json_object_get(object, "size") != NULL};
  struct hd_record record = {.stack = stack};
  double values[HD_MEASURES] = {0};
  json_t *list = json_object_get(object, "values"), *ages = json_object_get(object, "ages");
  json_t *labels = json_object_get(object, "labels");
  if (!json_is_object(object))
    return hd_fail_line(error, native->line, "a record is not an object");
  if (!hd_native_uint(native, object, "size", &read.size, error) ||
      !hd_native_uint(native, object, "rate", &read.rate, error))
    return false;
  record.size = read.size;
  record.rate = read.rate;
  record.weight = hd_native_weight(&read);
  if (labels && !read_labels(native, labels, &record.labels, error))
    return false;
  if (list ? !read_values(native, list, values, error)
           : !read_counts(native, object, &read, values, error))
    return false;
  if (!hd_profile_add_record(native->profile, record, values, error))
    return hd_error_at(error, native->line, -1);
  native->records++;
  return !ages || read_ages(native, ages, error);
}

static bool read_stack_frames(struct hd_native *native, json_t *list, struct hd_error *error)
{
  if (!json_is_array(list))
    return hd_fail_line(error, native->line, "\"stack\" is not a list");
  native->stack.count = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    json_t *item = json_array_get(list, i);
    json_int_t number = json_is_integer(item) ? json_integer_value(item) : -1;
    if (number < 0 || (uint64_t)number >= native->frames.count)
      return hd_fail_line(error, native->line, "a stack refers to frame %" JSON_INTEGER_FORMAT
                          ", but only %zu are defined so far", number, native->frames.count);
    if (!hd_vec_push(&native->stack, native->frames.items[number]))
      return hd_fail_memory(error);
  }
  return true;
}

bool hd_native_stack(struct hd_native *native, json_t *value, json_t *object,
                     struct hd_error *error)
{
  json_t *records = json_object_get(object, "records");
  uint32_t stack;
  if (!read_stack_frames(native, value, error))
    return false;
  if (!hd_profile_add_stack(native->profile, native->stack.items, native->stack.count,
                            json_is_true(json_object_get(object, "truncated")), &stack, error))
    return hd_error_at(error, native->line, -1);
  if (!json_is_array(records))
    return hd_fail_line(error, native->line, "a stack has no \"records\"");
  for (size_t i = 0; i < json_array_size(records); i++)
    if (!read_record(native, json_array_get(records, i), stack, error))
      return false;
  native->stacks++;
  return true;
}

bool hd_native_end(struct hd_native *native, json_t *value, json_t *object, struct hd_error *error)
{
  (void)object;
  const struct {
    const char *key;
    uint64_t have;
  } counts[] = {
      {"strings", native->strings.count}, {"modules", native->profile->modules.count},
      {"frames", native->frames.count},   {"stacks", native->stacks},
      {"records", native->records},
  };
  if (!json_is_object(value))
    return hd_fail_line(error, native->line, "\"end\" is not an object");
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    uint64_t said = counts[i].have;
    if (!hd_native_uint(native, value, counts[i].key, &said, error))
      return false;
    if (said != counts[i].have)
      return hd_fail_line(error, native->line, "the closing line counts %" PRIu64 " %s, the file "
                          "holds %" PRIu64 ": it is damaged", said, counts[i].key, counts[i].have);
  }
  native->ended = true;
  return true;
}
