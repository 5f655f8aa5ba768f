/* Reading text snapshots in tests. Everything asserts. */
#ifndef TESTS_UNIT_HEAP_TEXT_SUPPORT_H
#define TESTS_UNIT_HEAP_TEXT_SUPPORT_H

#include "readers/reader.h"

#include "support/scratch.h"

#include <math.h>

static inline bool text_take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)error;
  /* Of several (a log of dumps) the last one. */
  hd_profile_destroy(*(struct hd_profile **)context);
  *(struct hd_profile **)context = profile;
  return true;
}

/* By the reader of that name; NULL and `error` where it fails. */
static inline struct hd_profile *text_try(const char *reader, struct hd_stream *stream,
                                          struct hd_error *error)
{
  struct hd_profile *profile = NULL;
  struct hd_sink sink = {text_take, &profile};
  *error = (struct hd_error)HD_ERROR_INIT;
  bool fine = hd_reader_find(reader)->read(stream, &sink, error);
  assert_int_equal(fine, profile != NULL);
  assert_int_equal(fine, error->kind == HD_ERROR_NONE);
  return profile;
}

static inline struct hd_profile *text_read_bytes(const char *reader, const char *data, size_t size)
{
  struct hd_stream stream = hd_stream_of(data, size);
  struct hd_error error;
  struct hd_profile *profile = text_try(reader, &stream, &error);
  if (!profile)
    fail_msg("%s", error.text);
  return profile;
}

static inline struct hd_profile *text_read(const char *reader, const char *text)
{
  return text_read_bytes(reader, text, strlen(text));
}

/* A file of testdata/, by the reader that its content asks for. */
static inline struct hd_profile *text_read_file(const char *reader, const char *path)
{
  size_t size;
  char *data = read_bytes(path, &size);
  const struct hd_reader *found = hd_reader_probe((const uint8_t *)data, size);
  assert_non_null(found);
  assert_string_equal(found->name, reader);
  struct hd_profile *profile = text_read_bytes(reader, data, size);
  free(data);
  return profile;
}

