/* Writes profile.proto messages by hand, for tests of the pprof reader, and reads
 * them back through it. */
#ifndef TESTS_UNIT_PPROF_BUILDER_H
#define TESTS_UNIT_PPROF_BUILDER_H

#include "base/error.h"
#include "base/stream.h"
#include "model/profile.h"
#include "readers/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct hd_reader hd_reader_pprof;

struct message {
  uint8_t data[16384];
  size_t length;
};

static inline void put_varint(struct message *m, uint64_t value)
{
  for (; value >= 0x80; value >>= 7)
    m->data[m->length++] = (uint8_t)(value | 0x80);
  m->data[m->length++] = (uint8_t)value;
  assert_true(m->length < sizeof m->data - 16);
}

static inline void put_int(struct message *m, uint32_t field, uint64_t value)
{
  put_varint(m, (uint64_t)field << 3);
  put_varint(m, value);
}

static inline void put_bytes(struct message *m, uint32_t field, const void *data, size_t length)
{
  put_varint(m, (uint64_t)field << 3 | 2);
  put_varint(m, length);
  assert_true(m->length + length < sizeof m->data - 16);
  if (length)
    memcpy(m->data + m->length, data, length);
  m->length += length;
}

static inline void put_text(struct message *m, uint32_t field, const char *text)
{
  put_bytes(m, field, text, strlen(text));
}

static inline void put_message(struct message *m, uint32_t field, const struct message *inner)
{
  put_bytes(m, field, inner->data, inner->length);
}

/* A message of varints: fields 1, 2, ... in order; zeros are left out. */
static inline void put_row(struct message *m, uint32_t field, const uint64_t *values, size_t count)
{
  static struct message row;
  row.length = 0;
  for (size_t i = 0; i < count; i++)
    if (values[i])
      put_int(&row, (uint32_t)i + 1, values[i]);
  put_message(m, field, &row);
}

