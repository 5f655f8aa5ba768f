/* The native reader: what the format allows, and every way in which a file can be
 * wrong. */
#include "readers/reader.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER                                                                                     \
  "{\"heapdiff\":1,\"kind\":\"heap\",\"pid\":7,\"rate\":1024,\"rss\":4096,\"command\":[\"a\","     \
  "\"b c\"],\"limits\":{\"cgroup\":99},\"dropped\":{\"stacks\":1,\"allocations\":2},"              \
  "\"measures\":[\"inuse_space\",\"inuse_objects\",\"future\",\"alloc_space\","                    \
  "\"alloc_objects\"]}\n"
#define BODY                                                                                       \
  "{\"strings\":[\"f\",\"/x/f.c\"]}\n"                                                             \
  "{\"module\":{\"path\":\"/bin/a\",\"build_id\":\"abcd\",\"load\":4096,\"size\":10}}\n"           \
  "{\"frames\":[[0,100],[null,7],[0,200,[[0,1,12,10],[null,null,0,0]]]]}\n"                        \
  "{\"comet\":1,\"stack\":[99]}\n"                                                                \
  "{\"stack\":[0,1,2],\"records\":[{\"size\":64,\"rate\":1024,\"live\":3,\"alloc\":5,"             \
  "\"ages\":[[3,2],[4,1]],\"labels\":{\"k\":\"v\",\"n\":5}},"                                      \
  "{\"values\":[10,1,0,20,2]}]}\n"                                                                 \
  "{\"stack\":[],\"truncated\":true,\"records\":[]}\n"
#define END "{\"end\":{\"strings\":2,\"modules\":1,\"frames\":3,\"stacks\":2,\"records\":2}}\n"

static bool take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)error;
  *(struct hd_profile **)context = profile;
  return true;
}

static struct hd_profile *read_text(const char *text, size_t length, struct hd_error *error)
{
  struct hd_profile *profile = NULL;
  struct hd_sink sink = {take, &profile};
  struct hd_stream stream = hd_stream_of(text, length);
  *error = (struct hd_error)HD_ERROR_INIT;
  bool fine = hd_reader_find("native")->read(&stream, &sink, error);
  assert_int_equal(fine, profile != NULL);
  assert_int_equal(fine, error->kind == HD_ERROR_NONE);
  return profile;
}

static void a_whole_file(void **state)
{
  (void)state;
  static const char text[] = HEADER BODY END;
  struct hd_error error;
  struct hd_profile *profile = read_text(text, sizeof text - 1, &error);
  assert_non_null(profile);
  assert_int_equal(profile->meta.pid, 7);
  assert_int_equal(profile->meta.limit_cgroup, 99);
  assert_int_equal(profile->meta.dropped_allocations, 2);
  assert_string_equal(profile->meta.command, "a b c");
  assert_int_equal(profile->records.count, 2);
  assert_int_equal(profile->stacks.count, 1);
  assert_int_equal(profile->ages.count, 2);
  assert_int_equal(profile->label_sets.count, 1);
  /* Unsampled by the man page's formula, each record by itself. */
  double weight = 1 / (1 - exp(-65.0 / 1024));
  assert_true(fabs(hd_profile_value(profile, 0, HD_INUSE_OBJECTS) - 3 * weight) < 1e-9);
  assert_true(fabs(hd_profile_value(profile, 0, HD_ALLOC_SPACE) - 5 * 64 * weight) < 1e-6);
  assert_true(fabs(profile->records.items[0].weight - weight) < 1e-12);
  /* A measure of the future is passed over, the others keep their places. */
  assert_true(hd_profile_value(profile, 1, HD_INUSE_SPACE) == 10);
  assert_true(hd_profile_value(profile, 1, HD_ALLOC_SPACE) == 20);
  assert_true(hd_profile_value(profile, 1, HD_ALLOC_OBJECTS) == 2);
  assert_true(profile->records.items[1].weight == 1);
  const struct hd_location *inlined = &profile->locations.items[2];
  assert_int_equal(inlined->frame_count, 2);
  assert_int_equal(profile->frames.items[inlined->first_frame].line, 12);
  hd_profile_destroy(profile);
}

