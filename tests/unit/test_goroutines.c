/* Go's goroutines: counted (?debug=1), one by one (?debug=2), and in profile.proto.
 * testdata/goroutines has all three of one moment. */
#include "heap_text_support.h"

#include <zlib.h>

static const char counts1[] = TESTDATA "/goroutines/1.debug1";
static const char dump1[] = TESTDATA "/goroutines/1.debug2";
static const char dump2[] = TESTDATA "/goroutines/2.debug2";

/* How many goroutines have a function in their stack, and the longest wait of them. */
static double with_function(const struct hd_profile *profile, const char *function, double *wait,
                            const char **state, bool *truncated)
{
  double count = 0;
  *wait = 0;
  *state = "";
  *truncated = false;
  for (size_t i = 0; i < profile->records.count; i++) {
    const struct hd_record *record = &profile->records.items[i];
    struct hd_span span = profile->stacks.items[record->stack - 1];
    bool found = false;
    for (uint32_t k = 0; k < span.count; k++) {
      uint32_t id = profile->stack_locations.items[span.first + k];
      for (uint32_t n = 0; n < profile->locations.items[id - 1].frame_count; n++)
        found |= strcmp(text_of(profile, text_frame(profile, id, n)->function), function) == 0;
    }
    if (!found)
      continue;
    count += hd_profile_value(profile, i, HD_GOROUTINES);
    *wait = fmax(*wait, hd_profile_value(profile, i, HD_LONGEST_WAIT));
    *truncated |= profile->stack_truncated.items[record->stack - 1];
    struct hd_span labels = record->labels ? profile->label_sets.items[record->labels - 1]
                                           : (struct hd_span){0};
    for (uint32_t n = 0; n < labels.count; n++) {
      const struct hd_label *label = &profile->labels.items[labels.first + n];
      if (strcmp(text_of(profile, label->key), "goroutine state") == 0)
        *state = text_of(profile, label->text);
    }
  }
  return count;
}

/* truth.txt of testdata/goroutines, and the state that each is in. */
static const struct {
  const char *function, *state;
  double first, second;
} truth[] = {
    {"main.consume", "chan receive", 20, 120}, {"main.choose", "select", 2, 2},
    {"main.lock", "semacquire", 3, 10},        {"main.sleep", "sleep", 4, 4},
    {"main.accept", "IO wait", 1, 1},          {"main.deep", "chan receive", 1, 1},
    {"main.pinned", "chan receive", 1, 1},     {"main.labelled", "chan receive", 5, 5},
};

static void real_dumps(void **unused)
{
  (void)unused;
  struct hd_profile *first = text_read_file("go-dump", dump1);
  struct hd_profile *second = text_read_file("go-dump", dump2);
  double wait, minute = 60e9;
  const char *state;
  bool truncated;
  assert_string_equal(first->meta.kind, "goroutine");
  for (size_t i = 0; i < sizeof truth / sizeof *truth; i++) {
    assert_true(with_function(first, truth[i].function, &wait, &state, &truncated) ==
                truth[i].first);
    assert_string_equal(state, truth[i].state);
    assert_true(wait == 0);
    assert_true(with_function(second, truth[i].function, &wait, &state, &truncated) ==
                truth[i].second);
    assert_true(wait == 2 * minute);
  }
  /* Who created them stands at the root, and is charged with them. */
  assert_true(with_function(first, "main.spawn", &wait, &state, &truncated) == 37);
  assert_true(with_function(second, "main.spawnMore", &wait, &state, &truncated) == 100);
  assert_true(wait == 0);
  /* Go leaves out the frames past the hundredth. */
  assert_true(with_function(second, "main.snapshotFrom", &wait, &state, &truncated) == 1);
  assert_true(truncated);
  assert_string_equal(state, "running");
  hd_profile_destroy(first);
  hd_profile_destroy(second);
}

static void real_counts(void **unused)
{
  (void)unused;
  struct hd_profile *profile = text_read_file("go-counts", counts1);
  double wait;
  const char *state;
  bool truncated;
  assert_string_equal(profile->meta.kind, "goroutine");
  assert_false(profile->has[HD_LONGEST_WAIT]);
  assert_false(profile->has[HD_INUSE_SPACE]);
  assert_true(hd_profile_total(profile, HD_GOROUTINES) == 38);
  for (size_t i = 0; i < sizeof truth / sizeof *truth; i++)
    assert_true(with_function(profile, truth[i].function, &wait, &state, &truncated) ==
                truth[i].first);
  /* Labels as the program set them. */
  bool job = false, tenant = false;
  for (size_t i = 0; i < profile->labels.count; i++) {
    const struct hd_label *label = &profile->labels.items[i];
    job |= strcmp(text_of(profile, label->key), "job") == 0 &&
           strcmp(text_of(profile, label->text), "import") == 0;
    tenant |= strcmp(text_of(profile, label->key), "tenant") == 0 &&
              strcmp(text_of(profile, label->text), "a \"b\"") == 0;
  }
  assert_true(job && tenant);
  hd_profile_destroy(profile);
}

