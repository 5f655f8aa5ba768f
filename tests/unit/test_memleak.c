/* The reader of bcc memleak's output: blocks, frames in all their forms, and every
 * way in which a log can be wrong. */
#include "valgrind_profiles.h"

#define TITLE(time, top) "[" time "] Top " top " stacks with outstanding allocations:\n"
#define ROW(bytes, count) "\t" bytes " bytes in " count " allocations from stack\n"

static bool read_text(const char *text, size_t length, struct profiles *profiles,
                      struct hd_error *error)
{
  return read_as("memleak", text, length, profiles, error);
}

/* The rows of all blocks, a line "--" before each. */
static void as_lines(const char *text, const char *lines, uint64_t bad_rows)
{
  struct profiles profiles;
  struct hd_error error;
  struct hd_buffer out = HD_BUFFER_INIT;
  uint64_t bad = 0;
  if (!read_text(text, strlen(text), &profiles, &error))
    fail_msg("%s", error.text);
  for (size_t i = 0; i < profiles.count; i++) {
    hd_buffer_puts(&out, "--\n");
    write_profile(&out, profiles.items[i]);
    bad += profiles.items[i]->bad_rows;
  }
  assert_string_equal(hd_buffer_text(&out), lines);
  assert_int_equal(bad, bad_rows);
  assert_int_equal(bad > 0, profiles.items[0]->first_bad != NULL); /* the first one, quoted */
  hd_buffer_deinit(&out);
  drop_profiles(&profiles);
}

static void blocks(void **state)
{
  (void)state;
  as_lines(TITLE("10:00:00", "10"), "--\n", 0);
  as_lines("noise\n" TITLE("10:00:00", "10") ROW("8", "2") "\t\tf+0x1 [a]\n\t\tmain+0x2 [a]\n" ROW(
               "9", "1") "\t\tg\n\n" TITLE("10:00:05", "10") ROW("7", "1") "\t\tmain+0x2 [a]\n",
           "--\n8: f (in a) < main (in a)\n9: g\n--\n7: main (in a)\n", 0);
  /* Stacks that were lost, or are empty. */
  as_lines(TITLE("10:00:00", "10")
               ROW("8", "2") "\t\tstack information lost\n" ROW("9", "1") "\t\t\n",
           "--\n8\n9\n", 0);
  as_lines(TITLE("10:00:00", "10") "\taddr = 12 size = 8\n" ROW(
               "8", "1") "\taddr = 0x12 size = 8\n\t\tf\nPossibly lost 3 samples\n  what\n",
           "--\n8: f < what\n", 1);
}

