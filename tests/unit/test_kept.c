/* Snapshots that a session keeps: every answer is the one that reading anew gives, and a
 * refresh reads only what is new. */
#include "support/scratch.h"

#include <heapdiff/query.h>

#include <time.h>

struct text {
  char data[1 << 18];
  size_t length;
};

static bool collect(void *context, const char *data, size_t length)
{
  struct text *text = context;
  assert_true(text->length + length < sizeof text->data);
  memcpy(text->data + text->length, data, length);
  text->length += length;
  text->data[text->length] = '\0';
  return true;
}

typedef bool (*ask_fn)(hd_session *, const struct hd_query *, hd_view **, struct hd_error *);

static hd_session *open_session(const char *const *paths, size_t count, bool keep)
{
  struct hd_session_options options = {.no_symbols = true};
  struct hd_error error = HD_ERROR_INIT;
  hd_session *session;
  assert_true(hd_session_create(&options, &session, &error));
  if (!hd_session_select(session, paths, count, &error) ||
      (keep && !hd_session_keep(session, &error)))
    fail_msg("%s", error.text);
  return session;
}

static void answer(hd_session *session, ask_fn ask, const struct hd_query *query,
                   const char *format, struct text *out)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_style style = {.format = format, .bytes = true};
  hd_view *view;
  out->length = 0;
  out->data[0] = '\0';
  if (!ask(session, query, &view, &error)) {
    collect(out, error.text, strlen(error.text));
    return;
  }
  assert_true(hd_report(view, &style, collect, out, &error));
  hd_view_destroy(view);
}

static const struct {
  ask_fn ask;
  struct hd_query query;
} questions[] = {
    {hd_top, {.measure = NULL}},
    {hd_top, {.cum = true, .nodecount = 5}},
    {hd_top, {.pprof_layout = true}},
    {hd_top, {.measure = "alloc_space", .by = "stack"}},
    {hd_top, {.focus = "main", .ignore = "fill", .nodecount = 3}},
    {hd_top, {.hide = "main", .by = "function", .cum = true}},
    {hd_top, {.show = "run", .by = "file"}},
    {hd_list, {.pattern = "fill"}},
    {hd_list, {.pattern = "no_such_function"}},
    {hd_explain, {.pattern = "main"}},
    {hd_tree, {.nodecount = 4}},
    {hd_peek, {.pattern = "main"}},
    {hd_traces, {.nodecount = 7}},
    {hd_top, {.window = {.base = 2, .end = 4}}},
    {hd_top, {.window = {.last = 3}, .cum = true}},
    {hd_tree, {.window = {.base = 5}}},
    {hd_top, {.window = {.base = 9}}},
    {hd_explain, {.pattern = "main", .window = {.base = 2}}},
    {hd_explain, {.pattern = "main", .measure = "inuse_objects"}},
    {hd_top, {.measure = "alloc_objects", .since_last = true}},
    {hd_top, {.window = {.base = 3, .end = 3}}},
};

static const char *const heaps[] = {
    TESTDATA "/pprof/go-leak/heap.1.pb.gz", TESTDATA "/pprof/go-leak/heap.2.pb.gz",
    TESTDATA "/pprof/go-leak/heap.3.pb.gz", TESTDATA "/pprof/go-leak/heap.4.pb.gz",
    TESTDATA "/pprof/go-leak/heap.5.pb.gz"};
enum { HEAPS = sizeof heaps / sizeof *heaps };

static struct text kept_text, fresh_text;

/* Twice, and in between more questions than are remembered. */
static void test_same_answers(void **state)
{
  (void)state;
  hd_session *kept = open_session(heaps, HEAPS, true);
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
      hd_session *fresh = open_session(heaps, HEAPS, false);
      answer(kept, questions[i].ask, &questions[i].query, "text", &kept_text);
      answer(fresh, questions[i].ask, &questions[i].query, "text", &fresh_text);
      assert_true(fresh_text.length > 0);
      assert_string_equal(kept_text.data, fresh_text.data);
      hd_session_destroy(fresh);
    }
  hd_session_destroy(kept);
}

/* Of stacks with recursion, wrappers and places without names: rows of equal values, too, stay
 * in the order in which they were met, whatever was folded at the same time. */
