/* What the tests of massif, DHAT and heaptrack share: reading a text into profiles, and
 * profiles as texts. */
#ifndef TESTS_VALGRIND_PROFILES_H
#define TESTS_VALGRIND_PROFILES_H

#include "base/alloc.h"
#include "base/buffer.h"
#include "readers/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_PROFILES = 256 };

struct profiles {
  struct hd_profile *items[MAX_PROFILES];
  size_t count;
};

static inline bool take_profile(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct profiles *profiles = context;
  (void)error;
  assert_true(profiles->count < MAX_PROFILES);
  assert_true(profile->frozen);
  profiles->items[profiles->count++] = profile;
  return true;
}

static inline void drop_profiles(struct profiles *profiles)
{
  for (size_t i = 0; i < profiles->count; i++)
    hd_profile_destroy(profiles->items[i]);
  profiles->count = 0;
}

/* Whether the reader took the whole text; the profiles before an error stay. The
 * text is copied, so that a read past its end is seen. */
static inline bool read_as(const char *format, const char *text, size_t length,
                           struct profiles *profiles, struct hd_error *error)
{
  char *copy = malloc(length ? length : 1);
  assert_non_null(copy);
  memcpy(copy, text, length);
  struct hd_sink sink = {take_profile, profiles};
  struct hd_stream stream = hd_stream_of(copy, length);
  *error = (struct hd_error)HD_ERROR_INIT;
  profiles->count = 0;
  bool fine = hd_reader_find(format)->read(&stream, &sink, error);
  assert_int_equal(fine, error->kind == HD_ERROR_NONE);
  free(copy);
  return fine;
}

/* NULL where there is no such file. */
static inline char *file_text(const char *path, size_t *length)
{
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *length = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*length + 1);
  assert_non_null(text);
  assert_int_equal(fread(text, 1, *length, file), *length);
  text[*length] = '\0';
  fclose(file);
  return text;
}

static inline void read_file(const char *format, const char *path, struct profiles *profiles)
{
  struct hd_error error;
  size_t length;
  char *text = file_text(path, &length);
  assert_non_null(text);
  const struct hd_reader *reader =
      hd_reader_probe((const uint8_t *)text, length < 4096 ? length : 4096);
  assert_non_null(reader);
  assert_string_equal(reader->name, format);
  if (!read_as(format, text, length, profiles, &error))
    fail_msg("%s: line %ld: %s", path, (long)error.line, error.text);
  free(text);
}

static size_t allocations_left;

static inline bool allow_some(void)
{
  return allocations_left && allocations_left--;
}

/* With memory for n allocations, for every n: an error that says so, or all of it. */
static inline void without_memory(const char *format, const char *text, size_t length)
{
  struct profiles profiles;
  struct hd_error error;
  bool fine = false;
  for (size_t n = 0; !fine; n++) {
    allocations_left = n;
    hd_alloc_set_hook(allow_some);
    fine = read_as(format, text, length, &profiles, &error);
    hd_alloc_set_hook(NULL);
    if (!fine)
      assert_int_equal(error.kind, HD_ERROR_INTERNAL);
    drop_profiles(&profiles);
    assert_true(n < 10000);
  }
}

/* "parse_line parse.h:23", "f (in /lib/x.so)"; inlined frames are joined by "~". */
static inline void write_frame(struct hd_buffer *out, const struct hd_profile *profile,
                               const struct hd_location *location, uint32_t i)
{
  const struct hd_frame *frame = &profile->frames.items[location->first_frame + i];
  hd_buffer_printf(out, "%s%s", i ? "~" : "", hd_strings_text(&profile->strings, frame->function));
  if (frame->file)
    hd_buffer_printf(out, " %s:%u", hd_strings_text(&profile->strings, frame->file), frame->line);
  if (location->module)
    hd_buffer_printf(
        out, " (in %s)",
        hd_strings_text(&profile->strings, profile->modules.items[location->module - 1].path));
}

/* A line a record: its value in use and its stack, innermost first; "..." where its
 * callers are not known. */
static inline void write_profile(struct hd_buffer *out, const struct hd_profile *profile)
{
  for (size_t i = 0; i < profile->records.count; i++) {
    uint32_t stack = profile->records.items[i].stack;
    hd_buffer_printf(out, "%.0f", hd_profile_value(profile, i, HD_INUSE_SPACE));
    struct hd_span span = stack ? profile->stacks.items[stack - 1] : (struct hd_span){0};
    for (uint32_t k = 0; k < span.count; k++) {
      const struct hd_location *location =
          &profile->locations.items[profile->stack_locations.items[span.first + k] - 1];
      hd_buffer_puts(out, k ? " < " : ": ");
      for (uint32_t n = 0; n < location->frame_count; n++)
        write_frame(out, profile, location, n);
    }
    if (stack && profile->stack_truncated.items[stack - 1])
      hd_buffer_puts(out, " < ...");
    hd_buffer_puts(out, "\n");
  }
  assert_false(out->failed);
}

/* The sum over records whose stack has this source line, whatever the frame. */
static inline double sum_at(const struct hd_profile *profile, enum hd_measure measure,
                            const char *file, uint32_t line)
{
  double sum = 0;
  for (size_t i = 0; i < profile->records.count; i++) {
    uint32_t stack = profile->records.items[i].stack;
    struct hd_span span = stack ? profile->stacks.items[stack - 1] : (struct hd_span){0};
    bool found = false;
    for (uint32_t k = 0; k < span.count; k++) {
      const struct hd_location *location =
          &profile->locations.items[profile->stack_locations.items[span.first + k] - 1];
      for (uint32_t n = 0; n < location->frame_count; n++) {
        const struct hd_frame *frame = &profile->frames.items[location->first_frame + n];
        const char *path = hd_strings_text(&profile->strings, frame->file);
        size_t have = strlen(path), want = strlen(file);
        found |= frame->line == line && have >= want && !strcmp(path + have - want, file);
      }
    }
    sum += found ? hd_profile_value(profile, i, measure) : 0;
  }
  return sum;
}

#endif
