/* The DHAT reader: the members it takes, real files against the programs' own
 * truth, and every way in which a file can be wrong. */
#include "valgrind_profiles.h"

#include <inttypes.h>
#include <jansson.h>

#define HEAD                                                                                       \
  "{\"dhatFileVersion\":2,\"mode\":\"heap\",\"verb\":\"Allocated\",\"bklt\":true,"                 \
  "\"cmd\":\"./prog -x\",\"pid\":77,\"te\":9,\"tg\":8,"
#define POINT(eb, ebk, fs)                                                                         \
  "{\"tb\":100,\"tbk\":10,\"tl\":1,\"mb\":9,\"mbk\":9,\"gb\":9,\"gbk\":9,\"eb\":" eb               \
  ",\"ebk\":" ebk ",\"rb\":0,\"wb\":0,\"acc\":[-8,1],\"fs\":" fs "}"
#define TABLE                                                                                      \
  "\"ftbl\":[\"[root]\",\"0x1: malloc (in /l/vgpreload.so)\",\"0x2: f (a.c:1)\","                  \
  "\"0x2: g (a.c:2)\",\"0x3: <T as U>::h (src/x.rs:7:13)\"]}\n"
#define FILE_OF(points) HEAD "\"pps\":[" points "]," TABLE

static bool read_text(const char *text, size_t length, struct profiles *profiles,
                      struct hd_error *error)
{
  return read_as("dhat", text, length, profiles, error);
}

static void a_whole_file(void **state)
{
  (void)state;
  static const char text[] = FILE_OF(
      POINT("50", "5", "[1,2,3]") "," POINT("0", "0", "[1,4]") "," POINT("7", "1", "[0,1,4]"));
  struct profiles profiles;
  struct hd_error error;
  const struct hd_reader *reader = hd_reader_probe((const uint8_t *)text, sizeof text - 1);
  assert_string_equal(reader->name, "dhat");
  assert_true(read_text(text, sizeof text - 1, &profiles, &error));
  const struct hd_profile *profile = profiles.items[0];
  struct hd_buffer out = HD_BUFFER_INIT;
  write_profile(&out, profile);
  assert_string_equal(out.data, "50: malloc (in /l/vgpreload.so) < f a.c:1~g a.c:2\n"
                                "0: malloc (in /l/vgpreload.so) < <T as U>::h src/x.rs:7\n"
                                "7: malloc (in /l/vgpreload.so) < <T as U>::h src/x.rs:7\n");
  hd_buffer_deinit(&out);
  assert_int_equal(profile->meta.pid, 77);
  assert_int_equal(profile->meta.rate, 1);
  assert_string_equal(profile->meta.program, "./prog");
  assert_string_equal(profile->meta.command, "./prog -x");
  assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == 57);
  assert_true(hd_profile_total(profile, HD_INUSE_OBJECTS) == 6);
  assert_true(hd_profile_total(profile, HD_ALLOC_SPACE) == 300);
  assert_true(hd_profile_total(profile, HD_ALLOC_OBJECTS) == 30);
  assert_int_equal(profile->bad_rows, 0);
  drop_profiles(&profiles);
}

/* A program that allocated nothing, and the Rust crate's own name for a heap. */
static void small_files(void **state)
{
  (void)state;
  static const char *const texts[] = {
      FILE_OF(""),
      " {\n\"mode\": \"rust-heap\", \"dhatFileVersion\": 2,\"pps\":[]," TABLE,
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    size_t length = strlen(texts[i]);
    assert_string_equal(hd_reader_probe((const uint8_t *)texts[i], length)->name, "dhat");
    assert_true(read_text(texts[i], length, &profiles, &error));
    assert_int_equal(profiles.items[0]->records.count, 0);
    drop_profiles(&profiles);
  }
  assert_null(hd_reader_probe((const uint8_t *)"{\"version\":2,\"mode\":\"heap\"}", 27));
}