static void frames(void **state)
{
  (void)state;
  static const struct {
    const char *text, *frame;
  } cases[] = {
      {"main+0x6d [allocs]", "main (in allocs)"},
      {"0x0000559b4789639f\tmain+0x6d [allocs]", "main (in allocs)"},
      {"0x0000559b4789639f\t[unknown] [allocs]", "0000559b4789639f (in allocs)"},
      {"0x0000559b4789639f\t[unknown]", "0000559b4789639f"},
      {"[unknown]", "[unknown]"},
      {"[unknown] [libx.so]", "[unknown] (in libx.so)"},
      {"kmem_alloc [kernel]", "kmem_alloc (in kernel)"},
      {"void f<int>(char const*, int[2])+0x1f [a b]", "void f<int>(char const*, int[2]) (in a b)"},
      {"  0 [<000055d0c4001588>] put+0x48 [/usr/bin/s]", "put (in /usr/bin/s)"},
      {"12 [<000055d0c4001588>] [/usr/bin/s]", "000055d0c4001588 (in /usr/bin/s)"},
      {"1 [<10>] <null sym>", "10"},
      {"0 [<ffffffff81>] vmalloc+0x1", "vmalloc"},
      {"0x", "0x"},
      {"0xzz f", "0xzz f"},
      {"7 [<12", "7 [<12"},
      {"+0x1", "+0x1"},
      {"]", "]"},
      {"f []", "f"},
      {"f+0x", "f+0x"},
      {"[", "["},
      {"0x12", "12"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[300], lines[200];
    snprintf(text, sizeof text, TITLE("1:2:3", "10") ROW("8", "2") "\t\t%s\n", cases[i].text);
    snprintf(lines, sizeof lines, "--\n8: %s\n", cases[i].frame);
    as_lines(text, lines, 0);
  }
}

static void meta(void **state)
{
  (void)state;
  static const char text[] = "Attaching to pid 4711, Ctrl+C to quit.\n" TITLE("23:59:59", "2")
      ROW("5", "1") "\t\tf\n" ROW("9", "3") "\t\tg\n" TITLE("00:00:04", "2") ROW(
          "5", "9") "\t\tf\n" ROW("9", "3") "\t\tg\n" ROW("2", "1") "\t\th\n" TITLE("0:0:6", "5")
          ROW("5", "1") "\t\tf\n";
  static const int64_t thresholds[] = {5, 0, 0}; /* full; by count; not full */
  struct profiles profiles;
  struct hd_error error;
  assert_true(read_text(text, sizeof text - 1, &profiles, &error));
  assert_int_equal(profiles.count, 3);
  for (int i = 0; i < 3; i++) {
    const struct hd_meta *have = &profiles.items[i]->meta;
    assert_int_equal(have->pid, 4711);
    assert_int_equal(have->sequence, i);
    assert_int_equal(have->threshold, thresholds[i]);
    assert_string_equal(have->kind, "heap");
    assert_true(have->mono_ns > 0);
  }
  assert_int_equal(profiles.items[1]->meta.mono_ns - profiles.items[0]->meta.mono_ns, 5000000000);
  assert_int_equal(profiles.items[2]->meta.mono_ns - profiles.items[1]->meta.mono_ns, 2000000000);
  assert_true(hd_profile_total(profiles.items[1], HD_INUSE_OBJECTS) == 13);
  drop_profiles(&profiles);
}

static void wrong_files(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
    int64_t line;
  } cases[] = {
      {"", "no output of memleak", 0},
      {"Attaching\n" ROW("1", "1") "\t\tf\n", "no output of memleak", 3},
      {"[24:00:00] Top 1 stacks with outstanding allocations:\n", "no output of memleak", 1},
      {"[1:00:00] Top 1 stacks", "cut off", 1},
      {TITLE("10:00:00", "1") ROW("1", "1"), "before the stack", 2},
      {TITLE("10:00:00", "1") ROW("1", "1") "\t\tmain", "cut off", 3},
      {TITLE("10:00:00", "1") ROW("1152921504606848000", "1") "\t\tf\n", "2^60", 3},
      {TITLE("10:00:00", "1") ROW("1", "99999999999999999999999") "\t\tf\n", "2^60", 3},
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

static void too_deep(void **state)
{
  (void)state;
  struct profiles profiles;
  struct hd_error error;
  for (uint32_t extra = 0; extra < 2; extra++) {
    struct hd_buffer text = HD_BUFFER_INIT;
    hd_buffer_puts(&text, TITLE("1:1:1", "1") ROW("1", "1"));
    for (uint32_t i = 0; i < HD_MAX_FRAMES_PER_STACK + extra; i++)
      hd_buffer_puts(&text, "\t\tf\n");
    assert_int_equal(read_text(text.data, text.length, &profiles, &error), !extra);
    drop_profiles(&profiles);
    hd_buffer_deinit(&text);
  }
}

static void cut_and_flipped(void **state)
{
  (void)state;
  char text[] = "Attaching to pid 7\n" TITLE("10:00:00", "2")
      ROW("8", "2") "\t\t0x12\tf+0x1 [a]\n"
                    "\t\t1 [<12>] g [b]\n" TITLE("10:00:05", "2") ROW("9", "2") "\t\th+0x1 [a]\n";
  static const char values[] = {0, '\n', '[', ']', '9', '-', ' ', '\t', '\x80', '+', '<', 'x'};
  struct profiles profiles;
  struct hd_error error;
  for (size_t cut = 0; cut < sizeof text - 1; cut++) {
    bool fine = read_text(text, cut, &profiles, &error);
    assert_int_equal(fine, cut > 70 && text[cut - 1] == '\n' && text[cut - 2] != 'k');
    if (!fine)
      assert_int_equal(error.kind, HD_ERROR_INPUT);
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

static void whole_files(void **state)
{
  (void)state;
  struct profiles profiles;
  read_file("memleak", TESTDATA "/memleak/service.memleak", &profiles);
  assert_int_equal(profiles.count, 3);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 12352);
  assert_true(hd_profile_total(profiles.items[2], HD_INUSE_SPACE) == 94272);
  assert_true(hd_profile_total(profiles.items[2], HD_INUSE_OBJECTS) == 86);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(profiles.items[i]->bad_rows, 0);
  drop_profiles(&profiles);
  read_file("memleak", TESTDATA "/memleak/kernel.memleak", &profiles);
  assert_string_equal(profiles.items[0]->meta.kind, "kernel");
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 1216);
  drop_profiles(&profiles);
  read_file("memleak", TESTDATA "/memleak/libbpf.memleak", &profiles);
  assert_int_equal(profiles.items[0]->bad_rows, 0);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 4160);
  drop_profiles(&profiles);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks),      cmocka_unit_test(frames),   cmocka_unit_test(meta),
      cmocka_unit_test(wrong_files), cmocka_unit_test(too_deep), cmocka_unit_test(cut_and_flipped),
      cmocka_unit_test(whole_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
