#include "readers/pprof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const field_names[] = {
    "a field",        "sample type", "sample",      "mapping",     "location",
    "function",       "string",      "drop_frames", "keep_frames", "time_nanos",
    "duration_nanos", "period_type", "period",      "comment",     "default_sample_type",
    "doc_url",
};

enum { FIELD_NAMES = sizeof field_names / sizeof *field_names };

/* "sample 402", or "the period_type" where there is but one. */
static const char *name_item(char text[64], const char *what, uint64_t ordinal)
{
  if (ordinal)
    snprintf(text, 64, "%s %" PRIu64, what, ordinal);
  else
    snprintf(text, 64, "%s", what);
  return text;
}

bool hd_pprof_next(struct hd_cursor *cursor, struct hd_wire_field *field, const char *what,
                   uint64_t ordinal, struct hd_error *error)
{
  if (hd_cursor_field(cursor, field))
    return true;
  char item[64];
  return hd_fail_offset(error, (int64_t)hd_cursor_offset(cursor),
                        "%s is damaged: %s; fetch the profile again",
                        name_item(item, what, ordinal), hd_cursor_fault_text(cursor->fault));
}

bool hd_pprof_expect(const struct hd_cursor *cursor, const struct hd_wire_field *field,
                     enum hd_wire_type type, const char *what, uint64_t ordinal,
                     struct hd_error *error)
{
  if (field->type == type)
    return true;
  char item[64];
  return hd_fail_offset(error, (int64_t)hd_cursor_offset(cursor),
                        "%s is damaged: field %" PRIu32 " has wire type %d, not %d; is this a "
                        "pprof profile?",
                        name_item(item, what, ordinal), field->number, (int)field->type, (int)type);
}

bool hd_pprof_varints(struct hd_cursor cursor, const char *what, uint64_t ordinal, uint64_t *values,
                      size_t count, struct hd_error *error)
{
  memset(values, 0, count * sizeof *values);
  struct hd_wire_field field;
  while (!hd_cursor_done(&cursor)) {
    if (!hd_pprof_next(&cursor, &field, what, ordinal, error))
      return false;
    if (field.number >= count)
      continue;
    if (!hd_pprof_expect(&cursor, &field, HD_WIRE_VARINT, what, ordinal, error))
      return false;
    values[field.number] = field.value;
  }
  return true;
}

struct hd_cursor hd_pprof_message(const struct hd_pprof_file *file, size_t offset)
{
  struct hd_cursor cursor = hd_cursor_of(file->data, file->length);
  struct hd_wire_field field = {0};
  cursor.at += offset;
  if (hd_cursor_field(&cursor, &field) && field.type == HD_WIRE_BYTES)
    return hd_cursor_inside(&cursor, &field);
  return hd_cursor_of(NULL, 0); /* not reached: the scan has read it before */
}

bool hd_pprof_string(const struct hd_pprof_file *file, uint64_t number, const char *what,
                     size_t offset, struct hd_pprof_text *text, struct hd_error *error)
{
  if (number >= file->strings.count)
    return hd_fail_offset(error, (int64_t)offset,
                          "%s is string %" PRId64 ", but the file has only %zu: it is incomplete "
                          "or damaged; fetch it again",
                          what, (int64_t)number, file->strings.count);
  struct hd_cursor cursor = hd_pprof_message(file, file->strings.items[number]);
  *text = (struct hd_pprof_text){(const char *)cursor.at, hd_cursor_left(&cursor)};
  return true;
}

bool hd_pprof_intern(struct hd_pprof_file *file, struct hd_profile *profile, uint64_t number,
                     const char *what, size_t offset, uint32_t *id, struct hd_error *error)
{
  if (number < file->interned.count && file->interned.items[number]) {
    *id = file->interned.items[number];
    return true;
  }
  struct hd_pprof_text text = {NULL, 0};
  if (!hd_pprof_string(file, number, what, offset, &text, error) ||
      !hd_profile_string(profile, text.text, text.length, id, error))
    return false;
  file->interned.items[number] = *id;
  return true;
}

/* --- one field of message Profile each --------------------------------------- */

static bool scan_value_type(struct hd_cursor message, const char *what, uint64_t ordinal,
                            struct hd_pprof_type *type, struct hd_error *error)
{
  uint64_t values[3];
  if (!hd_pprof_varints(message, what, ordinal, values, 3, error))
    return false;
  *type = (struct hd_pprof_type){values[1], values[2]};
  return true;
}

static bool scan_sample_type(struct hd_pprof_file *file, struct hd_cursor message,
                             struct hd_error *error)
{
  struct hd_pprof_type type;
  if (!scan_value_type(message, "sample type", file->types.count + 1, &type, error))
    return false;
  if (file->types.count >= HD_PPROF_MAX_SAMPLE_TYPES)
    return hd_fail_offset(error, (int64_t)hd_cursor_offset(&message),
                          "more than %d sample types: this is not a pprof profile",
                          HD_PPROF_MAX_SAMPLE_TYPES);
  return hd_vec_push(&file->types, type) || hd_fail_memory(error);
}

