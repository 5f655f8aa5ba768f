/* The reader of leak reports: logs with all that may stand around a report, and every
 * way in which one can be wrong. */
#include "valgrind_profiles.h"

#define ERROR_LINE(pid) "==" pid "==ERROR: LeakSanitizer: detected memory leaks\n"
#define LEAK(what, bytes, objects)                                                                 \
  what " leak of " bytes " byte(s) in " objects " object(s) allocated from:\n"
#define SUMMARY(bytes, objects)                                                                    \
  "SUMMARY: LeakSanitizer: " bytes " byte(s) leaked in " objects " allocation(s).\n"
#define ONE(pid, address)                                                                          \
  ERROR_LINE(pid) LEAK("Direct", "8", "2") "    #0 " address " in f /a.c:1\n\n" SUMMARY("8", "2")

static bool read_text(const char *text, size_t length, struct profiles *profiles,
                      struct hd_error *error)
{
  return read_as("lsan", text, length, profiles, error);
}

/* "D8/2: f /a.c:1~g /a.c:2 < main" a record. */
static void write_leaks(struct hd_buffer *out, const struct hd_profile *profile)
{
  for (size_t i = 0; i < profile->records.count; i++) {
    uint32_t stack = profile->records.items[i].stack;
    double space = hd_profile_value(profile, i, HD_LEAKED_SPACE);
    double objects = hd_profile_value(profile, i, HD_LEAKED_OBJECTS);
    bool direct = hd_profile_value(profile, i, HD_DIRECT_OBJECTS) > 0;
    assert_true(space ==
                hd_profile_value(profile, i, direct ? HD_DIRECT_SPACE : HD_INDIRECT_SPACE));
    assert_true(objects ==
                hd_profile_value(profile, i, direct ? HD_DIRECT_OBJECTS : HD_INDIRECT_OBJECTS));
    hd_buffer_printf(out, "%s%.0f/%.0f", direct ? "D" : "I", space, objects);
    struct hd_span span = stack ? profile->stacks.items[stack - 1] : (struct hd_span){0};
    for (uint32_t k = 0; k < span.count; k++) {
      const struct hd_location *location =
          &profile->locations.items[profile->stack_locations.items[span.first + k] - 1];
      hd_buffer_puts(out, k ? " < " : ": ");
      if (!location->frame_count)
        hd_buffer_printf(
            out, "%llx (in %s)", (unsigned long long)location->offset,
            hd_strings_text(&profile->strings, profile->modules.items[location->module - 1].path));
      for (uint32_t f = 0; f < location->frame_count; f++)
        write_frame(out, profile, location, f);
    }
    hd_buffer_puts(out, "\n");
  }
}

static void write_comments(struct hd_buffer *out, const struct hd_profile *profile)
{
  for (size_t i = 0; i < profile->comments.count; i++)
    hd_buffer_printf(out, "%s\n", hd_strings_text(&profile->strings, profile->comments.items[i]));
  if (profile->first_bad)
    hd_buffer_printf(out, "%s\n", profile->first_bad);
}

/* The leaks of a text, its comments and first bad row, and what is missing in it. */
static void as_lines(const char *text, const char *leaks, const char *comments, uint64_t bad_rows,
                     uint64_t dropped)
{
  struct profiles profiles;
  struct hd_error error;
  struct hd_buffer out = HD_BUFFER_INIT, said = HD_BUFFER_INIT;
  if (!read_text(text, strlen(text), &profiles, &error))
    fail_msg("line %ld: %s\n%s", (long)error.line, error.text, text);
  assert_int_equal(profiles.count, 1);
  write_leaks(&out, profiles.items[0]);
  write_comments(&said, profiles.items[0]);
  assert_string_equal(hd_buffer_text(&out), leaks);
  assert_string_equal(hd_buffer_text(&said), comments);
  assert_int_equal(profiles.items[0]->bad_rows, bad_rows);
  assert_int_equal(profiles.items[0]->meta.dropped_allocations, dropped);
  hd_buffer_deinit(&out);
  hd_buffer_deinit(&said);
  drop_profiles(&profiles);
}