/* One bad stack is counted and the others stay; where all are bad it is no DHAT. */
static void bad_stacks(void **state)
{
  (void)state;
  static const char *const bad[] = {
      POINT("-1", "5", "[1]"),
      POINT("1.5", "5", "[1]"),
      POINT("\"1\"", "5", "[1]"),
      POINT("1", "5", "[5]"),
      POINT("1", "5", "[-1]"),
      POINT("1", "5", "[4294967297]"),
      POINT("1", "5", "7"),
      POINT("1", "5", "[[1]]"),
      "{\"tb\":1,\"tbk\":1,\"fs\":[1]}",
      "7",
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[2000];
    snprintf(text, sizeof text, HEAD "\"pps\":[%s,%s]," TABLE, bad[i], POINT("3", "1", "[1,2]"));
    assert_true(read_text(text, strlen(text), &profiles, &error));
    assert_int_equal(profiles.items[0]->bad_rows, 1);
    assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 3);
    drop_profiles(&profiles);
    snprintf(text, sizeof text, HEAD "\"pps\":[%s]," TABLE, bad[i]);
    assert_false(read_text(text, strlen(text), &profiles, &error));
    assert_non_null(strstr(error.text, "none of the 1 stacks"));
  }
}

static void wrong_files(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"[1]", "object is expected"},
      {"{\"dhatFileVersion\":", "cut off"},
      {"{\"dhatFileVersion\":2,}", "not JSON"},
      {"{\"dhatFileVersion\":2,\"dhatFileVersion\":2}", "not JSON"},
      {"{\"dhatFileVersion\":\"2\"}", "no usable \"dhatFileVersion\""},
      {"{\"dhatFileVersion\":3}", "version 3"},
      {"{\"dhatFileVersion\":2}", "no \"mode\""},
      {"{\"dhatFileVersion\":2,\"mode\":\"copy\"}", "mode \"copy\""},
      {"{\"dhatFileVersion\":2,\"mode\":\"ad-hoc\"}", "mode \"ad-hoc\""},
      {HEAD "\"x\":1}", "no list \"pps\""},
      {HEAD "\"pps\":{}}", "no list \"pps\""},
      {HEAD "\"pps\":[]}", "no list \"ftbl\""},
      {HEAD "\"pps\":[],\"ftbl\":[1]}", "something else than texts, at 0"},
      {FILE_OF(POINT("2000000000000000000", "1", "[1]")), "2^60"},
      {FILE_OF(POINT("99999999999999999999", "1", "[1]")), "not JSON"},
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_false(read_text(cases[i].text, strlen(cases[i].text), &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_int_equal(profiles.count, 0);
    if (!strstr(error.text, cases[i].message))
      fail_msg("case %zu: '%s' does not say '%s'", i, error.text, cases[i].message);
  }
}