#define ROW(m, field, ...)                                                                         \
  put_row(m, field, (const uint64_t[]){__VA_ARGS__},                                               \
          sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* The string `text` as number 0, 1, ... of `m`'s table: strings are put at the end
 * by put_strings. */
struct table {
  const char *texts[256];
  size_t count;
};

static inline uint64_t number_of(struct table *table, const char *text)
{
  if (!table->count)
    table->texts[table->count++] = "";
  for (size_t i = 0; i < table->count; i++)
    if (strcmp(table->texts[i], text) == 0)
      return i;
  assert_true(table->count < 256);
  table->texts[table->count] = text;
  return table->count++;
}

static inline void put_strings(struct message *m, const struct table *table)
{
  for (size_t i = 0; i < table->count; i++)
    put_text(m, 6, table->texts[i]);
}

/* Location `id` with one line for each of the functions given, innermost first. */
static inline void put_location(struct message *m, uint64_t id, uint64_t mapping, uint64_t address,
                                const uint64_t *functions, size_t count)
{
  static struct message location;
  location.length = 0;
  put_int(&location, 1, id);
  if (mapping)
    put_int(&location, 2, mapping);
  put_int(&location, 3, address);
  for (size_t i = 0; i < count; i++)
    ROW(&location, 4, functions[i], 10 * functions[i]);
  put_message(m, 4, &location);
}

#define LOCATION(m, id, mapping, address, ...)                                                     \
  put_location(m, id, mapping, address, (const uint64_t[]){__VA_ARGS__},                           \
               sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static inline void put_packed(struct message *m, uint32_t field, const uint64_t *values,
                              size_t count)
{
  static struct message packed;
  packed.length = 0;
  for (size_t i = 0; i < count; i++)
    put_varint(&packed, values[i]);
  put_message(m, field, &packed);
}

/* A sample at `stack` (location ids up to a 0) with two values and no label. */
static inline void put_sample(struct message *m, const uint64_t *stack, int64_t objects,
                              int64_t space)
{
  static struct message sample;
  sample.length = 0;
  size_t depth = 0;
  while (stack[depth])
    depth++;
  put_packed(&sample, 1, stack, depth);
  put_packed(&sample, 2, (const uint64_t[]){(uint64_t)objects, (uint64_t)space}, 2);
  put_message(m, 2, &sample);
}

#define SAMPLE(m, objects, space, ...)                                                             \
  put_sample(m, (const uint64_t[]){__VA_ARGS__, 0}, objects, space)

/* Sample types "inuse_objects" and "inuse_space", period type and period. */
static inline void put_heap_types(struct message *m, struct table *table, uint64_t period)
{
  ROW(m, 1, number_of(table, "inuse_objects"), number_of(table, "count"));
  ROW(m, 1, number_of(table, "inuse_space"), number_of(table, "bytes"));
  ROW(m, 11, number_of(table, "space"), number_of(table, "bytes"));
  put_int(m, 12, period);
}

/* --- reading back ------------------------------------------------------------ */

static inline bool keep_profile(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)error;
  struct hd_profile **slot = context;
  assert_true(!*slot);
  *slot = profile;
  return true;
}

/* The profile in these bytes, NULL where the reader refuses them. The bytes are
 * copied into a block of just their size, so that a sanitizer sees any step past
 * the end. */
static inline struct hd_profile *read_bytes(const void *data, size_t length, struct hd_error *error)
{
  uint8_t *copy = malloc(length ? length : 1);
  assert_true(copy);
  if (length)
    memcpy(copy, data, length);
  struct hd_stream stream = hd_stream_of(copy, length);
  struct hd_profile *profile = NULL;
  struct hd_sink sink = {keep_profile, &profile};
  *error = (struct hd_error)HD_ERROR_INIT;
  bool done = hd_reader_pprof.read(&stream, &sink, error);
  assert_true(done == (profile != NULL));
  assert_true(done == (error->kind == HD_ERROR_NONE));
  free(copy);
  return profile;
}

static inline const char *text_of(const struct hd_profile *profile, uint32_t id)
{
  return hd_strings_text(&profile->strings, id);
}

/* --- a file under construction, one a test program ---------------------------- */

static struct message file;
static struct table table;

static inline int start(void **state)
{
  (void)state;
  file.length = 0;
  table = (struct table){0};
  return 0;
}

#define S(text) number_of(&table, text)

static inline struct hd_profile *finish(void)
{
  struct hd_error error;
  put_strings(&file, &table);
  struct hd_profile *profile = read_bytes(file.data, file.length, &error);
  if (!profile)
    print_error("refused: %s\n", error.text);
  assert_non_null(profile);
  assert_true(profile->frozen);
  return profile;
}

static inline void refused(const char *want)
{
  struct hd_error error;
  put_strings(&file, &table);
  assert_null(read_bytes(file.data, file.length, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  if (!strstr(error.text, want))
    fail_msg("'%s' is not in '%s'", want, error.text);
}

static inline void function(uint64_t id, const char *name, const char *system_name)
{
  ROW(&file, 5, id, S(name), S(system_name), S("/src/a.c"), 7 * id);
}

/* The functions of a record's stack, leaf first: "a<b c" for b, into which a was
 * inlined, called by c; 0x... where a location has no lines. */
static inline const char *stack_text(const struct hd_profile *profile, size_t record)
{
  static char text[1024];
  uint32_t id = profile->records.items[record].stack;
  text[0] = '\0';
  struct hd_span stack = id ? profile->stacks.items[id - 1] : (struct hd_span){0, 0};
  for (uint32_t i = 0; i < stack.count; i++) {
    uint32_t at = profile->stack_locations.items[stack.first + i];
    const struct hd_location *location = &profile->locations.items[at - 1];
    if (i)
      strcat(text, " ");
    if (!location->frame_count)
      sprintf(text + strlen(text), "0x%llx", (unsigned long long)location->offset);
    for (uint32_t k = 0; k < location->frame_count; k++) {
      const struct hd_frame *frame = &profile->frames.items[location->first_frame + k];
      sprintf(text + strlen(text), "%s%s", k ? "<" : "", text_of(profile, frame->function));
    }
  }
  return text;
}

#endif
