/* valgrind --tool=dhat, and the Rust crate dhat: one JSON object, version 2.
 *
 *   pps   what each stack allocated: bytes and blocks in all (tb, tbk) and still in
 *         use at the end (eb, ebk); fs are its frames, innermost first
 *   ftbl  the texts of the frames
 *
 * as dh_main.c writes it and dh_view.js, beside it, reads it. */
#include "readers/json_text.h"
#include "readers/reader.h"
#include "readers/valgrind.h"

#include <inttypes.h>
#include <string.h>

enum { VERSION = 2 };

static int probe(const uint8_t *head, size_t length)
{
  static const char key[] = "\"dhatFileVersion\"";
  size_t at = 0;
  while (at < length && strchr(" \t\r\n", head[at]) && head[at])
    at++;
  if (at == length || head[at] != '{')
    return HD_PROBE_NO;
  return memmem(head, length, key, sizeof key - 1) ? HD_PROBE_SURE : HD_PROBE_NO;
}

/* --- the header's members */

static bool whole_number(const json_t *object, const char *key, int64_t *number)
{
  const json_t *value = json_object_get(object, key);
  *number = json_integer_value(value);
  return json_is_integer(value) && *number >= 0;
}

static bool check_mode(const json_t *root, struct hd_error *error)
{
  static const char *const heaps[] = {"heap", "rust-heap"};
  const char *mode = json_string_value(json_object_get(root, "mode"));
  int64_t version;
  if (!whole_number(root, "dhatFileVersion", &version))
    return hd_fail_input(error, "the file has no usable \"dhatFileVersion\"");
  if (version != VERSION)
    return hd_fail_input(error,
                         "this is version %" PRId64 " of DHAT's format, this heapdiff reads "
                         "version %d",
                         version, VERSION);
  if (!mode)
    return hd_fail_input(error, "the file has no \"mode\": it is damaged");
  for (size_t i = 0; i < sizeof heaps / sizeof *heaps; i++)
    if (strcmp(mode, heaps[i]) == 0)
      return true;
  return hd_fail_input(error,
                       "DHAT's mode \"%s\" does not count memory in use: run valgrind "
                       "--tool=dhat --mode=heap",
                       mode);
}

static bool read_meta(const json_t *root, struct hd_profile *profile, struct hd_error *error)
{
  struct hd_meta *meta = &profile->meta;
  const json_t *command = json_object_get(root, "cmd");
  int64_t pid;
  meta->format = "dhat";
  meta->kind = "heap";
  meta->recorder = "DHAT";
  meta->reason = "exit";
  meta->rate = 1;
  if (whole_number(root, "pid", &pid))
    meta->pid = pid;
  return hd_valgrind_command(profile, json_string_value(command), json_string_length(command),
                             error);
}

/* --- the stacks */

struct dhat {
  struct hd_valgrind valgrind;
  HD_VEC(uint32_t) table; /* [index in ftbl] -> frame, 0 the root */
  HD_VEC(uint32_t) stack; /* scratch */
};

static bool read_table(struct dhat *dhat, const json_t *list, struct hd_error *error)
{
  static const char root[] = "[root]";
  if (!json_is_array(list))
    return hd_fail_input(error, "the file has no list \"ftbl\" of frames: it is damaged");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *text = json_array_get(list, i);
    uint32_t frame = 0;
    if (!json_is_string(text))
      return hd_fail_input(error,
                           "\"ftbl\" holds something else than texts, at %zu: the file is "
                           "damaged",
                           i);
    if (strcmp(json_string_value(text), root) != 0 &&
        !hd_valgrind_frame(&dhat->valgrind, json_string_value(text), json_string_length(text),
                           &frame, error))
      return false;
    if (!hd_vec_push(&dhat->table, frame))
      return hd_fail_memory(error);
  }
  return true;
}

/* False where the stack is not usable, without an error, or on want of memory. */
static bool read_stack(struct dhat *dhat, const json_t *list, struct hd_error *error)
{
  dhat->stack.count = 0;
  if (!json_is_array(list))
    return false;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    json_int_t index = json_is_integer(item) ? json_integer_value(item) : -1;
    if (index < 0 || (uint64_t)index >= dhat->table.count)
      return false;
    uint32_t frame = dhat->table.items[index];
    if (frame && !hd_vec_push(&dhat->stack, frame))
      return hd_fail_memory(error);
  }
  return true;
}