/* Cut anywhere, a file is an error of kind input that names a line. */
static void cut_at_every_byte(void **state)
{
  (void)state;
  static const char text[] = HEADER BODY END;
  struct hd_error error;
  for (size_t cut = 1; cut + 2 < sizeof text; cut++) {
    assert_null(read_text(text, cut, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_true(error.line > 0);
  }
  /* Without the last newline it is whole. */
  struct hd_profile *profile = read_text(text, sizeof text - 2, &error);
  assert_non_null(profile);
  hd_profile_destroy(profile);
}

static void wrong_files(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"[1]\n", "object"},
      {"{\"a\":1}\n", "not a heapdiff snapshot"},
      {"{\"heapdiff\":2}\n", "version 2"},
      {"{\"heapdiff\":1}\n", "measures"},
      {"{\"heapdiff\":1,\"measures\":[\"future\"]}\n", "none of the measures"},
      {"{\"heapdiff\":1,\"measures\":[\"inuse_space\",\"space\"]}\n", "twice"},
      {"{\"heapdiff\":1,\"kind\":\"heap\",\"measures\":[\"space\"]}\n", "rate"},
      {"{\"heapdiff\":1,\"rate\":1,\"measures\":[\"space\"]}\n", "kind"},
      {"{\"heapdiff\":1,\"pid\":\"x\",\"measures\":[\"space\"]}\n", "\"pid\""},
      {"{\"heapdiff\":1,\"rate\":-1,\"measures\":[\"space\"]}\n", "negative"},
      {HEADER "nonsense\n", "not JSON"},
      {HEADER "{\"frames\":[[0,1]]}\n", "module 0"},
      {HEADER "{\"frames\":[[-1,1]]}\n", "module -1"},
      {HEADER "{\"frames\":[[null,1,[[0,0]]]]}\n", "string 0"},
      {HEADER "{\"frames\":[[null]]}\n", "[module, offset]"},
      {HEADER "{\"frames\":7}\n", "list"},
      {HEADER "{\"stack\":[0],\"records\":[]}\n", "frame 0"},
      {HEADER "{\"stack\":[99999999999999],\"records\":[]}\n", "frame 99999999999999"},
      {HEADER "{\"stack\":[]}\n", "records"},
      {HEADER "{\"stack\":[],\"records\":[{}]}\n", "size"},
      {HEADER "{\"stack\":[],\"records\":[{\"size\":1,\"rate\":9}]}\n", "live"},
      {HEADER "{\"stack\":[],\"records\":[{\"size\":1,\"rate\":9,\"live\":-1,\"alloc\":1}]}\n",
       "negative"},
      {HEADER "{\"stack\":[],\"records\":[{\"values\":[1]}]}\n", "1 values"},
      {HEADER "{\"stack\":[],\"records\":[{\"values\":[1,2,3,4,\"5\"]}]}\n", "whole number"},
      {HEADER "{\"stack\":[],\"records\":[{\"values\":[1,2,3,4,5],\"ages\":[[64,1]]}]}\n", "age"},
      {HEADER "{\"stack\":[],\"records\":[{\"values\":[2000000000000000000,2,3,4,5]}]}\n", "2^60"},
      {HEADER "{\"stack\":[],\"records\":[{\"values\":[-600000000000000000,2,3,4,5]},"
              "{\"values\":[600000000000000000,2,3,4,5]}]}\n", "2^60"},
      {HEADER "{\"module\":{}}\n{\"frames\":[[0,-1]]}\n", "offset in its module is negative"},
      {HEADER "{\"end\":{\"records\":3}}\n", "counts 3 records"},
      {HEADER BODY END "{\"strings\":[]}\n", "follows the closing line"},
      {HEADER BODY, "closing line is missing"},
  };
  struct hd_error error;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_null(read_text(cases[i].text, strlen(cases[i].text), &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_true(error.line > 0);
    if (!strstr(error.text, cases[i].message))
      fail_msg("case %zu: '%s' does not say '%s'", i, error.text, cases[i].message);
  }
}

/* Flipping any byte must not crash; ASan watches. */
static void flipped_bytes(void **state)
{
  (void)state;
  char text[] = HEADER BODY END;
  struct hd_error error;
  unsigned refused = 0;
  for (size_t i = 0; i + 1 < sizeof text; i++)
    for (unsigned bit = 0; bit < 8; bit += 3) {
      text[i] ^= (char)(1u << bit);
      struct hd_profile *profile = read_text(text, sizeof text - 1, &error);
      refused += !profile;
      hd_profile_destroy(profile);
      text[i] ^= (char)(1u << bit);
    }
  assert_true(refused > 100);
}

static void probing(void **state)
{
  (void)state;
  const struct hd_reader *reader = hd_reader_find("native");
  assert_true(reader->probe((const uint8_t *)HEADER, strlen(HEADER)) == HD_PROBE_SURE);
  assert_true(reader->probe((const uint8_t *)"{\"heapdif", 9) == HD_PROBE_NO);
  assert_true(reader->probe((const uint8_t *)"{\"other\":1}", 11) == HD_PROBE_NO);
  assert_ptr_equal(hd_reader_probe((const uint8_t *)HEADER, strlen(HEADER)), reader);
  assert_null(hd_reader_find("no such"));
}

/* A line that the cursor takes, and the same with a blank in it, which jansson reads. */
static void assert_same_either_way(const char *line)
{
  char plain[2048], spaced[2048];
  struct hd_error errors[2];
  snprintf(plain, sizeof plain, "%s%s{\"stack\":%s\n", HEADER, BODY, line);
  snprintf(spaced, sizeof spaced, "%s%s{ \"stack\":%s\n", HEADER, BODY, line);
  for (int ended = 0; ended < 2; ended++) {
    struct hd_profile *a, *b;
    strcat(plain, ended ? "{\"end\":{}}\n" : "");
    strcat(spaced, ended ? "{\"end\":{}}\n" : "");
    a = read_text(plain, strlen(plain), &errors[0]);
    b = read_text(spaced, strlen(spaced), &errors[1]);
    assert_int_equal(a != NULL, b != NULL);
    assert_int_equal(errors[0].line, errors[1].line);
    if (!strstr(errors[0].text, "column"))
      assert_string_equal(errors[0].text, errors[1].text);
    if (!a)
      continue;
    assert_int_equal(a->records.count, b->records.count);
    assert_int_equal(a->stacks.count, b->stacks.count);
    assert_int_equal(a->ages.count, b->ages.count);
    assert_memory_equal(a->values.items, b->values.items, a->values.count * sizeof(double));
    assert_memory_equal(a->stack_locations.items, b->stack_locations.items,
                        a->stack_locations.count * sizeof(uint32_t));
    for (size_t i = 0; i < a->records.count; i++) {
      const struct hd_record *x = &a->records.items[i], *y = &b->records.items[i];
      assert_true(x->stack == y->stack && x->size == y->size && x->rate == y->rate &&
                  x->labels == y->labels && x->weight == y->weight);
    }
    for (size_t i = 0; i < a->ages.count; i++) {
      const struct hd_age *x = &a->ages.items[i], *y = &b->ages.items[i];
      assert_true(x->record == y->record && x->log2 == y->log2 && x->count == y->count);
    }
    hd_profile_destroy(a);
    hd_profile_destroy(b);
  }
}

static void two_ways_to_one_stack(void **state)
{
  (void)state;
  static const char *const lines[] = {
      "[2,0],\"records\":[{\"values\":[10,-1,0,20,2]}]}",
      "[2],\"truncated\":true,\"records\":[{\"size\":8,\"rate\":9,\"live\":1,\"alloc\":3}]}",
      "[2],\"truncated\":false,\"records\":[{\"values\":[1,2,3,4,5]}]}",
      "[1],\"records\":[{\"rate\":512,\"size\":8,\"alloc\":3,\"live\":1,"
      "\"ages\":[[10,1],[63,2]]},{\"values\":[1,2,3,4,5],\"ages\":[[0,7]]},"
      "{\"size\":8,\"rate\":512,\"values\":[1,2,3,4,5]}]}",
      "[],\"records\":[]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,5],\"other\":[{}]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,5],\"labels\":{\"k\":\"v\"}}]}",
      /* wrong ones, to the same words */
      "[3],\"records\":[{\"values\":[1,2,3,4,5]}]}",
      "[-1],\"records\":[{\"values\":[1,2,3,4,5]}]}",
      "[01],\"records\":[{\"values\":[1,2,3,4,5]}]}",
      "[1,],\"records\":[{\"values\":[1,2,3,4,5]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,5,6]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,-]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,-0]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,1e3]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,99999999999999999999]}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,5],\"values\":[1,2,3,4,5]}]}",
      "[1],\"records\":[{\"size\":8,\"rate\":9,\"live\":1}]}",
      "[1],\"records\":[{\"size\":8,\"rate\":0,\"live\":1,\"alloc\":1}]}",
      "[1],\"records\":[{\"rate\":8,\"live\":1,\"alloc\":1}]}",
      "[1],\"records\":[{\"values\":[1,2,3,4,5],\"ages\":[[64,1]]}]}",
      "[1],\"records\":[{}]}",
      "[1],\"records\":[]",
      "[1],\"records\":[]}}",
      "[1],\"records\":[]} x",
      "[1]}",
      "[1],\"records\":[{\"values\":[999999999999999999,2,3,4,999999999999999999]},"
      "{\"values\":[999999999999999999,2,3,4,5]}]}",
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    assert_same_either_way(lines[i]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_file),  cmocka_unit_test(cut_at_every_byte),
      cmocka_unit_test(wrong_files),   cmocka_unit_test(flipped_bytes),
      cmocka_unit_test(probing),       cmocka_unit_test(two_ways_to_one_stack),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
