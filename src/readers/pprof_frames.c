#include "readers/pprof.h"

#include "base/regex.h"

#include <inttypes.h>
#include <string.h>

/* --- drop_frames and keep_frames --------------------------------------------- */

static bool starts_with(const char *text, size_t length, const char *prefix)
{
  size_t size = strlen(prefix);
  return length >= size && memcmp(text, prefix, size) == 0;
}

/* The name that the patterns are matched with: without the leading dot of PowerPC
 * entry points and without the argument list, as pprof simplifies it. */
static struct hd_pprof_text simple_name(struct hd_pprof_text name)
{
  static const char *const kept[] = {"(anonymous namespace)", "operator()"};
  if (starts_with(name.text, name.length, ".")) {
    name.text++;
    name.length--;
  }
  for (size_t i = 0; i < name.length; i++) {
    const char *rest = name.text + i;
    size_t left = name.length - i;
    if (starts_with(rest, left, kept[0]))
      i += strlen(kept[0]) - 1;
    else if (starts_with(rest, left, kept[1]))
      i += strlen(kept[1]) - 1;
    else if (*rest == '(')
      name.length = i;
  }
  return name;
}

/* The pattern in string `number`; *regex is NULL where that is empty. */
static bool pattern(const struct hd_pprof_file *file, uint64_t number, const char *what,
                    struct hd_regex **regex, struct hd_error *error)
{
  *regex = NULL;
  struct hd_pprof_text text;
  if (!number)
    return true;
  if (!hd_pprof_string(file, number, what, HD_PPROF_NOWHERE, &text, error))
    return false;
  HD_SCOPED_FREE char *terminated = hd_alloc(text.length + 1);
  if (!terminated)
    return hd_fail_memory(error);
  memcpy(terminated, text.text, text.length);
  terminated[text.length] = '\0';
  struct hd_error wrong = HD_ERROR_INIT;
  if (!text.length || hd_regex_create(terminated, what, regex, &wrong))
    return true;
  if (wrong.kind != HD_ERROR_USAGE)
    return hd_fail_memory(error);
  /* It is the file's fault, not that of an option; and it quotes the file. */
  for (char *c = wrong.text; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f)
      *c = '?';
  return hd_fail_input(error, "%s", wrong.text);
}

static bool match_functions(const struct hd_pprof_file *file, const struct hd_regex *drop,
                            const struct hd_regex *keep, uint8_t *dropped, struct hd_error *error)
{
  for (size_t i = 0; i < file->functions.count; i++) {
    struct hd_pprof_text name;
    if (!hd_pprof_string(file, file->functions.items[i].name, "a function's name",
                         file->function_ids.places.items[i], &name, error))
      return false;
    if (!name.length)
      continue;
    name = simple_name(name);
    dropped[i] = hd_regex_match_all(drop, name.text, name.length) &&
                 !(keep && hd_regex_match_all(keep, name.text, name.length));
  }
  return true;
}

/* Which functions drop_frames takes and keep_frames does not give back: one byte
 * a function, to be freed; NULL where the file drops nothing. */
static bool dropped_functions(const struct hd_pprof_file *file, uint8_t **dropped,
                              struct hd_error *error)
{
  struct hd_regex *drop = NULL, *keep = NULL;
  *dropped = NULL;
  bool done = pattern(file, file->drop_frames, "drop_frames", &drop, error);
  if (done && drop && pattern(file, file->keep_frames, "keep_frames", &keep, error)) {
    *dropped = hd_alloc_zeroed(file->functions.count, 1);
    done = *dropped ? match_functions(file, drop, keep, *dropped, error) : hd_fail_memory(error);
  } else if (drop) {
    done = false;
  }
  hd_regex_destroy(drop);
  hd_regex_destroy(keep);
  return done;
}

/* --- modules ----------------------------------------------------------------- */

static bool hexadecimal(struct hd_pprof_text text)
{
  for (size_t i = 0; i < text.length; i++)
    if (!strchr("0123456789abcdefABCDEF", text.text[i]) || !text.text[i])
      return false;
  return true;
}

/* In lower case where it is hexadecimal; Go's own build ids are base64 and stay
 * as they are. */
