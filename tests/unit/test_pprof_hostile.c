/* Damaged and hostile profiles: each is refused in one clear line that says
 * where, and none makes the reader step past its bytes, leak or stop short of an
 * answer. Run under AddressSanitizer this is worth most. */
#include "unit/pprof_builder.h"

#include "base/alloc.h"

#include <zlib.h>

static struct message row;

static int fresh(void **state)
{
  row.length = 0;
  return start(state);
}

static void good_file(void)
{
  put_heap_types(&file, &table, 512);
  ROW(&file, 3, 1, 0x1000, 0x2000, 0, S("/bin/a"), S("abcd"));
  SAMPLE(&file, 3, 3000, 2, 1);
  function(1, "main", "");
  function(2, "f", "_Z1fv");
  LOCATION(&file, 1, 1, 0x1010, 1);
  LOCATION(&file, 2, 1, 0x1020, 2, 1);
}

/* The error text, with its place in front as it will be printed. */
static const char *error_of(const void *data, size_t length)
{
  static char line[1024];
  struct hd_error error;
  assert_null(read_bytes(data, length, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  hd_error_format(&error, line, sizeof line);
  assert_null(strchr(line, '\n'));
  return line;
}

static void want(const char *expected)
{
  put_strings(&file, &table);
  assert_string_equal(error_of(file.data, file.length), expected);
}

static void test_empty(void **state)
{
  (void)state;
  assert_string_equal(error_of("", 0), "the file is empty: fetch the profile again");
  assert_string_equal(error_of("2\0", 2), "the profile has no sample types: it is empty or "
                                          "damaged; fetch it again");
}

static void test_no_strings(void **state)
{
  (void)state;
  ROW(&file, 1, 1, 2);
  assert_string_equal(error_of(file.data, file.length),
                      "a sample type's name is string 1, but the file has only 0: it is "
                      "incomplete or damaged; fetch it again");
}

static void test_first_string(void **state)
{
  (void)state;
  put_text(&file, 6, "space");
  ROW(&file, 1, 0, 0);
  want("at byte 0: the first string is not empty, as the format has it: this is not a pprof "
       "profile, or a damaged one");
}

static void test_huge_length(void **state)
{
  (void)state;
  uint8_t small[1024] = {0};
  good_file();
  memcpy(small, file.data, file.length);
  size_t at = file.length;
  memcpy(small + at, "\x12\x80\x80\x80\x80\x04", 6);
  assert_string_equal(error_of(small, sizeof small),
                      "at byte 1024: truncated (in sample 2): the file is incomplete; fetch it "
                      "again");
  memcpy(small + at, "\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
  assert_non_null(strstr(error_of(small, sizeof small), "truncated (in location 3)"));
}

static void test_lengths_inside(void **state)
{
  (void)state;
  /* The sample is whole, what it holds is longer. */
  ROW(&file, 1, S("space"), S("bytes"));
  put_bytes(&file, 2, "\x0a\x7f\x01", 3);
  want("at byte 8: sample 1 is damaged: a value goes past the end of what holds it; fetch the "
       "profile again");
}

static void test_groups_and_types(void **state)
{
  (void)state;
  put_bytes(&file, 3, "\x0b\x0c", 2);
  want("at byte 2: mapping 1 is damaged: a field has a wire type that is not read (a group, or "
       "none); fetch the profile again");
  fresh(NULL);
  put_varint(&file, 200 << 3 | 3);
  want("at byte 0: the file is damaged: a field has a wire type that is not read (a group, or "
       "none); fetch it again");
  fresh(NULL);
  put_int(&file, 4, 1);
  want("at byte 2: location is damaged: field 4 has wire type 0, not 2; is this a pprof profile?");
  fresh(NULL);
  put_bytes(&file, 12, "x", 1);
  want("at byte 3: period is damaged: field 12 has wire type 2, not 0; is this a pprof profile?");
  fresh(NULL);
  put_bytes(&file, 13, "\x80", 1);
  want("at byte 2: the list of comments is damaged: a value goes past the end of what holds it; "
       "fetch the profile again");
}

static void test_ids(void **state)
{
  (void)state;
  good_file();
  function(2, "again", "");
  refused("function 3 has id 2, as one before it");
  fresh(NULL);
  good_file();
  put_location(&file, 1, 0, 0, NULL, 0);
  refused("location 3 has id 1, as one before it");
  fresh(NULL);
  ROW(&file, 3, UINT64_MAX);
  ROW(&file, 3, UINT64_MAX);
  want("at byte 13: mapping 2 has id 18446744073709551615, as one before it: the file is damaged");
  fresh(NULL);
  ROW(&file, 5, 0, 1);
  want("at byte 0: function 1 has id 0, which is reserved: the file is damaged");
}

static void test_dangling(void **state)
{
  (void)state;
  good_file();
  LOCATION(&file, 3, 0, 0, 77);
  refused("location 3 is in function 77, which is not in the file");
  fresh(NULL);
  good_file();
  LOCATION(&file, 3, 0, 0, 0);
  refused("location 3 is in function 0, which");
  fresh(NULL);
  good_file();
  SAMPLE(&file, 1, 1, 1, 1ull << 50);
  refused("sample 2 is at location 1125899906842624, which is not in the file");
  fresh(NULL);
  good_file();
  put_int(&row, 1, 0);
  put_packed(&row, 2, (const uint64_t[]){1, 1}, 2);
  put_message(&file, 2, &row);
  refused("sample 2 is at location 0, which is not in the file");
}

static void test_string_numbers(void **state)
{
  (void)state;
  static const uint64_t bad[] = {100, UINT64_MAX, INT64_MAX, 1ull << 32};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    for (int field = 0; field < 9; field++) {
      fresh(NULL);
      good_file();
      switch (field) {
      case 0: ROW(&file, 1, 0, bad[i]); break;
      case 1:
        ROW(&file, 5, 9, bad[i]);
        LOCATION(&file, 3, 0, 0, 9);
        break;
      case 2:
        ROW(&file, 5, 9, 0, bad[i]);
        LOCATION(&file, 3, 0, 0, 9);
        break;
      case 3:
        ROW(&file, 5, 9, 0, 0, bad[i]);
        LOCATION(&file, 3, 0, 0, 9);
        break;
      case 4: ROW(&file, 3, 9, 0, 0, 0, bad[i]); break;
      case 5: put_int(&file, 7, bad[i]); break;
      case 6: put_int(&file, 13, bad[i]); break;
      case 7: put_int(&file, 14, bad[i]); break;
      default:
        ROW(&row, 3, bad[i], 1);
        put_packed(&row, 2, (const uint64_t[]){1, 1}, 2);
        put_message(&file, 2, &row);
      }
      refused(", but the file has only ");
    }
}

static void test_values(void **state)
{
  (void)state;
  good_file();
  put_packed(&row, 2, (const uint64_t[]){1, 2, 3}, 3);
  put_message(&file, 2, &row);
  refused("sample 2 has 3 values, but the file has 2 sample types");
  fresh(NULL);
  good_file();
  put_bytes(&file, 2, "", 0);
  refused("sample 2 has 0 values");
  fresh(NULL);
  good_file();
  put_bytes(&row, 2, "\x01\x80", 2);
  put_message(&file, 2, &row);
  refused("sample 2 is damaged: a list ends inside a number");
}

static void test_sample_types(void **state)
{
  (void)state;
  good_file();
  ROW(&file, 1, S("space"), S("bytes"));
  refused("two sample types are inuse_space");
  fresh(NULL);
  ROW(&file, 1, S("alloc_space"), S("megabytes"));
  refused("alloc_space is not in bytes here");
  fresh(NULL);
  for (int i = 0; i < 65; i++)
    ROW(&file, 1, 0, 0);
  refused("more than 64 sample types");
}

static void test_too_much(void **state)
{
  (void)state;
  good_file();
  put_packed(&row, 2, (const uint64_t[]){1, 2}, 2);
  for (uint64_t i = 1; i <= 1025; i++)
    ROW(&row, 3, 1, 0, i);
  put_message(&file, 2, &row);
  refused("sample 2 has more than 1024 labels");
  fresh(NULL);
  good_file();
  put_int(&file, 9, 5);
  put_int(&file, 9, 6);
  refused("two profiles in one file");
}

/* --- cuts, flips, want of memory ---------------------------------------------- */

struct bytes {
  uint8_t data[65536];
  size_t length;
};

static struct bytes *inflated(const char *name)
{
  static struct bytes bytes;
  char path[512];
  snprintf(path, sizeof path, TESTDATA "/pprof/%s", name);
  gzFile in = gzopen(path, "rb");
  assert_non_null(in);
  int got = gzread(in, bytes.data, sizeof bytes.data);
  assert_true(got > 0 && got < (int)sizeof bytes.data);
  bytes.length = (size_t)got;
  gzclose(in);
  return &bytes;
}

static void test_cut_at_every_byte(void **state)
{
  (void)state;
  static const char *const names[] = {"go-leak/heap.5.pb.gz", "go-exact/heap.2.pb.gz"};
  for (size_t i = 0; i < 2; i++) {
    struct bytes *bytes = inflated(names[i]);
    size_t end = bytes->length < 4096 ? bytes->length : 4096;
    for (size_t length = 0; length < end; length++) {
      /* Strings come last in Go's files: no shorter one can be read. */
      const char *line = error_of(bytes->data, length);
      assert_true(strstr(line, "empty") || strstr(line, "incomplete") ||
                  strstr(line, "no sample types"));
      (void)hd_reader_pprof.probe(bytes->data, length);
    }
  }
}

static uint64_t random_state;

static uint64_t next_random(void)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static void try_flipped(struct bytes *bytes)
{
  struct hd_error error;
  struct hd_profile *profile = read_bytes(bytes->data, bytes->length, &error);
  if (profile)
    assert_true(profile->meta.kind != NULL);
  else
    assert_true(error.kind == HD_ERROR_INPUT && error.text[0]);
  hd_profile_destroy(profile);
}

static void test_flipped_bytes(void **state)
{
  (void)state;
  struct bytes *bytes = inflated("go-leak/heap.5.pb.gz");
  static struct bytes flipped;
  random_state = 88172645463325252ull;
  for (int round = 0; round < 6000; round++) {
    flipped = *bytes;
    for (uint64_t flips = 1 + next_random() % 4; flips; flips--)
      flipped.data[next_random() % bytes->length] = (uint8_t)next_random();
    try_flipped(&flipped);
  }
  /* Each byte of the first KiB with its continuation bit turned. */
  for (size_t i = 0; i < bytes->length && i < 1024; i++) {
    flipped = *bytes;
    flipped.data[i] ^= 0x80;
    try_flipped(&flipped);
  }
}

static long allowed;

static bool allow(void)
{
  return allowed-- > 0;
}

static void test_want_of_memory(void **state)
{
  (void)state;
  struct hd_error error;
  struct hd_profile *profile = NULL;
  good_file();
  put_int(&file, 7, S("main"));
  put_int(&file, 13, S("a comment"));
  put_strings(&file, &table);
  long n = 0;
  for (; !profile && n < 10000; n++) {
    allowed = n;
    hd_alloc_set_hook(allow);
    profile = read_bytes(file.data, file.length, &error);
    hd_alloc_set_hook(NULL);
    if (!profile) {
      assert_int_equal(error.kind, HD_ERROR_INTERNAL);
      assert_string_equal(error.text, "out of memory");
    }
  }
  assert_true(n > 20 && profile);
  hd_profile_destroy(profile);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_empty),
      TEST(test_no_strings),
      TEST(test_first_string),
      TEST(test_huge_length),
      TEST(test_lengths_inside),
      TEST(test_groups_and_types),
      TEST(test_ids),
      TEST(test_dangling),
      TEST(test_string_numbers),
      TEST(test_values),
      TEST(test_sample_types),
      TEST(test_too_much),
      TEST(test_cut_at_every_byte),
      TEST(test_flipped_bytes),
      TEST(test_want_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