static void test_same_sums(void **state)
{
  static const char *const folders[] = {TESTDATA "/native", TESTDATA "/jemalloc",
                                        TESTDATA "/massif/containers.massif",
                                        TESTDATA "/folded/go.5.folded", TESTDATA "/goroutines"};
  static const char *const focus[] = {NULL, "main|lloc", "leaky"};
  (void)state;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    hd_session *kept = open_session(&folders[i], 1, true);
    for (size_t k = 0; k < sizeof focus / sizeof *focus; k++)
      for (size_t by = 0; hd_grouping_name(by); by++)
        for (int hidden = 0; hidden < 2; hidden++) {
          struct hd_query query = {.by = hd_grouping_name(by),
                                   .cum = true,
                                   .focus = focus[k],
                                   .hide = hidden ? "run|new" : NULL};
          hd_session *fresh = open_session(&folders[i], 1, false);
          answer(kept, hd_top, &query, "csv", &kept_text);
          answer(fresh, hd_top, &query, "csv", &fresh_text);
          assert_string_equal(kept_text.data, fresh_text.data);
          hd_session_destroy(fresh);
        }
    hd_session_destroy(kept);
  }
}

/* What was prepared, or is being prepared still, changes no answer; the questions come at
 * once, and with filters that change before the work is done. */
static void test_prepared(void **state)
{
  static const char *const filters[] = {NULL, "fill", "spawn", "main", NULL, "fill"};
  (void)state;
  hd_session *kept = open_session(heaps, HEAPS, true);
  for (size_t f = 0; f < sizeof filters / sizeof *filters; f++)
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
      struct hd_query query = questions[i].query;
      if (filters[f])
        query.focus = filters[f];
      hd_session *fresh = open_session(heaps, HEAPS, false);
      hd_session_prepare(kept, &query);
      if (i % 2)
        hd_session_prepare(kept, &questions[i].query);
      if (i % 4 == 0) /* long enough for most */
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
      answer(kept, questions[i].ask, &query, "json", &kept_text);
      answer(fresh, questions[i].ask, &query, "json", &fresh_text);
      assert_string_equal(kept_text.data, fresh_text.data);
      hd_session_destroy(fresh);
    }
  /* It is destroyed while it works. */
  hd_session_prepare(kept, &(struct hd_query){.ignore = "x"});
  hd_session_destroy(kept);
}

static bool stops_once(void *context)
{
  int *left = context;
  return --*left == 0;
}

/* A question that is stopped fails, and comes out right when it is asked again. */
static void test_stopped(void **state)
{
  (void)state;
  for (int asked = 1; asked < 5; asked++) {
    int left = asked;
    struct hd_session_options options = {
        .no_symbols = true, .stop = stops_once, .stop_context = &left, .jobs = 1};
    struct hd_error error = HD_ERROR_INIT;
    hd_session *session, *fresh = open_session(heaps, HEAPS, false);
    hd_view *view = NULL;
    assert_true(hd_session_create(&options, &session, &error));
    assert_true(hd_session_select(session, heaps, HEAPS, &error));
    assert_true(hd_session_keep(session, &error));
    assert_false(hd_top(session, &questions[0].query, &view, &error));
    assert_string_equal(error.text, "interrupted");
    assert_null(view);
    left = INT32_MAX;
    answer(session, hd_top, &questions[0].query, "json", &kept_text);
    answer(fresh, hd_top, &questions[0].query, "json", &fresh_text);
    assert_string_equal(kept_text.data, fresh_text.data);
    hd_session_destroy(session);
    hd_session_destroy(fresh);
  }
}

static void copy_heap(size_t i)
{
  char name[64];
  size_t size;
  char *data = read_bytes(heaps[i], &size);
  snprintf(name, sizeof name, "heap.%zu.pb.gz", i + 1);
  write_bytes(in_scratch(name), data, size, 0600);
  free(data);
}

static void refresh(hd_session *session, size_t expected)
{
  struct hd_error error = HD_ERROR_INIT;
  size_t read = 99;
  if (!hd_session_refresh(session, &read, &error))
    fail_msg("%s", error.text);
  assert_int_equal(read, expected);
}

static void expect_as_fresh(hd_session *kept)
{
  const char *paths[] = {scratch};
  hd_session *fresh = open_session(paths, 1, false);
  for (size_t i = 0; i < 6; i++) {
    answer(kept, questions[i].ask, &questions[i].query, "text", &kept_text);
    answer(fresh, questions[i].ask, &questions[i].query, "text", &fresh_text);
    assert_string_equal(kept_text.data, fresh_text.data);
  }
  hd_session_destroy(fresh);
}