/* A file with a hole, as a copy onto a full disk leaves it. */
static void zeros_to_the_end(void **state)
{
  (void)state;
  char text[500000] = HEAD "\"pps\":[";
  struct profiles profiles;
  struct hd_error error;
  assert_false(read_text(text, sizeof text, &profiles, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  assert_int_equal(error.offset, strlen(text));
  assert_non_null(strstr(error.text, "not written to its end"));
}

static void cut_and_flipped(void **state)
{
  (void)state;
  char text[] = FILE_OF(POINT("50", "5", "[1,2,3]") "," POINT("0", "0", "[1,4]"));
  static const char values[] = {0, '"', '[', '}', '9', '-', ',', '\x80', '\\'};
  struct profiles profiles;
  struct hd_error error;
  for (size_t cut = 0; cut < sizeof text - 2; cut++) {
    assert_false(read_text(text, cut, &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_true(error.line > 0);
  }
  for (size_t at = 0; at < sizeof text - 1; at++) {
    char was = text[at];
    for (size_t i = 0; i < sizeof values; i++) {
      text[at] = values[i];
      if (!read_text(text, sizeof text - 1, &profiles, &error))
        assert_int_equal(error.kind, HD_ERROR_INPUT);
      drop_profiles(&profiles);
    }
    text[at] = was;
  }
}

static void deep_and_wide(void **state)
{
  (void)state;
  enum { DEPTH = 10000, TOO_DEEP = HD_MAX_FRAMES_PER_STACK + 1 };
  struct hd_buffer text = HD_BUFFER_INIT;
  struct profiles profiles;
  struct hd_error error;
  hd_buffer_puts(&text, HEAD "\"pps\":");
  hd_buffer_repeat(&text, '[', DEPTH);
  assert_false(read_text(text.data, text.length, &profiles, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  /* A stack of one function that calls itself. */
  for (int frames = DEPTH; frames <= TOO_DEEP; frames += TOO_DEEP - DEPTH) {
    hd_buffer_clear(&text);
    hd_buffer_puts(&text, HEAD "\"pps\":[{\"tb\":1,\"tbk\":1,\"eb\":1,\"ebk\":1,\"fs\":[1");
    for (int i = 1; i < frames; i++)
      hd_buffer_puts(&text, ",2");
    hd_buffer_puts(&text, "]}]," TABLE);
    assert_false(text.failed);
    assert_int_equal(read_text(text.data, text.length, &profiles, &error), frames == DEPTH);
    if (frames == DEPTH)
      assert_int_equal(profiles.items[0]->stacks.items[0].count, DEPTH);
    drop_profiles(&profiles);
  }
  hd_buffer_deinit(&text);
}

static void short_of_memory(void **state)
{
  (void)state;
  static const char text[] = FILE_OF(POINT("50", "5", "[1,2,3]") "," POINT("0", "0", "[1,4]"));
  without_memory("dhat", text, sizeof text - 1);
}

/* --- real files */

/* Every site of the program's own truth, with all four measures where it has them. */
static void as_the_truth(const char *dhat, const char *truth, const char *const files[])
{
  static const struct {
    const char *key;
    enum hd_measure measure;
  } keys[] = {{"bytes", HD_INUSE_SPACE},
              {"objects", HD_INUSE_OBJECTS},
              {"alloc_bytes", HD_ALLOC_SPACE},
              {"alloc_objects", HD_ALLOC_OBJECTS}};
  struct profiles profiles;
  read_file("dhat", dhat, &profiles);
  json_t *root = json_load_file(truth, 0, NULL), *site;
  size_t i;
  assert_true(json_array_size(json_object_get(root, "sites")) > 5);
  json_array_foreach(json_object_get(root, "sites"), i, site)
  {
    uint32_t line = (uint32_t)json_integer_value(json_object_get(site, "line"));
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
      json_t *want = json_object_get(site, keys[k].key);
      if (!want)
        continue;
      double have = sum_at(profiles.items[0], keys[k].measure, files[i], line);
      if (have != (double)json_integer_value(want))
        fail_msg("%s:%u %s: %.0f, the truth is %" JSON_INTEGER_FORMAT, files[i], line, keys[k].key,
                 have, json_integer_value(want));
    }
  }
  json_decref(root);
  drop_profiles(&profiles);
}

static void a_real_service(void **state)
{
  (void)state;
  static const char *const files[] = {"parse.h", "session.c", "cache.c",   "cache.c", "cache.c",
                                      "cache.c", "log.c",     "session.c", "index.c"};
  as_the_truth(TESTDATA "/dhat/service.json", TESTDATA "/dhat/service.truth.json", files);
}

static void real_containers(void **state)
{
  (void)state;
  static const char *const files[] = {"containers.cc", "containers.cc", "containers.cc",
                                      "containers.cc", "containers.cc", "containers.cc",
                                      "containers.cc", "containers.cc", "containers.cc",
                                      "containers.cc", "containers.cc", "containers.cc"};
  as_the_truth(TESTDATA "/dhat/containers.json", TESTDATA "/dhat/containers.truth.json", files);
}

static void another_mode(void **state)
{
  (void)state;
  struct profiles profiles;
  struct hd_error error;
  size_t length;
  char *text = file_text(TESTDATA "/dhat/copy.json", &length);
  assert_non_null(text);
  assert_string_equal(hd_reader_probe((const uint8_t *)text, length)->name, "dhat");
  assert_false(read_text(text, length, &profiles, &error));
  assert_non_null(strstr(error.text, "\"copy\""));
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_file),    cmocka_unit_test(small_files),
      cmocka_unit_test(bad_stacks),      cmocka_unit_test(wrong_files),
      cmocka_unit_test(cut_and_flipped), cmocka_unit_test(zeros_to_the_end),
      cmocka_unit_test(deep_and_wide),   cmocka_unit_test(a_real_service),
      cmocka_unit_test(real_containers), cmocka_unit_test(another_mode),
      cmocka_unit_test(short_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
