/* The bytes of a cache file: what is found in them, and which are refused. */
#include "symbols/cache_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char build_id[] = "00112233445566778899aabbccddeeff00112233";

/* As cache_file.c does it. */
static void sign(uint8_t *data, size_t size)
{
  struct hd_cache_header *header = (void *)data;
  header->checksum = 0;
  uint64_t parts[2] = {hd_hash(header, sizeof *header),
                       hd_hash(data + sizeof *header, size - sizeof *header)};
  header->checksum = hd_hash(parts, sizeof parts);
}

/* The first frame of a file. */
static struct hd_cache_frame *past_answers(char *data)
{
  const struct hd_cache_header *header = (void *)data;
  return (void *)(data + sizeof *header + header->answers * sizeof(struct hd_cache_answer));
}

/* A checksum that fits vouches for nothing: here it was made for what is wrong. */
static void test_forged(void **state)
{
  (void)state;
  struct hd_cache_set set = {.index = {0}};
  struct hd_symbol_frame frame = {"f", "f.c", 1, 1, "f()"};
  struct hd_cache_file file;
  for (unsigned i = 0; i < 7; i++) {
    struct hd_buffer made = HD_BUFFER_INIT;
    assert_true(hd_cache_set_add(&set, 10, &frame, 1));
    assert_true(hd_cache_set_add(&set, 20, &frame, 1));
    if (i == 1)
      set.answers.items[1].count = 2; /* past the frames */
    else if (i == 2)
      set.answers.items[1].offset = 10; /* twice the same */
    hd_cache_file_make(&set, build_id, &made);
    assert_false(made.failed);
    struct hd_cache_header *header = (void *)made.data;
    if (i == 3)
      past_answers(made.data)->function = header->text_bytes;
    else if (i == 4)
      past_answers(made.data)->shown = header->text_bytes;
    else if (i == 5)
      made.data[made.length - 1] = 'c'; /* the last text without its end */
    else if (i == 6)
      made.data[made.length - header->text_bytes] = 'c'; /* no text is a text */
    sign((uint8_t *)made.data, made.length);
    assert_int_equal(hd_cache_file_open(&file, made.data, made.length, build_id), i == 0);
    hd_buffer_deinit(&made);
    hd_cache_set_deinit(&set);
    set = (struct hd_cache_set){.index = {0}};
  }
}

/* Any bytes under a checksum that fits: what is taken holds together. */
static void test_forged_flips(void **state)
{
  (void)state;
  enum { ROUNDS = 50000, FRAMES = 5 };
  struct hd_cache_set set = {.index = {0}};
  struct hd_symbol_frame frames[FRAMES] = {{"f", "f.c", 1, 1, "f()"},
                                           {"g", "f.c", 2, 2, NULL},
                                           {"", "", 0, 0, ""},
                                           {"h", "h.c", 3, 3, "h"},
                                           {"f", "g.c", 4, 4, "f()"}};
  struct hd_buffer made = HD_BUFFER_INIT;
  struct hd_cache_file file;
  size_t taken = 0, sum = 0;
  for (uint64_t i = 0; i < 8; i++)
    assert_true(hd_cache_set_add(&set, i * 16, frames, i % (FRAMES + 1)));
  hd_cache_file_make(&set, build_id, &made);
  assert_false(made.failed);
  uint8_t *data = malloc(made.length);
  assert_non_null(data);
  srandom(1);
  for (unsigned round = 0; round < ROUNDS; round++) {
    memcpy(data, made.data, made.length);
    for (long n = 1 + random() % 3; n > 0; n--)
      data[(size_t)random() % made.length] = (uint8_t)(random() % 3 ? random() % 9 : random());
    sign(data, made.length);
    if (!hd_cache_file_open(&file, data, made.length, build_id))
      continue;
    taken++;
    for (size_t i = 0; i < file.answer_count; i++)
      for (uint32_t k = 0; k < file.answers[i].count; k++) {
        struct hd_symbol_frame frame = hd_cache_file_frame(&file, file.answers[i].first + k);
        sum += strlen(frame.function) + strlen(frame.file) +
               (frame.shown ? strlen(frame.shown) : 0);
      }
  }
  assert_true(taken > 0 && sum > 0);
  free(data);
  hd_buffer_deinit(&made);
  hd_cache_set_deinit(&set);
}

/* However the offsets lie, each is found and none other. */
static void test_find(void **state)
{
  (void)state;
  enum { COUNT = 20000 };
  const uint64_t far = UINT64_MAX - COUNT;
  for (unsigned spread = 0; spread < 4; spread++) {
    struct hd_cache_set set = {.index = {0}};
    struct hd_buffer made = HD_BUFFER_INIT;
    struct hd_cache_file file;
    struct hd_symbol_frame frame = {"_Z1fv", "f.cc", 1, 1, "f"};
    for (uint64_t i = 0; i < COUNT; i++) {
      /* All apart; in one heap; in two heaps; as far apart as there is. */
      uint64_t offset = spread == 0   ? i * 64
                        : spread == 3 ? i * (far / COUNT / 2) * 2
                        : spread == 1 || i < COUNT / 2 ? i * 2
                                                       : far / 2 + i * 2;
      frame.line = (uint32_t)i;
      assert_true(hd_cache_set_add(&set, offset, &frame, 1));
    }
    hd_cache_file_make(&set, build_id, &made);
    assert_true(hd_cache_file_open(&file, made.data, made.length, build_id));
    assert_int_equal(file.answer_count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
      uint64_t offset = file.answers[i].offset;
      const struct hd_cache_answer *found = hd_cache_file_find(&file, offset);
      assert_ptr_equal(found, &file.answers[i]);
      struct hd_symbol_frame read = hd_cache_file_frame(&file, found->first);
      assert_int_equal(read.line, set.frames.items[found->first].line);
      assert_string_equal(read.function, "_Z1fv");
      assert_string_equal(read.shown, "f");
      assert_null(hd_cache_file_find(&file, offset + 1));
      assert_null(hd_cache_file_find(&file, offset - 1));
    }
    assert_null(hd_cache_file_find(&file, UINT64_MAX));
    hd_buffer_deinit(&made);
    hd_cache_set_deinit(&set);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forged),
      cmocka_unit_test(test_forged_flips),
      cmocka_unit_test(test_find),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