static bool add_id(struct hd_pprof_ids *ids, uint64_t id, const char *what, size_t at,
                   struct hd_error *error)
{
  if (!id)
    return hd_fail_offset(error, (int64_t)at,
                          "%s %zu has id 0, which is reserved: the file is damaged", what,
                          ids->ids.count + 1);
  return hd_pprof_ids_push(ids, id, at) || hd_fail_memory(error);
}

static bool scan_mapping(struct hd_pprof_file *file, struct hd_cursor message, size_t at,
                         struct hd_error *error)
{
  uint64_t values[11];
  if (!hd_pprof_varints(message, "mapping", file->mappings.count + 1, values, 11, error) ||
      !add_id(&file->mapping_ids, values[1], "mapping", at, error))
    return false;
  struct hd_pprof_mapping mapping = {values[2], values[3], values[4], values[5], values[6]};
  return hd_vec_push(&file->mappings, mapping) || hd_fail_memory(error);
}

static bool scan_function(struct hd_pprof_file *file, struct hd_cursor message, size_t at,
                          struct hd_error *error)
{
  uint64_t values[6];
  if (!hd_pprof_varints(message, "function", file->functions.count + 1, values, 6, error) ||
      !add_id(&file->function_ids, values[1], "function", at, error))
    return false;
  struct hd_pprof_function function = {values[2], values[3], values[4], (int64_t)values[5]};
  return hd_vec_push(&file->functions, function) || hd_fail_memory(error);
}

static bool scan_location(struct hd_pprof_file *file, struct hd_cursor message, size_t at,
                          struct hd_error *error)
{
  uint64_t id = 0, ordinal = file->location_ids.ids.count + 1;
  struct hd_wire_field field;
  while (!hd_cursor_done(&message)) {
    if (!hd_pprof_next(&message, &field, "location", ordinal, error))
      return false;
    if (field.number != 1)
      continue;
    if (!hd_pprof_expect(&message, &field, HD_WIRE_VARINT, "location", ordinal, error))
      return false;
    id = field.value;
  }
  return add_id(&file->location_ids, id, "location", at, error);
}

static bool scan_string(struct hd_pprof_file *file, size_t length, size_t at,
                        struct hd_error *error)
{
  if (!file->strings.count && length)
    return hd_fail_offset(error, (int64_t)at,
                          "the first string is not empty, as the format has it: this is not a "
                          "pprof profile, or a damaged one");
  if (file->strings.count >= HD_MAX_ITEMS)
    return hd_fail_offset(error, (int64_t)at, "more than %u strings", HD_MAX_ITEMS);
  if (!hd_vec_push(&file->strings, at) || !hd_vec_push(&file->interned, 0))
    return hd_fail_memory(error);
  return true;
}

static bool scan_comments(struct hd_pprof_file *file, const struct hd_cursor *cursor,
                          const struct hd_wire_field *field, struct hd_error *error)
{
  if (field->type != HD_WIRE_BYTES)
    return hd_pprof_expect(cursor, field, HD_WIRE_VARINT, "comment", 0, error) &&
           (hd_vec_push(&file->comments, field->value) || hd_fail_memory(error));
  struct hd_cursor packed = hd_cursor_inside(cursor, field);
  while (!hd_cursor_done(&packed)) {
    uint64_t number;
    if (!hd_cursor_varint(&packed, &number))
      return hd_fail_offset(error, (int64_t)hd_cursor_offset(&packed),
                            "the list of comments is damaged: %s; fetch the profile again",
                            hd_cursor_fault_text(packed.fault));
    if (!hd_vec_push(&file->comments, number))
      return hd_fail_memory(error);
  }
  return true;
}

static bool scan_scalar(struct hd_pprof_file *file, const struct hd_cursor *cursor,
                        const struct hd_wire_field *field, struct hd_error *error)
{
  uint64_t value = field->value;
  if (!hd_pprof_expect(cursor, field, HD_WIRE_VARINT, field_names[field->number], 0, error))
    return false;
  switch (field->number) {
  case HD_PPROF_DROP_FRAMES: file->drop_frames = value; break;
  case HD_PPROF_KEEP_FRAMES: file->keep_frames = value; break;
  case HD_PPROF_DURATION: file->duration_ns = (int64_t)value; break;
  case HD_PPROF_PERIOD: file->period = (int64_t)value; break;
  case HD_PPROF_DEFAULT_TYPE: file->default_type = value; break;
  case HD_PPROF_TIME:
    /* Protobuf would merge the two silently, with the second's string numbers
     * pointing into the first's strings. */
    if (file->time_ns)
      return hd_fail_offset(error, (int64_t)hd_cursor_offset(cursor),
                            "two profiles in one file: give each a file of its own");
    file->time_ns = (int64_t)value;
    break;
  default: break;
  }
  return true;
}