static void test_refresh(void **state)
{
  const char *paths[] = {scratch};
  (void)state;
  copy_heap(0);
  copy_heap(1);
  hd_session *kept = open_session(paths, 1, true);
  assert_int_equal(hd_session_kept_count(kept), 2);
  refresh(kept, 0);
  expect_as_fresh(kept);
  copy_heap(2);
  copy_heap(3);
  refresh(kept, 2);
  assert_int_equal(hd_session_kept_count(kept), 4);
  expect_as_fresh(kept);
  /* One goes, as retention has it; one is written anew; one is in between. */
  assert_int_equal(remove(in_scratch("heap.2.pb.gz")), 0);
  refresh(kept, 0);
  assert_int_equal(hd_session_kept_count(kept), 3);
  expect_as_fresh(kept);
  copy_heap(1);
  copy_heap(4);
  refresh(kept, 2);
  assert_int_equal(hd_session_kept_count(kept), 5);
  expect_as_fresh(kept);
  hd_session_destroy(kept);
}

/* Of two processes in a directory that of the last snapshot, where that is wanted. */
static void test_newest(void **state)
{
  const char *paths[] = {scratch};
  struct hd_session_options options = {.no_symbols = true};
  struct hd_error error = HD_ERROR_INIT;
  size_t size;
  (void)state;
  char *data = read_bytes(TESTDATA "/native/service.1.heapdiff", &size);
  write_bytes(in_scratch("service.1.heapdiff"), data, size, 0600);
  free(data);
  copy_heap(4); /* larger, and an hour older */
  for (int newest = 0; newest < 2; newest++) {
    hd_session *session;
    options.newest = newest;
    assert_true(hd_session_create(&options, &session, &error));
    assert_true(hd_session_select(session, paths, 1, &error) && hd_session_keep(session, &error));
    assert_int_equal(hd_session_kept_count(session), 1);
    assert_non_null(strstr(hd_session_kept_path(session, 0),
                           newest ? "/service.1.heapdiff" : "/heap.5.pb.gz"));
    assert_true(hd_session_note_count(session) > 0);
    assert_non_null(strstr(hd_session_note(session, 0).text,
                           newest ? "is shown, the newest" : "is shown, the largest"));
    hd_session_destroy(session);
  }
}

/* A file that is damaged when it appears is left out, and read when it is whole. */
static void test_damaged(void **state)
{
  const char *paths[] = {scratch};
  (void)state;
  copy_heap(0);
  hd_session *kept = open_session(paths, 1, true);
  write_text(in_scratch("heap.2.pb.gz"), "\x1f\x8b\x08\x00 not gzip", 0600);
  refresh(kept, 0);
  copy_heap(1);
  refresh(kept, 1);
  expect_as_fresh(kept);
  hd_session_destroy(kept);
}

/* A file that is named twice, one that is a series, and both once more. */
static void test_named_twice(void **state)
{
  (void)state;
  const char *paths[] = {heaps[0], heaps[0], heaps[1]};
  hd_session *kept = open_session(paths, 3, true);
  assert_int_equal(hd_session_kept_count(kept), 3);
  refresh(kept, 0);
  assert_int_equal(hd_session_kept_count(kept), 3);
  hd_session_destroy(kept);
  const char *file = TESTDATA "/massif/service.massif";
  kept = open_session(&file, 1, true);
  size_t count = hd_session_kept_count(kept);
  assert_true(count > 2);
  refresh(kept, 0);
  assert_int_equal(hd_session_kept_count(kept), count);
  hd_session_destroy(kept);
}

static void test_functions(void **state)
{
  (void)state;
  hd_session *kept = open_session(heaps, HEAPS, true);
  size_t count = 0, found = 0;
  const char *name, *before = "";
  for (; (name = hd_session_function(kept, count)); count++) {
    assert_true(strcmp(before, name) < 0);
    found += strcmp(name, "main.fill") == 0;
    before = name;
  }
  assert_int_equal(found, 1);
  assert_true(count > 10);
  hd_session_destroy(kept);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_answers),
      cmocka_unit_test(test_same_sums),
      cmocka_unit_test(test_prepared),
      cmocka_unit_test(test_stopped),
      cmocka_unit_test_setup_teardown(test_refresh, scratch_make, scratch_remove),
      cmocka_unit_test_setup_teardown(test_newest, scratch_make, scratch_remove),
      cmocka_unit_test_setup_teardown(test_damaged, scratch_make, scratch_remove),
      cmocka_unit_test(test_named_twice),
      cmocka_unit_test(test_functions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