static void stacks(void **state)
{
  (void)state;
  /* Inlined frames have one address; so have those of a function that calls itself. */
  as_lines(ERROR_LINE("7") LEAK(
               "Direct", "8", "2") "    #0 0x1 in f /a.c:1:2\n"
                                   "    #1 0x1 in g /a.c:2\n"
                                   "    #2 0x2 in h /a.c:3\n"
                                   "    #3 0x2 in h /a.c:3\n"
                                   "    #4 0x3 in main /a.c:4\n\n" LEAK(
                                       "Indirect", "9",
                                       "1") "    #0 0x1 in f /a.c:1:2\n    #1 0x1 in g /a.c:2\n"
                                            "    #2 0x9  (/bin/a+0x99) (BuildId: AB)\n"
                                            "    #3 0x8 in k (/bin/a+0x98) (BuildId: ab)\n"
                                            "    #4 0x7  ([stack]+0x77)\n"
                                            "    #5 0x6  (<unknown module>)\n\n" SUMMARY("17", "3"),
           "D8/2: f /a.c:1~g /a.c:2 < h /a.c:3 < h /a.c:3 < main /a.c:4\n"
           "I9/1: f /a.c:1~g /a.c:2 < 99 (in /bin/a) < k (in /bin/a) < [unknown] < [unknown]\n",
           "", 0, 0);
  /* No stack, and an excerpt that lacks the first line. */
  as_lines(LEAK("Direct", "8", "2") "\n" SUMMARY("8", "2"), "D8/2\n", "", 0, 0);
  as_lines(LEAK("Direct", "8", "2") SUMMARY("8", "2"), "D8/2\n", "", 0, 0);
}

static void other_output(void **state)
{
  (void)state;
  /* Loggers: an empty line is their prefix alone. */
  as_lines(
      "12: start\n12: " ERROR_LINE("7") "12: \n12: " LEAK(
          "Direct", "8",
          "2") "12:     #0 0x1 in f /a.c:1\n12: \n12: noise\n12: " SUMMARY("8", "2") "12: end\n",
      "D8/2: f /a.c:1\n", "", 0, 0);
  /* Colors, CRLF, lists of objects, suppressions. */
  as_lines(
      "\x1b[1m\x1b[31m" ERROR_LINE("7") "\x1b[1m\x1b[0m\r\nThe 1 top leak(s):\r\n\x1b[1m" LEAK(
          "Direct", "8", "2") "\x1b[1m\x1b[0m    #0 0x1 in f /a.c:1\r\n\r\n"
                              "Objects leaked above:\r\n0x60 (4 bytes)\r\n0x70 (4 bytes)\r\n"
                              "\r\n-----\r\nSuppressions used:\r\n  count      bytes template\r\n"
                              "      1       1000 grow\r\n-----\r\n\r\n" SUMMARY("8", "2"),
      "D8/2: f /a.c:1\n", "", 0, 0);
  /* What something else prints in the middle of a stack takes nothing away from it:
   * the numbers of the frames go on. An empty line does not end it either. */
  as_lines(ERROR_LINE("7") LEAK("Direct", "8", "2") "    #0 0x1 in f /a.c:1\nhello\n"
                                                    "    #1 0x2 in g /a.c:2\n\nworld\n"
                                                    "    #2 0x3 in h /a.c:3\n\n" SUMMARY("8", "2"),
           "D8/2: f /a.c:1 < g /a.c:2 < h /a.c:3\n", "", 0, 0);
  /* Another stack is another stack. */
  as_lines(ERROR_LINE("7") LEAK("Direct", "8", "2") "    #0 0x1 in f /a.c:1\n\n"
                                                    "    #0 0x2 in g /a.c:2\n"
                                                    "    #1 0x2 in h /a.c:2\n" SUMMARY("8", "2"),
           "D8/2: f /a.c:1\n", "", 0, 0);
  as_lines("==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0\n    #0 0x1 in f /a.c:1\n"
           "SUMMARY: AddressSanitizer: SEGV /a.c:1 in f\n" ONE("7", "0x1"),
           "D8/2: f /a.c:1\n",
           "line 1: another error, AddressSanitizer: SEGV: no leak, and not counted\n", 0, 0);
  as_lines("==1==LeakSanitizer has encountered a fatal error.\n" ONE("7", "0x1"),
           "D8/2: f /a.c:1\n",
           "line 1: a process could not look for leaks: what it lost is not known\n", 0, 0);
}