static bool scan_field(struct hd_pprof_file *file, const struct hd_cursor *cursor,
                       const struct hd_wire_field *field, size_t at, struct hd_error *error)
{
  if (field->number > HD_PPROF_STRING && field->number != HD_PPROF_PERIOD_TYPE) {
    if (field->number == HD_PPROF_COMMENT)
      return scan_comments(file, cursor, field, error);
    return field->number >= HD_PPROF_DOC_URL || scan_scalar(file, cursor, field, error);
  }
  if (!hd_pprof_expect(cursor, field, HD_WIRE_BYTES, field_names[field->number], 0, error))
    return false;
  struct hd_cursor message = hd_cursor_inside(cursor, field);
  switch (field->number) {
  case HD_PPROF_SAMPLE_TYPE: return scan_sample_type(file, message, error);
  case HD_PPROF_MAPPING: return scan_mapping(file, message, at, error);
  case HD_PPROF_LOCATION: return scan_location(file, message, at, error);
  case HD_PPROF_FUNCTION: return scan_function(file, message, at, error);
  case HD_PPROF_STRING: return scan_string(file, (size_t)field->value, at, error);
  case HD_PPROF_PERIOD_TYPE:
    return scan_value_type(message, "period_type", 0, &file->period_type, error);
  default: break;
  }
  if (!file->sample_count++)
    file->first_sample = at;
  else
    file->samples_mixed |= file->samples_end != at;
  file->samples_end = hd_cursor_offset(cursor);
  return true;
}

static uint64_t ordinal_of(const struct hd_pprof_file *file, uint32_t number)
{
  switch (number) {
  case HD_PPROF_SAMPLE_TYPE: return file->types.count + 1;
  case HD_PPROF_SAMPLE: return file->sample_count + 1;
  case HD_PPROF_MAPPING: return file->mappings.count + 1;
  case HD_PPROF_LOCATION: return file->location_ids.ids.count + 1;
  case HD_PPROF_FUNCTION: return file->functions.count + 1;
  case HD_PPROF_STRING: return file->strings.count + 1;
  default: return 0;
  }
}

static bool broken_file(const struct hd_pprof_file *file, const struct hd_cursor *cursor,
                        const struct hd_wire_field *field, struct hd_error *error)
{
  if (cursor->fault != HD_CURSOR_SHORT)
    return hd_fail_offset(error, (int64_t)hd_cursor_offset(cursor),
                          "the file is damaged: %s; fetch it again",
                          hd_cursor_fault_text(cursor->fault));
  char item[64];
  uint32_t number = field->number < FIELD_NAMES ? field->number : 0;
  return hd_fail_offset(error, (int64_t)file->length,
                        "truncated (in %s): the file is incomplete; fetch it again",
                        name_item(item, field_names[number], ordinal_of(file, number)));
}

/* As pprof does, a file that numbers two things alike is refused: which one a
 * stack means is anybody's guess. */
static bool build_ids(struct hd_pprof_ids *ids, const char *what, struct hd_error *error)
{
  uint32_t duplicate;
  if (!hd_pprof_ids_build(ids, &duplicate))
    return hd_fail_memory(error);
  if (!duplicate)
    return true;
  return hd_fail_offset(error, (int64_t)ids->places.items[duplicate - 1],
                        "%s %" PRIu32 " has id %" PRIu64 ", as one before it: the file is damaged",
                        what, duplicate, ids->ids.items[duplicate - 1]);
}

bool hd_pprof_scan(struct hd_pprof_file *file, const uint8_t *data, size_t length,
                   struct hd_error *error)
{
  *file = (struct hd_pprof_file){.data = data, .length = length};
  struct hd_cursor cursor = hd_cursor_of(data, length);
  while (!hd_cursor_done(&cursor)) {
    struct hd_wire_field field = {0};
    size_t at = hd_cursor_offset(&cursor);
    if (!hd_cursor_field(&cursor, &field))
      return broken_file(file, &cursor, &field, error);
    if (!scan_field(file, &cursor, &field, at, error))
      return false;
  }
  return build_ids(&file->mapping_ids, "mapping", error) &&
         build_ids(&file->function_ids, "function", error) &&
         build_ids(&file->location_ids, "location", error);
}

void hd_pprof_file_deinit(struct hd_pprof_file *file)
{
  hd_vec_deinit(&file->strings);
  hd_vec_deinit(&file->interned);
  hd_vec_deinit(&file->types);
  hd_vec_deinit(&file->mappings);
  hd_vec_deinit(&file->functions);
  hd_vec_deinit(&file->comments);
  hd_pprof_ids_deinit(&file->mapping_ids);
  hd_pprof_ids_deinit(&file->function_ids);
  hd_pprof_ids_deinit(&file->location_ids);
  hd_vec_deinit(&file->dropped);
}