static bool read_values(const json_t *point, double values[HD_MEASURES])
{
  static const struct {
    const char *key;
    enum hd_measure measure;
  } keys[] = {{"eb", HD_INUSE_SPACE},
              {"ebk", HD_INUSE_OBJECTS},
              {"tb", HD_ALLOC_SPACE},
              {"tbk", HD_ALLOC_OBJECTS}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    int64_t value;
    if (!whole_number(point, keys[i].key, &value))
      return false;
    values[keys[i].measure] = (double)value;
  }
  return true;
}

/* A bad one is counted: the others are good without it. */
static bool read_point(struct dhat *dhat, const json_t *list, size_t i, struct hd_error *error)
{
  const json_t *point = json_array_get(list, i);
  struct hd_record record = {.rate = 1, .weight = 1};
  struct hd_profile *profile = dhat->valgrind.profile;
  double values[HD_MEASURES] = {0};
  struct hd_error own = HD_ERROR_INIT;
  if (!read_values(point, values) || !read_stack(dhat, json_object_get(point, "fs"), &own)) {
    if (own.kind == HD_ERROR_INTERNAL)
      return hd_fail_memory(error);
    return hd_reader_bad(profile, error, "pps[%zu] has no usable %s", i,
                         read_values(point, values) ? "fs" : "tb, tbk, eb and ebk");
  }
  return hd_valgrind_stack(&dhat->valgrind, dhat->stack.items, dhat->stack.count, false,
                           &record.stack, error) &&
         hd_profile_add_record(profile, record, values, error);
}

static bool read_points(struct dhat *dhat, const json_t *root, struct hd_error *error)
{
  const json_t *list = json_object_get(root, "pps");
  static const enum hd_measure measures[] = {HD_INUSE_SPACE, HD_INUSE_OBJECTS, HD_ALLOC_SPACE,
                                             HD_ALLOC_OBJECTS};
  struct hd_profile *profile = dhat->valgrind.profile;
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
    hd_profile_declare(profile, measures[i]);
  if (!json_is_array(list))
    return hd_fail_input(error, "the file has no list \"pps\" of stacks: it is damaged");
  if (!read_table(dhat, json_object_get(root, "ftbl"), error))
    return false;
  for (size_t i = 0; i < json_array_size(list); i++)
    if (!read_point(dhat, list, i, error))
      return false;
  return !json_array_size(list) || profile->bad_rows < json_array_size(list) ||
         hd_fail_input(error,
                       "none of the %zu stacks can be used: each needs eb, ebk, tb and tbk, "
                       "whole numbers, and fs, a list of frames in ftbl",
                       json_array_size(list));
}

static bool read_root(const json_t *root, struct hd_profile *profile, struct hd_error *error)
{
  struct dhat dhat = {.valgrind.profile = profile};
  if (!json_is_object(root))
    return hd_fail_input(error, "a JSON object is expected: this is no file of DHAT");
  bool fine =
      check_mode(root, error) && read_meta(root, profile, error) && read_points(&dhat, root, error);
  hd_valgrind_deinit(&dhat.valgrind);
  hd_vec_deinit(&dhat.table);
  hd_vec_deinit(&dhat.stack);
  return fine;
}

/* --- the file */

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct hd_profile *profile;
  json_t *root;
  if (!hd_json_text_read(stream, true, "it is nested deeper than any file of DHAT", &root, error))
    return false;
  bool fine = hd_profile_create(&profile, error) && read_root(root, profile, error);
  json_decref(root);
  if (!fine) {
    hd_profile_destroy(profile);
    return false;
  }
  hd_profile_freeze(profile);
  return sink->take(sink->context, profile, error);
}

extern const struct hd_reader hd_reader_dhat;
const struct hd_reader hd_reader_dhat = {
    .name = "dhat",
    .summary = "valgrind --tool=dhat and the Rust crate dhat (JSON)",
    .carries = "inuse, alloc",
    .probe = probe,
    .read = read,
};