/* One goroutine whose first line is this. */
static void header(const char *line, const char *state, double minutes, const char *more)
{
  char text[400], labels[400] = "";
  snprintf(text, sizeof text, "%s\nmain.f(0x1)\n\t/a b/c.go:7 +0x1d\n", line);
  struct hd_profile *profile = text_read("go-dump", text);
  assert_int_equal(profile->records.count, 1);
  assert_true(hd_profile_value(profile, 0, HD_LONGEST_WAIT) == minutes * 60e9);
  for (size_t i = 0; i < profile->labels.count; i++) {
    const struct hd_label *label = &profile->labels.items[i];
    if (strcmp(text_of(profile, label->key), "goroutine state") == 0)
      assert_string_equal(text_of(profile, label->text), state);
    else
      snprintf(labels + strlen(labels), sizeof labels - strlen(labels), "%s=%s%.0d ",
               text_of(profile, label->key), text_of(profile, label->text), (int)label->number);
  }
  assert_string_equal(labels, more);
  char stack[200];
  text_describe(profile, 1, stack, sizeof stack);
  assert_string_equal(stack, "main.f /a b/c.go:7 < ");
  hd_profile_destroy(profile);
}

/* All that goroutineheader() of Go 1.2 to 1.26 prints. */
static void headers(void **unused)
{
  (void)unused;
  header("goroutine 1 [running]:", "running", 0, "");
  header("goroutine 1 [chan receive, 5 minutes]:", "chan receive", 5, "");
  header("goroutine 1 [chan receive (nil chan)]:", "chan receive (nil chan)", 0, "");
  header("goroutine 9 [syscall, 3 minutes, locked to thread]:", "syscall", 3, "locked=to thread ");
  header("goroutine 9 [select (scan), 1 minutes]:", "select", 1, "");
  header("goroutine 9 [chan receive (leaked)]:", "chan receive (leaked)", 0, "");
  header("goroutine 9 [sleep (durable), synctest bubble 3]:", "sleep (durable)", 0, "bubble=3 ");
  header("goroutine 7 gp=0xc000007180 m=nil [IO wait, 2 minutes]:", "IO wait", 2, "");
  header("goroutine 7 gp=0xc1 m=3 mp=0xc2 [running]:\r", "running", 0, "");
  header("goroutine 7 [select] {\"job\": \"x\"}:", "select", 0, "job=x ");
  header("goroutine 7 [select] {job: x}:", "select", 0, "labels={job: x} ");
}

static void as_stack(const char *lines, const char *want, bool truncated, uint64_t bad_rows)
{
  char text[1000], stack[400];
  snprintf(text, sizeof text, "goroutine 5 [select]:\n%s\n", lines);
  struct hd_profile *profile = text_read("go-dump", text);
  assert_int_equal(profile->bad_rows, bad_rows);
  assert_int_equal(profile->stacks.count, 1);
  assert_int_equal(profile->stack_truncated.items[0], truncated);
  text_describe(profile, 1, stack, sizeof stack);
  assert_string_equal(stack, want);
  hd_profile_destroy(profile);
}