static void frames_that_are_none(void **state)
{
  (void)state;
  static const char *const one = ERROR_LINE("7") LEAK("Direct", "8", "2");
  static const struct {
    const char *stack, *leak, *comment;
    uint64_t bad_rows;
  } cases[] = {
      {"[0] f at a.c\n[1] g at a.c\n\n", "D8/2\n", "line 3 is no frame of a stack: [0] f at a.c\n",
       2},
      {"    #0 0x1 in f /a.c:1\n    #1 0x1 ?\n    #2 0x2 in g /a.c:2\n",
       "D8/2: f /a.c:1 < g /a.c:2\n", "line 4 is no frame of a stack: #1 0x1 ?\n", 1},
      /* Of two processes that write at the same time. */
      {"    #0 0x1 in f /a.c:1\n    #7 0x1 in x /a.c:9\n    #1 0x2 in g /a.c:2\n",
       "D8/2: f /a.c:1 < g /a.c:2\n", "", 0},
      {"    #0 0x1 in f /a.c:1\n    #7 0x1 in x /a.c:9\n", "D8/2: f /a.c:1\n",
       "line 4 is no frame of a stack: #7 0x1 in x /a.c:9\n", 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[600];
    snprintf(text, sizeof text, "%s%s%s", one, cases[i].stack, SUMMARY("8", "2"));
    as_lines(text, cases[i].leak, cases[i].comment, cases[i].bad_rows, 0);
  }
}

static void sums(void **state)
{
  (void)state;
#define TWO ERROR_LINE("7") LEAK("Direct", "8", "2") "    #0 0x1 in f /a.c:1\n\n"
  as_lines(TWO "Omitting 1 more leak(s).\n" SUMMARY("11", "5"), "D8/2: f /a.c:1\n",
           "line 5: Omitting 1 more leak(s).\n"
           "line 6: the summary counts 11 bytes in 5 objects, the leaks above it are 8 in 2\n",
           0, 3);
  as_lines("Omitting 1 more leak(s).\n" TWO SUMMARY("8", "1"), "D8/2: f /a.c:1\n",
           "line 6: the summary counts 8 bytes in 1 objects, the leaks above it are 8 in 2\n"
           "line 6 does not fit the leaks above it: SUMMARY: LeakSanitizer: 8 byte(s) leaked in 1 "
           "allocation(s).\n",
           1, 0);
  as_lines(TWO SUMMARY("7", "3"), "D8/2: f /a.c:1\n",
           "line 5: the summary counts 7 bytes in 3 objects, the leaks above it are 8 in 2\n"
           "line 5 does not fit the leaks above it: SUMMARY: LeakSanitizer: 7 byte(s) leaked in 3 "
           "allocation(s).\n",
           1, 0);
}

static void pid_is(const char *text, int64_t pid)
{
  struct profiles profiles;
  struct hd_error error;
  assert_true(read_text(text, strlen(text), &profiles, &error));
  assert_int_equal(profiles.items[0]->meta.pid, pid);
  assert_int_equal(profiles.items[0]->meta.rate, 1);
  assert_string_equal(profiles.items[0]->meta.kind, "leaks");
  assert_string_equal(profiles.items[0]->meta.recorder, "LeakSanitizer");
  drop_profiles(&profiles);
}

static void processes(void **state)
{
  (void)state;
  as_lines(ONE("7", "0x1") ONE("8", "0x1"), "D8/2: f /a.c:1\nD8/2: f /a.c:1\n",
           "the sum of reports of processes 7, 8\n", 0, 0);
  pid_is(ONE("7", "0x1") ONE("8", "0x1"), 0);
  pid_is(ONE("7", "0x1"), 7);
  /* Numbers of processes come again, addresses do not: two processes. */
  as_lines(ONE("7", "0x1") ONE("7", "0x2"), "D8/2: f /a.c:1\nD8/2: f /a.c:1\n",
           "the sum of reports of processes 7, 7\n", 0, 0);
  pid_is(ONE("7", "0x1") ONE("7", "0x2"), 7);
  /* One that looks for leaks again finds the old ones, too. */
  as_lines(
      ONE("7", "0x1") ONE("7", "0x2") ONE("8", "0x3") ONE("7", "0x1") ONE("7", "0x1"),
      "D8/2: f /a.c:1\nD8/2: f /a.c:1\nD8/2: f /a.c:1\n",
      "the sum of reports of processes 7, 8, 7\n"
      "2 of the reports are left out: a later one of the same process repeats what they have\n",
      0, 0);
}

static void wrong_files(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
    int64_t line;
  } cases[] = {
      {"", "no leak report", 0},
      {"all tests passed\n", "no leak report", 0},
      {"==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n",
       "another error here, AddressSanitizer: heap-use-after-free", 1},
      {"x\n==1==LeakSanitizer has encountered a fatal error.\n", "ptrace", 2},
      {ERROR_LINE("7"), "begins at line 1 is cut", 1},
      {ERROR_LINE("7") LEAK("Direct", "8", "2") "    #0 0x1 in f /a.", "begins at line 1 is cut",
       3},
      {ERROR_LINE("7") LEAK("Direct", "8", "2") "    #0 0x1 in f /a.c:1\n\n"
                                                "SUMMARY: LeakSanitizer: 8 byte(s)",
       "begins at line 1 is cut", 5},
      {"\n" ERROR_LINE("7") LEAK("Direct", "8", "2") ONE("8", "0x1"), "begins at line 2 is cut", 4},
      {ERROR_LINE("7") LEAK("Direct", "1152921504606848000", "1")
           SUMMARY("1152921504606848000", "1"),
       "2^60", 2},
      {ERROR_LINE("7") LEAK("Direct", "18446744073709551615", "1")
           LEAK("Direct", "18446744073709551615", "1") SUMMARY("1", "1"),
       "2^60", 2},
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_false(read_text(cases[i].text, strlen(cases[i].text), &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    if (!strstr(error.text, cases[i].message) || error.line != cases[i].line)
      fail_msg("case %zu: line %ld '%s' does not say '%s'", i, (long)error.line, error.text,
               cases[i].message);
    drop_profiles(&profiles);
  }
}

static void cut_and_flipped(void **state)
{
  (void)state;
  static const char values[] = {0, '\n', '(', ')', '<', '9', '-', ' ', '\x80', '+', '#', 'x'};
  char text[] = "12: " ERROR_LINE("7")
      LEAK("Direct", "8", "2") "    #0 0x1 in f(int) a.c:1\n"
                               "    #1 0x2 in g (/bin/a+0x1) (BuildId: ab)\n\n" LEAK(
                                   "Indirect", "9",
                                   "1") "    #0 0x1 in f(int) a.c:1\n\n" SUMMARY("17", "3");
  struct profiles profiles;
  struct hd_error error;
  for (size_t cut = 0; cut < sizeof text - 1; cut++) {
    bool fine = read_text(text, cut, &profiles, &error);
    assert_int_equal(fine, cut + 2 >= sizeof text - 1); /* the closing ".\n" */
    drop_profiles(&profiles);
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

static void too_deep(void **state)
{
  (void)state;
  struct profiles profiles;
  struct hd_error error;
  for (uint32_t extra = 0; extra < 2; extra++) {
    struct hd_buffer text = HD_BUFFER_INIT;
    hd_buffer_puts(&text, ERROR_LINE("7") LEAK("Direct", "8", "2"));
    for (uint32_t i = 0; i < HD_MAX_FRAMES_PER_STACK + extra; i++)
      hd_buffer_printf(&text, "    #%u 0x1 in f /a.c:1\n", i);
    hd_buffer_puts(&text, SUMMARY("8", "2"));
    assert_int_equal(read_text(text.data, text.length, &profiles, &error), !extra);
    if (extra)
      assert_int_equal(error.line, 2);
    drop_profiles(&profiles);
    hd_buffer_deinit(&text);
  }
}

static void no_memory(void **state)
{
  (void)state;
  static const char text[] = "\x1b[1m" ERROR_LINE("7")
      LEAK("Direct", "8",
           "2") "    #0 0x1 in f /a.c:1\nwhat\n"
                "    #1 0x2  (/bin/a+0x1) (BuildId: AB)\n?\n\nOmitting 2 more leak(s).\n" SUMMARY(
                    "9", "3") ONE("7", "0x5")
                    ONE("7", "0x5") "==1==ERROR: AddressSanitizer: SEGV on\n";
  without_memory("lsan", text, sizeof text - 1);
}

/* What real programs lost, which they know themselves. */
static void whole_files(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    double direct, indirect, objects;
    uint64_t dropped, bad_rows;
  } files[] = {
      {"gcc-asan.log", 5712, 200, 10, 0, 0},   {"gcc-asan.raw.log", 5712, 200, 10, 0, 0},
      {"clang-asan.log", 5712, 200, 10, 0, 0}, {"clang-asan.raw.log", 5712, 200, 10, 0, 0},
      {"cpp-gcc.log", 139, 191, 9, 0, 0},      {"cpp-clang.log", 139, 191, 9, 0, 0},
      {"ctest.1.log", 17136, 600, 30, 0, 0},   {"ctest.5.log", 17392, 1400, 54, 0, 0},
      {"options.log", 4736, 0, 4, 11, 0},      {"custom.log", 5712, 200, 10, 0, 41},
      {"twice.log", 300, 0, 3, 0, 0},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[300];
    struct profiles profiles;
    snprintf(path, sizeof path, TESTDATA "/lsan/%s", files[i].name);
    print_message("  %s\n", files[i].name);
    read_file("lsan", path, &profiles);
    assert_int_equal(profiles.count, 1);
    const struct hd_profile *profile = profiles.items[0];
    assert_true(hd_profile_total(profile, HD_DIRECT_SPACE) == files[i].direct);
    assert_true(hd_profile_total(profile, HD_INDIRECT_SPACE) == files[i].indirect);
    assert_true(hd_profile_total(profile, HD_LEAKED_SPACE) == files[i].direct + files[i].indirect);
    assert_true(hd_profile_total(profile, HD_LEAKED_OBJECTS) == files[i].objects);
    assert_int_equal(profile->meta.dropped_allocations, files[i].dropped);
    assert_int_equal(profile->bad_rows, files[i].bad_rows);
    for (size_t k = 0; k < profile->modules.count; k++)
      assert_true(profile->modules.items[k].by_address);
    drop_profiles(&profiles);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stacks),    cmocka_unit_test(other_output),
      cmocka_unit_test(sums),      cmocka_unit_test(frames_that_are_none),
      cmocka_unit_test(processes), cmocka_unit_test(wrong_files),
      cmocka_unit_test(too_deep),  cmocka_unit_test(cut_and_flipped),
      cmocka_unit_test(no_memory), cmocka_unit_test(whole_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
