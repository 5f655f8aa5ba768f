/* The reader of folded stacks; and that it, v8 and memleak claim no other format's
 * files. */
#include "valgrind_profiles.h"

#include <dirent.h>
#include <sys/stat.h>
#include <zlib.h>

static void as_lines(const char *text, const char *lines, uint64_t bad_rows)
{
  struct profiles profiles;
  struct hd_error error;
  struct hd_buffer out = HD_BUFFER_INIT;
  if (!read_as("folded", text, strlen(text), &profiles, &error))
    fail_msg("%s", error.text);
  assert_int_equal(profiles.count, 1);
  assert_int_equal(profiles.items[0]->bad_rows, bad_rows);
  assert_false(profiles.items[0]->has[HD_INUSE_OBJECTS]);
  write_profile(&out, profiles.items[0]);
  assert_string_equal(hd_buffer_text(&out), lines);
  hd_buffer_deinit(&out);
  drop_profiles(&profiles);
}

static void rows(void **state)
{
  (void)state;
  as_lines("main;f;g 12\n", "12: g < f < main\n", 0);
  as_lines("main 1\r\n\r\n  \n# 12\n  main;f  \t 2 \n", "1: main\n2: f < main\n", 0);
  as_lines("f;f;f 3\nf;f;f 4\n", "3: f < f < f\n4: f < f < f\n", 0);
  as_lines("a;;b 1\n;a 2\na; 3\n; 4\n",
           "1: b < [unknown] < a\n2: a < [unknown]\n3: [unknown] < a\n4: [unknown] < [unknown]\n",
           0);
  as_lines("read_[k];operator new(unsigned long) (in /x/y.so) 7\n",
           "7: operator new(unsigned long) (in /x/y.so) < read_[k]\n", 0);
  as_lines("a;b 0\n", "0: b < a\n", 0);
  as_lines("a 00000000000000000000000000000000000000000000000007\n", "7: a\n", 0);
  as_lines("a 9007199254740993\n", "9007199254740992: a\n", 0);
}

static void bad_rows(void **state)
{
  (void)state;
  static const char *const bad[] = {"a;b",      "12",    " 12",      "a;b 1.5", "a;b -3",
                                    "a;b 12kB", "a;b12", "a;b 0x12", ";",       "a;b 12 #"};
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[200];
    snprintf(text, sizeof text, "main;good 5\n%s\nmain;fine 6\n", bad[i]);
    as_lines(text, "5: good < main\n6: fine < main\n", 1);
    snprintf(text, sizeof text, "%s\n%s\n", bad[i], bad[i]);
    assert_false(read_as("folded", text, strlen(text), &profiles, &error));
    assert_non_null(strstr(error.text, "none of the 2 lines"));
  }
}

static void first_bad_row_is_quoted(void **state)
{
  (void)state;
  static const char text[] = "a;b 1\nbad\x1b[31m\xc3\nworse\n";
  struct profiles profiles;
  struct hd_error error;
  assert_true(read_as("folded", text, sizeof text - 1, &profiles, &error));
  const struct hd_profile *profile = profiles.items[0];
  assert_int_equal(profile->bad_rows, 2);
  assert_string_equal(profile->first_bad,
                      "line 2 cannot be read: bad?[31m?");
  drop_profiles(&profiles);
}

