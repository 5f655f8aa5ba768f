/* The native snapshot: JSON Lines, man/heapdiff-snapshot.5. Read record by
 * record: no more than one line of the file is held as JSON at a time. */
#include "readers/native.h"

#include "readers/reader.h"

#include <inttypes.h>
#include <string.h>

static int probe(const uint8_t *head, size_t length)
{
  static const char first[] = "{\"heapdiff\":";
  return length >= sizeof first - 1 && memcmp(head, first, sizeof first - 1) == 0 ? HD_PROBE_SURE
                                                                                  : HD_PROBE_NO;
}

struct line {
  const char *text; /* NULL at the end of the file */
  size_t length;
  bool whole;
};

/* The next line that is not empty. */
static bool next_line(struct hd_stream *stream, struct line *line, struct hd_error *error)
{
  do {
    if (!hd_stream_line(stream, &line->text, &line->length, &line->whole, error))
      return false;
  } while (line->text && !line->length);
  return true;
}

/* A line as a JSON object; *object is NULL where the file is cut off in it, and what there
 * is is to be used. */
static bool parse(struct hd_stream *stream, const struct line *line, json_t **object,
                  struct hd_error *error)
{
  bool whole = line->whole;
  *object = NULL;
  int64_t number = (int64_t)stream->line;
  json_error_t wrong;
  json_t *value = json_loadb(line->text, line->length, JSON_REJECT_DUPLICATES, &wrong);
  /* jansson says nothing at all where memory is short in most places. */
  if (!value && (!wrong.text[0] || json_error_code(&wrong) == json_error_out_of_memory))
    return hd_fail_memory(error);
  if (!value && !whole && number == 1)
    return hd_fail_line(error, number,
                        "the file is cut off here: the snapshot is incomplete; take it again");
  if (!value && !whole)
    return hd_stream_cut(stream, error, number, -1, "the file is cut off here",
                         "the snapshot is incomplete; take it again");
  if (!value)
    return hd_fail_line(error, number, "this is not JSON (column %d: %s): the file is damaged",
                        wrong.column, wrong.text);
  if (!json_is_object(value)) {
    json_decref(value);
    return hd_fail_line(error, number, "a JSON object is expected on each line");
  }
  *object = value;
  return true;
}

static bool line_of(struct hd_native *native, json_t *object, struct hd_error *error)
{
  static const struct {
    const char *key;
    bool (*read)(struct hd_native *native, json_t *value, json_t *object, struct hd_error *error);
  } kinds[] = {
      {"stack", hd_native_stack},   {"frames", hd_native_frames}, {"strings", hd_native_strings},
      {"module", hd_native_module}, {"end", hd_native_end},
  };
  /* jansson keeps the order of members: the first one names the kind. */
  void *first = json_object_iter(object);
  for (size_t i = 0; first && i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(json_object_iter_key(first), kinds[i].key) == 0)
      return kinds[i].read(native, json_object_iter_value(first), object, error);
  return true;
}

/* Reads the header line. */
static bool read_header(struct hd_stream *stream, struct hd_native *native, struct hd_error *error)
{
  struct line line;
  json_t *object = NULL;
  if (!next_line(stream, &line, error) || (line.text && !parse(stream, &line, &object, error)))
    return false;
  native->line = (int64_t)stream->line;
  if (!object)
    return hd_fail_line(error, 1, "the file has no header line");
  bool fine = hd_native_header(native, object, error);
  json_decref(object);
  return fine;
}

static bool peek(struct hd_stream *stream, struct hd_profile *profile, struct hd_error *error)
{
  struct hd_native native = {.profile = profile};
  return read_header(stream, &native, error);
}

/* *more is false at the end of what is to be used. */
static bool read_line(struct hd_stream *stream, struct hd_native *native, const struct line *line,
                      bool *more, struct hd_error *error)
{
  bool taken = false;
  json_t *object;
  *more = line->text != NULL;
  if (!*more)
    return true;
  int64_t before = native->line;
  native->line = (int64_t)stream->line;
  if (!native->ended &&
      !hd_native_plain_stack(native, line->text, line->length, &taken, error))
    return false;
  if (taken)
    return true;
  if (!parse(stream, line, &object, error))
    return false;
  *more = object != NULL;
  if (!object) {
    native->line = before;
    return true;
  }
  bool fine = native->ended ? hd_fail_line(error, native->line,
                                           "something follows the closing line: the file is "
                                           "damaged")
                            : line_of(native, object, error);
  json_decref(object);
  return fine;
}

static bool read_lines(struct hd_stream *stream, struct hd_native *native, struct hd_error *error)
{
  if (!read_header(stream, native, error))
    return false;
  for (;;) {
    struct line line;
    bool more;
    if (!next_line(stream, &line, error) ||
        !read_line(stream, native, &line, &more, error))
      return false;
    if (!more)
      break;
  }
  return native->ended ||
         hd_stream_cut(stream, error, native->line, -1, "the closing line is missing",
                       "the snapshot is incomplete; take it again");
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct hd_native native = {0};
  if (!hd_profile_create(&native.profile, error))
    return false;
  bool fine = read_lines(stream, &native, error);
  hd_native_deinit(&native);
  if (!fine) {
    hd_profile_destroy(native.profile);
    return false;
  }
  hd_profile_freeze(native.profile);
  return sink->take(sink->context, native.profile, error);
}

extern const struct hd_reader hd_reader_native;
const struct hd_reader hd_reader_native = {
    .name = "native",
    .summary = "heapdiff's own snapshots (JSON Lines, heapdiff-snapshot(5))",
    .carries = "all that is known, ages too",
    .probe = probe,
    .peek = peek,
    .read = read,
};