static bool build_id(struct hd_pprof_file *file, struct hd_profile *profile, uint64_t number,
                     size_t place, uint32_t *id, struct hd_error *error)
{
  struct hd_pprof_text text;
  if (!hd_pprof_string(file, number, "a mapping's build id", place, &text, error))
    return false;
  if (!hexadecimal(text))
    return hd_profile_string(profile, text.text, text.length, id, error);
  HD_SCOPED_FREE char *lower = hd_alloc(text.length);
  if (!lower)
    return hd_fail_memory(error);
  for (size_t i = 0; i < text.length; i++) {
    char c = text.text[i];
    lower[i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
  }
  return hd_profile_string(profile, lower, text.length, id, error);
}

/* Mapping n becomes module n. */
static bool add_modules(struct hd_pprof_file *file, struct hd_profile *profile,
                        struct hd_error *error)
{
  for (size_t i = 0; i < file->mappings.count; i++) {
    const struct hd_pprof_mapping *mapping = &file->mappings.items[i];
    struct hd_module module = {
        .start = mapping->start, .limit = mapping->limit, .offset = mapping->offset};
    size_t place = file->mapping_ids.places.items[i];
    uint32_t id;
    if (!hd_pprof_intern(file, profile, mapping->filename, "a mapping's file name", place,
                         &module.path, error) ||
        !build_id(file, profile, mapping->build_id, place, &module.build_id, error) ||
        !hd_profile_add_module(profile, module, &id, error))
      return false;
  }
  return true;
}

/* --- locations --------------------------------------------------------------- */

struct location {
  uint64_t mapping, address;
  bool folded;
  HD_VEC(struct hd_frame) frames;
  HD_VEC(uint32_t) functions; /* beside frames: position of the function */
};

static uint32_t line_number(uint64_t value)
{
  return value <= UINT32_MAX ? (uint32_t)value : 0;
}

static bool mangled(struct hd_pprof_text name)
{
  return starts_with(name.text, name.length, "_Z") || starts_with(name.text, name.length, "_R");
}

/* `name` is what people read. A writer that left it mangled has it as the system
 * name, too, which tells whoever demangles. */
static bool names(struct hd_pprof_file *file, struct hd_profile *profile,
                  const struct hd_pprof_function *function, size_t place, struct hd_frame *frame,
                  struct hd_error *error)
{
  struct hd_pprof_text name;
  if (!hd_pprof_string(file, function->name, "a function's name", place, &name, error) ||
      !hd_pprof_intern(file, profile, function->name, "a function's name", place, &frame->function,
                       error) ||
      !hd_pprof_intern(file, profile, function->system_name, "a function's system_name", place,
                       &frame->system_name, error))
    return false;
  if (!frame->function) {
    frame->function = frame->system_name;
    return true;
  }
  if (mangled(name) && !frame->system_name)
    frame->system_name = frame->function;
  else if (!mangled(name) && frame->system_name == frame->function)
    frame->system_name = 0;
  return true;
}

static bool add_line(struct hd_pprof_file *file, struct hd_profile *profile,
                     struct location *location, struct hd_cursor message, uint64_t ordinal,
                     struct hd_error *error)
{
  uint64_t values[3];
  if (!hd_pprof_varints(message, "a line of location", ordinal, values, 3, error))
    return false;
  int64_t at = (int64_t)hd_cursor_offset(&message);
  uint32_t position = hd_pprof_ids_find(&file->function_ids, values[1]);
  if (!position)
    return hd_fail_offset(error, at,
                          "location %" PRIu64 " is in function %" PRIu64
                          ", which is not in the file: it is incomplete or damaged",
                          ordinal, values[1]);
  if (location->frames.count >= HD_PPROF_MAX_INLINED)
    return hd_fail_offset(error, at, "location %" PRIu64 " has more than %d lines", ordinal,
                          HD_PPROF_MAX_INLINED);
  const struct hd_pprof_function *function = &file->functions.items[position - 1];
  size_t place = file->function_ids.places.items[position - 1];
  struct hd_frame frame = {.line = line_number(values[2]),
                           .start_line = line_number((uint64_t)function->start_line)};
  if (!names(file, profile, function, place, &frame, error) ||
      !hd_pprof_intern(file, profile, function->filename, "a function's file name", place,
                       &frame.file, error))
    return false;
  if (!hd_vec_push(&location->frames, frame) || !hd_vec_push(&location->functions, position))
    return hd_fail_memory(error);
  return true;
}

static bool parse_location(struct hd_pprof_file *file, struct hd_profile *profile, size_t index,
                           struct location *location, struct hd_error *error)
{
  struct hd_cursor message = hd_pprof_message(file, file->location_ids.places.items[index]);
  struct hd_wire_field field;
  uint64_t ordinal = index + 1;
  location->mapping = location->address = 0;
  location->folded = false;
  location->frames.count = location->functions.count = 0;
  while (!hd_cursor_done(&message)) {
    if (!hd_pprof_next(&message, &field, "location", ordinal, error))
      return false;
    if (field.number < 2 || field.number > 5)
      continue;
    enum hd_wire_type type = field.number == 4 ? HD_WIRE_BYTES : HD_WIRE_VARINT;
    if (!hd_pprof_expect(&message, &field, type, "location", ordinal, error))
      return false;
    switch (field.number) {
    case 2: location->mapping = field.value; break;
    case 3: location->address = field.value; break;
    case 5: location->folded = field.value != 0; break;
    default:
      if (!add_line(file, profile, location, hd_cursor_inside(&message, &field), ordinal, error))
        return false;
    }
  }
  return true;
}

/* Module and file offset. Writers hold look-up addresses (a return address less
 * one), so nothing is subtracted. A location that has its symbols with it keeps
 * its module even where the mapping does not say what it covers (macOS, some
 * agents): then the number only tells its locations apart. */
static void place_address(const struct hd_pprof_file *file, const struct location *location,
                          uint32_t *module, uint64_t *offset)
{
  *module = hd_pprof_ids_find(&file->mapping_ids, location->mapping);
  *offset = location->address;
  if (!*module)
    return;
  const struct hd_pprof_mapping *mapping = &file->mappings.items[*module - 1];
  if (location->address >= mapping->start && location->address < mapping->limit)
    *offset = location->address - mapping->start + mapping->offset;
  else if (!location->frames.count)
    *module = 0;
}

/* What drop_frames does to a location: all of it goes, or its inner lines do up
 * to the outermost that matches (then what called that is kept here), or none. */
static enum hd_pprof_dropped drop_lines(const struct location *location, const uint8_t *dropped,
                                        size_t *first)
{
  *first = 0;
  for (size_t i = location->frames.count; i > 0; i--) {
    if (!dropped[location->functions.items[i - 1] - 1])
      continue;
    if (i == location->frames.count)
      return HD_PPROF_DROP_WHOLE;
    *first = i;
    return HD_PPROF_DROP_BENEATH;
  }
  return HD_PPROF_KEPT;
}

static bool add_locations(struct hd_pprof_file *file, struct hd_profile *profile,
                          struct location *location, const uint8_t *dropped, struct hd_error *error)
{
  size_t count = file->location_ids.ids.count;
  if (dropped && !hd_vec_reserve(&file->dropped, count))
    return hd_fail_memory(error);
  for (size_t i = 0; i < count; i++) {
    if (!parse_location(file, profile, i, location, error))
      return false;
    size_t first = 0;
    if (dropped)
      file->dropped.items[file->dropped.count++] = (uint8_t)drop_lines(location, dropped, &first);
    uint32_t module, id;
    uint64_t offset;
    place_address(file, location, &module, &offset);
    const struct hd_frame *frames = location->frames.count ? location->frames.items + first : NULL;
    if (!hd_profile_add_location(profile, module, offset, frames, location->frames.count - first,
                                 location->folded, &id, error))
      return false;
  }
  return true;
}

bool hd_pprof_frames(struct hd_pprof_file *file, struct hd_profile *profile, struct hd_error *error)
{
  HD_SCOPED_FREE uint8_t *dropped = NULL;
  if (!add_modules(file, profile, error) || !dropped_functions(file, &dropped, error))
    return false;
  struct location location = {0};
  bool done = add_locations(file, profile, &location, dropped, error);
  hd_vec_deinit(&location.frames);
  hd_vec_deinit(&location.functions);
  return done;
}