/* The failure as it is printed, on one line. */
static inline const char *text_error(const char *reader, const char *data)
{
  static char line[1024];
  struct hd_stream stream = hd_stream_of(data, strlen(data));
  struct hd_error error;
  assert_null(text_try(reader, &stream, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  hd_error_format(&error, line, sizeof line);
  assert_null(strchr(line, '\n'));
  return line;
}

static inline const char *text_of(const struct hd_profile *profile, uint32_t id)
{
  return hd_strings_text(&profile->strings, id);
}

/* Frame `n` of a location, 1-based ids. */
static inline const struct hd_frame *text_frame(const struct hd_profile *profile, uint32_t location,
                                                uint32_t n)
{
  const struct hd_location *place = &profile->locations.items[location - 1];
  assert_true(n < place->frame_count);
  return &profile->frames.items[place->first_frame + n];
}

/* "function file:line < caller ..." of a stack. */
static inline void text_describe(const struct hd_profile *profile, uint32_t stack, char *out, size_t size)
{
  struct hd_span span = profile->stacks.items[stack - 1];
  size_t used = 0;
  out[0] = '\0';
  for (uint32_t i = 0; i < span.count; i++) {
    uint32_t id = profile->stack_locations.items[span.first + i];
    const struct hd_location *place = &profile->locations.items[id - 1];
    for (uint32_t n = 0; n < place->frame_count && used < size; n++) {
      const struct hd_frame *frame = text_frame(profile, id, n);
      used += (size_t)snprintf(out + used, size - used, "%s %s:%u < ",
                               text_of(profile, frame->function), text_of(profile, frame->file),
                               frame->line);
    }
  }
}

static inline void assert_near(double have, double want, double within)
{
  if (!(fabs(have - want) <= within))
    fail_msg("%.17g is not %.17g within %g", have, want, within);
}

/* Damaged content: a profile, or one clear line. */
static inline bool text_survives(const char *reader, const char *data, size_t size)
{
  char *exact = malloc(size ? size : 1); /* so that a sanitizer sees a step past it */
  assert_non_null(exact);
  memcpy(exact, data, size);
  struct hd_stream stream = hd_stream_of(exact, size);
  struct hd_error error;
  struct hd_profile *profile = text_try(reader, &stream, &error);
  bool read = profile != NULL;
  if (!read) {
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_true(error.text[0] && !strchr(error.text, '\n'));
  }
  hd_profile_destroy(profile);
  free(exact);
  return read;
}

/* Cut at every byte, then `flips` files with a few bytes of chance in them. */
static inline size_t text_torture(const char *reader, const char *path, unsigned flips)
{
  size_t size, cut_read = 0;
  char *data = read_bytes(path, &size);
  uint64_t chance = 88172645463325252u;
  for (size_t cut = 0; cut < size; cut++)
    cut_read += text_survives(reader, data, cut);
  for (unsigned i = 0; i < flips; i++) {
    char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, data, size);
    for (int n = 0; n < 4; n++) {
      chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
      copy[chance % size] = (chance >> 40) % 3 ? "0123456789-:[]@ \nxf#=$/%"[(chance >> 50) % 24]
                                               : (char)(chance >> 56);
    }
    text_survives(reader, copy, size);
    free(copy);
  }
  free(data);
  return cut_read;
}

/* A stream that hands out one byte more at a time, each time at a new place: what
 * a reader keeps of an earlier line must be its own copy. */
struct drip {
  struct hd_stream stream;
  const char *data;
  size_t size, at;
  uint8_t *window;
};

static inline bool drip_refill(struct hd_stream *stream, struct hd_error *error)
{
  struct drip *drip = (struct drip *)stream;
  (void)error;
  if (drip->at == drip->size) {
    stream->ended = true;
    return true;
  }
  uint8_t *moved = malloc(stream->length + 1);
  assert_non_null(moved);
  if (stream->length)
    memcpy(moved, stream->data, stream->length);
  moved[stream->length++] = (uint8_t)drip->data[drip->at++];
  free(drip->window);
  stream->data = drip->window = moved;
  return true;
}

static inline void drip_consume(struct hd_stream *stream, size_t count)
{
  stream->data += count;
  stream->length -= count;
  stream->offset += count;
}

/* Read byte by byte it is the same profile. */
static inline void text_assert_streams(const char *reader, const char *path)
{
  size_t size;
  char *data = read_bytes(path, &size);
  struct drip drip = {.stream = {.refill = drip_refill, .consume = drip_consume}, .data = data,
                      .size = size};
  struct hd_error error;
  struct hd_profile *a = text_read_bytes(reader, data, size);
  struct hd_profile *b = text_try(reader, &drip.stream, &error);
  assert_non_null(b);
  assert_int_equal(a->records.count, b->records.count);
  assert_int_equal(a->strings.items.count, b->strings.items.count);
  for (uint32_t i = 1; i <= a->strings.items.count; i++)
    assert_string_equal(text_of(a, i), text_of(b, i));
  assert_int_equal(a->locations.count, b->locations.count);
  for (size_t i = 0; i < a->locations.count; i++)
    assert_int_equal(a->locations.items[i].offset, b->locations.items[i].offset);
  assert_true(hd_profile_total(a, HD_INUSE_SPACE) == hd_profile_total(b, HD_INUSE_SPACE));
  hd_profile_destroy(a);
  hd_profile_destroy(b);
  free(drip.window);
  free(data);
}

/* --- want of memory: the n-th allocation fails, for every n --- */

static long text_allowed;

static inline bool text_allow(void)
{
  return text_allowed-- > 0;
}

static inline void text_assert_out_of_memory(const char *reader, const char *path)
{
  size_t size;
  char *data = read_bytes(path, &size);
  struct hd_profile *profile = NULL;
  for (long n = 0; !profile; n++) {
    struct hd_stream stream = hd_stream_of(data, size);
    struct hd_error error;
    text_allowed = n;
    hd_alloc_set_hook(text_allow);
    profile = text_try(reader, &stream, &error);
    hd_alloc_set_hook(NULL);
    assert_true(profile || error.kind == HD_ERROR_INTERNAL);
  }
  hd_profile_destroy(profile);
  free(data);
}

#endif