static void wrong_files(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
    int64_t line;
  } cases[] = {
      {"", "no stacks", 0},
      {"# nothing\n\n", "no stacks", 0},
      {"a;b 1\na;b 12", "no newline", 2},
      {"a;b 1\na;b 1152921504606848000\n", "2^60", 2},
      {"a;b 1\na;b 99999999999999999999999999999\n", "2^60", 2},
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_false(read_as("folded", cases[i].text, strlen(cases[i].text), &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_int_equal(error.line, cases[i].line);
    if (!strstr(error.text, cases[i].message))
      fail_msg("case %zu: '%s' does not say '%s'", i, error.text, cases[i].message);
  }
}

static void deep(void **state)
{
  (void)state;
  struct profiles profiles;
  struct hd_error error;
  for (uint32_t extra = 0; extra < 2; extra++) {
    struct hd_buffer text = HD_BUFFER_INIT;
    for (uint32_t i = 1; i < HD_MAX_FRAMES_PER_STACK + extra; i++)
      hd_buffer_puts(&text, "f;");
    hd_buffer_puts(&text, "f 1\n");
    assert_int_equal(read_as("folded", text.data, text.length, &profiles, &error), !extra);
    assert_int_equal(error.line, extra);
    drop_profiles(&profiles);
    hd_buffer_deinit(&text);
  }
}

static void cut_and_flipped(void **state)
{
  (void)state;
  char text[] = "main;f 12\n# c\n\nmain;g;h_[k] 340\n";
  struct profiles profiles;
  struct hd_error error;
  for (size_t cut = 0; cut < sizeof text - 1; cut++) {
    if (!read_as("folded", text, cut, &profiles, &error))
      assert_int_equal(error.kind, HD_ERROR_INPUT);
    else /* only where nothing but a whole line is missing, or a comment */
      assert_true(cut >= sizeof "main;f 12" && cut <= sizeof "main;f 12\n# c\n");
    drop_profiles(&profiles);
  }
  for (size_t at = 0; at < sizeof text - 1; at++) {
    char was = text[at];
    for (int value = 0; value < 256; value++) {
      text[at] = (char)value;
      if (!read_as("folded", text, sizeof text - 1, &profiles, &error))
        assert_int_equal(error.kind, HD_ERROR_INPUT);
      drop_profiles(&profiles);
    }
    text[at] = was;
  }
}

static int score(const char *reader, const void *text, size_t length)
{
  return hd_reader_find(reader)->probe(text, length);
}

static void probing(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    bool claimed;
  } cases[] = {
      {"a;b 1\n", true},
      {"a;b 1", true},
      {"# c\n\r\na 1\r\na;b c 2\nthis line is cut", true},
      {"a;b 1\nno row\n", false},
      {"a 1\nb 2\n", false},  /* any words and numbers */
      {"a;b 10 20\n", false}, /* a difference of two */
      {"a;b\x01 1\n", false},
      {"a;b -1\n", false},
      {"# nothing else\n", false},
      {"x;1;2\n", false},
      {"", false},
      {"\n", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(score("folded", cases[i].text, strlen(cases[i].text)),
                     cases[i].claimed ? HD_PROBE_MAYBE : HD_PROBE_NO);
}

/* --- real files */

static void check_file(const char *folder, const char *path, size_t *seen)
{
  static const char *const readers[] = {"v8", "memleak", "folded"};
  static const char *const ends[] = {".heapprofile", ".memleak", ".folded"};
  char head[HD_PROBE_BYTES];
  gzFile file = gzopen(path, "rb");
  assert_non_null(file);
  int length = gzread(file, head, sizeof head);
  gzclose(file);
  if (length < 0)
    return;
  for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
    size_t size = strlen(path), end = strlen(ends[i]);
    bool own = strcmp(folder, readers[i]) == 0 && size > end && !strcmp(path + size - end, ends[i]);
    if ((score(readers[i], head, (size_t)length) > 0) != own)
      fail_msg("%s: %s by %s", path, own ? "not claimed" : "claimed", readers[i]);
    if (own)
      assert_string_equal(hd_reader_probe((const uint8_t *)head, (size_t)length)->name, readers[i]);
  }
  *seen += 1;
}

static void check_folder(const char *folder, const char *path, size_t *seen)
{
  DIR *files = opendir(path);
  assert_non_null(files);
  for (struct dirent *entry; (entry = readdir(files));) {
    char inner[1024];
    struct stat status;
    if (entry->d_name[0] == '.')
      continue;
    snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
    if (stat(inner, &status) != 0) /* another test's, gone since */
      continue;
    if (S_ISDIR(status.st_mode))
      check_folder(folder ? folder : entry->d_name, inner, seen);
    else
      check_file(folder ? folder : "", inner, seen);
  }
  closedir(files);
}

static void no_others_file(void **state)
{
  (void)state;
  size_t seen = 0;
  check_folder(NULL, TESTDATA, &seen);
  assert_true(seen > 40);
}

/* The same sums as pprof's own reader finds in the profiles that they were made of. */
static void real_files(void **state)
{
  (void)state;
  struct profiles profiles;
  read_file("folded", TESTDATA "/folded/go.1.folded", &profiles);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 24235068);
  drop_profiles(&profiles);
  read_file("folded", TESTDATA "/folded/go.5.folded", &profiles);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 74043346);
  drop_profiles(&profiles);
  read_file("folded", TESTDATA "/folded/perf.folded", &profiles);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 205312);
  assert_int_equal(profiles.items[0]->bad_rows, 0);
  drop_profiles(&profiles);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows),           cmocka_unit_test(bad_rows),
      cmocka_unit_test(wrong_files),    cmocka_unit_test(first_bad_row_is_quoted),
      cmocka_unit_test(deep),           cmocka_unit_test(cut_and_flipped),
      cmocka_unit_test(probing),        cmocka_unit_test(real_files),
      cmocka_unit_test(no_others_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