static void stacks(void **unused)
{
  (void)unused;
  as_stack("main.(*T[...]).f(0xc00, {0x1, 0x2}, ...)\n\t/a.go:3 +0x1\nmain.main()\n\t/a.go:9 +0x2\n",
           "main.(*T[...]).f /a.go:3 < main.main /a.go:9 < ", false, 0);
  as_stack("main.f.func1()\n\t/a.go:3 fp=0x1 sp=0x2 pc=0x3\n", "main.f.func1 /a.go:3 < ", false, 0);
  as_stack("main.f(...)\n\t/a.go:3\ncreated by main.g in goroutine 1\n\t/b.go:4 +0x5\n",
           "main.f /a.go:3 < main.g /b.go:4 < ", false, 0);
  as_stack("main.f(...)\n\t/a.go:3 +0x1\n...additional frames elided...\ncreated by main.g\n"
           "\t/b.go:4 +0x5\n", "main.f /a.go:3 < main.g /b.go:4 < ", true, 0);
  as_stack("main.f(...)\n\t/a.go:3 +0x1\n...22 frames elided...\nmain.h()\n\t/b.go:4 +0x5\n",
           "main.f /a.go:3 < main.h /b.go:4 < ", true, 0);
  as_stack("\tgoroutine running on other thread; stack unavailable\ncreated by main.g\n\t/b.go:4 "
           "+0x5\n", "main.g /b.go:4 < ", false, 0);
  as_stack("nothing of it\nmain.f(...)\n\t/a.go:3 +0x1\n", "main.f /a.go:3 < ", false, 1);
  /* What follows in a log is no frame, even where it looks like a call. */
  static const char *const logs[] = {"exit status 2", "FAIL", "ok  \tgm/b\t(cached)",
                                     "--- FAIL: TestX (0.00s)", "main.log(1)",
                                     "2024/01/01 12:00:00 restarted (attempt 2)"};
  for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
    char text[300];
    snprintf(text, sizeof text, "main.f(...)\n\t/a.go:3 +0x1\n%s\nmore\n", logs[i]);
    as_stack(text, "main.f /a.go:3 < ", false, 0);
    snprintf(text, sizeof text, "main.f(...)\n\t/a.go:3 +0x1\ncreated by main.g\n\t/b.go:4 +0x5\n"
             "%s\n\tmore\n", logs[i]);
    as_stack(text, "main.f /a.go:3 < main.g /b.go:4 < ", false, 0);
  }
  /* Copied out of a terminal: tabs are blanks. */
  as_stack("main.f(...)\n        /a.go:3 +0x1\n", "main.f /a.go:3 < ", false, 0);
}

struct dumps {
  struct hd_profile *items[8];
  size_t count;
};

static bool keep_dump(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct dumps *dumps = context;
  (void)error;
  assert_true(dumps->count < 8);
  dumps->items[dumps->count++] = profile;
  return true;
}

static void expect_dumps(const char *text, const double *goroutines, size_t count)
{
  struct dumps dumps = {0};
  struct hd_sink sink = {keep_dump, &dumps};
  struct hd_stream stream = hd_stream_of(text, strlen(text));
  struct hd_error error = HD_ERROR_INIT;
  if (!hd_reader_find("go-dump")->read(&stream, &sink, &error))
    fail_msg("%s", error.text);
  assert_int_equal(dumps.count, count);
  for (size_t i = 0; i < count; i++) {
    assert_true(hd_profile_total(dumps.items[i], HD_GOROUTINES) == goroutines[i]);
    hd_profile_destroy(dumps.items[i]);
  }
}

/* Several dumps in one log are several snapshots, never a sum. */
static void series(void **unused)
{
  (void)unused;
#define ONE(id) "goroutine " #id " [select]:\nmain.f()\n\t/a.go:3 +0x1\n\n"
  expect_dumps(ONE(1) ONE(2) "SIGQUIT: quit\nPC=0x1\n\n" ONE(1) ONE(2) ONE(3),
               (const double[]){2, 3}, 2);
  expect_dumps(ONE(1) ONE(2) ONE(1) ONE(2) ONE(1), (const double[]){2, 2, 1}, 3);
  expect_dumps("panic: a\n\tpanic: b\n\n" ONE(7) "exit status 2\npanic: c\n\n" ONE(8),
               (const double[]){1, 1}, 2);
  /* Threads are no goroutines. */
  expect_dumps("goroutine 0 [idle]:\nruntime.futex()\n\t/a.s:3 +0x1\n\n" ONE(1) ONE(2),
               (const double[]){2}, 1);
}

static void in_a_log(void **unused)
{
  (void)unused;
  struct hd_profile *profile =
      text_read("go-dump", "2026/01/02 starting\npanic: assignment to entry in nil map\n\n"
                           "goroutine 1 [running]:\nmain.f()\n\t/a.go:3 +0x1\n\n"
                           "goroutine 2 [select]:\nmain.g()\n\t/a.go:4 +0x1\n\n"
                           "goroutine 3 [select, 4 minutes]:\nmain.g()\n\t/a.go:4 +0x1\n"
                           "goroutine 4 [select]:\nmain.g()\n\t/a.go:4 +0x1\n\n"
                           "rax    0x0\nrbx    0xffffffffffffffff\nexit status 2\n");
  assert_int_equal(profile->records.count, 2);
  assert_int_equal(profile->bad_rows, 0);
  assert_true(hd_profile_value(profile, 1, HD_GOROUTINES) == 3);
  assert_true(hd_profile_value(profile, 1, HD_LONGEST_WAIT) == 4 * 60e9);
  hd_profile_destroy(profile);
}

static void errors(void **unused)
{
  (void)unused;
  assert_string_equal(text_error("go-dump", "nothing\n"),
                      "line 1: there is no goroutine in it: each begins with \"goroutine 1 "
                      "[running]:\"");
  assert_string_equal(text_error("go-dump", "goroutine 1 [running]:\nmain.f()\n\t/a.g"),
                      "line 3: the dump is cut off here: it is incomplete; get it again, or use "
                      "what there is with --partial");
  assert_non_null(strstr(text_error("go-dump", "goroutine 1 [running]:\nmain.f()\n\t/a.go:3 "
                                               "+0x1\nmain.g()\n"), "line 4: the dump is cut off"));
  assert_non_null(strstr(text_error("go-dump", "goroutine 1 [running]:\n"),
                         "line 1: the dump is cut off"));
  assert_string_equal(text_error("go-counts", "goroutine profile: total 3\n1 @ 0x10\n"),
                      "line 2: the rows do not add up to the total in the first line: the "
                      "snapshot is incomplete; take it again, or use what there is with --partial");
  assert_string_equal(text_error("go-counts", "heap profile: total 3\n1 @ 0x10\n"),
                      "line 1: this is a profile of \"heap\", which is not known: heapdiff reads "
                      "goroutine, goroutineleak and threadcreate");
  assert_non_null(strstr(text_error("go-counts", "--- mutex:\ncycles/second=1\n"),
                         "this is a mutex profile: it counts waiting"));
  assert_non_null(strstr(text_error("go-counts", "--- contention:\ncycles/second=1\n"),
                         "this is a block profile: it counts waiting"));
}

static void bad_rows(void **unused)
{
  (void)unused;
  struct hd_profile *profile =
      text_read("go-counts", "threadcreate profile: total 7\n5 @ 0x10 0x20\nnonsense\n-1 @ 0x10\n"
                             "2 @\n#\t0x0\n");
  assert_int_equal(profile->bad_rows, 2);
  assert_string_equal(profile->first_bad, "line 3 is no row: nonsense");
  assert_string_equal(profile->meta.kind, "threadcreate");
  assert_true(hd_profile_total(profile, HD_THREADS) == 7);
  hd_profile_destroy(profile);
  profile = text_read("go-counts", "goroutineleak profile: total 1\n1 @ 0x10\n");
  assert_string_equal(profile->meta.kind, "goroutineleak");
  assert_true(hd_profile_total(profile, HD_GOROUTINES) == 1);
  hd_profile_destroy(profile);
}

/* google/pprof's own test of this form. */
static void conformance(void **unused)
{
  (void)unused;
  static const char path[] = SOURCE_DIR "/../shared/conformance/pprof/go.godoc.thread";
  if (access(path, R_OK) != 0) {
    print_message("skipped: %s is not there\n", path);
    skip();
  }
  static const uint64_t leaves[] = {0x44cb2, 0x44cb2, 0x44cb2, 0x44cb2, 0x44cb2, 0x44cb2, 0x440e1};
  static const uint32_t depths[] = {9, 7, 7, 7, 4, 4, 2};
  struct hd_profile *profile = text_read_file("go-counts", path);
  assert_int_equal(profile->records.count, 7);
  for (size_t i = 0; i < 7; i++) {
    struct hd_span span = profile->stacks.items[profile->records.items[i].stack - 1];
    uint32_t leaf = profile->stack_locations.items[span.first];
    assert_true(hd_profile_value(profile, i, HD_THREADS) == 1);
    assert_int_equal(span.count, depths[i]);
    assert_int_equal(profile->locations.items[leaf - 1].offset, leaves[i]);
  }
  hd_profile_destroy(profile);
}

static void hostile(void **unused)
{
  (void)unused;
  text_torture("go-dump", dump1, 2000);
  text_torture("go-counts", counts1, 2000);
  text_assert_streams("go-dump", dump1);
  text_assert_streams("go-counts", counts1);
  text_assert_out_of_memory("go-counts", counts1);
  text_assert_out_of_memory("go-dump", TESTDATA "/goroutines/1.debug2");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(real_dumps), cmocka_unit_test(real_counts), cmocka_unit_test(headers),
      cmocka_unit_test(stacks),     cmocka_unit_test(in_a_log),    cmocka_unit_test(errors),
      cmocka_unit_test(series),     cmocka_unit_test(bad_rows),   cmocka_unit_test(conformance), cmocka_unit_test(hostile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
