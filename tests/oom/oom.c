/* Every question with its n-th allocation failing, for every n: the answer is an
 * error that says so, or the very same as with memory enough. Leaks are for the
 * sanitizer to find. */
#include "base/alloc.h"
#include "support/scratch.h"

#include <heapdiff/query.h>
#include <heapdiff/session.h>
#include <heapdiff/view.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

/* No question needs as many. */
enum { MOST = 20000 };

static size_t allocations, failing; /* failing 0: none */
static bool from_then_on, spare_jansson;
static size_t path_count = 2;

static bool allow(void)
{
  allocations++;
  return !failing || (from_then_on ? allocations < failing : allocations != failing);
}

/* jansson may say of a token that it had no memory for that the token is wrong: a
 * file in a directory is then left out as damaged, and the answer is another. */
static void *json_alloc(size_t size)
{
  return spare_jansson ? malloc(size) : hd_alloc(size);
}

static bool says_so(const struct hd_error *error)
{
  return error->kind == HD_ERROR_INTERNAL ? strstr(error->text, "out of memory") != NULL
                                          : strstr(error->text, "this is not JSON") != NULL;
}

struct question {
  const char *name;
  bool (*ask)(hd_session *session, const struct hd_query *query, hd_view **view,
              struct hd_error *error);
  struct hd_query query;
  const char *format;
};

/* What came out; the test's own memory, which never fails. */
struct answer {
  char text[64 * 1024];
  size_t length;
};

static bool keep(void *context, const char *data, size_t length)
{
  struct answer *answer = context;
  assert_true(answer->length + length <= sizeof answer->text);
  memcpy(answer->text + answer->length, data, length);
  answer->length += length;
  return true;
}

static bool ask_info(hd_session *session, const struct hd_query *query, hd_view **view,
                     struct hd_error *error)
{
  (void)query;
  return hd_info(session, view, error);
}

static bool answer(const struct question *question, const char *const *paths, struct answer *out,
                   struct hd_error *error)
{
  const char *const wrappers[] = {"^wrap"};
  const struct hd_session_options options = {
      .no_symbols = true, .wrappers = wrappers, .wrapper_count = 1};
  const struct hd_style style = {.format = question->format, .width = 80};
  hd_session *session = NULL;
  hd_view *view = NULL;
  out->length = 0;
  bool fine = hd_session_create(&options, &session, error) &&
              hd_session_select(session, paths, path_count, error) &&
              question->ask(session, &question->query, &view, error) &&
              hd_report(view, &style, keep, out, error);
  assert_int_equal(fine, error->kind == HD_ERROR_NONE);
  hd_view_destroy(view);
  hd_session_destroy(session);
  return fine;
}

/* How many allocations the question needs; each is made to fail, or every third one
 * and all that follow. */
static size_t fail_each(const struct question *question, const char *const *paths)
{
  static struct answer wanted, got;
  struct hd_error error = HD_ERROR_INIT;
  failing = 0;
  if (!answer(question, paths, &wanted, &error))
    fail_msg("%s: %s: %s", question->name, error.source, error.text);
  assert_true(wanted.length > 0);
  for (size_t n = 1; n < MOST; n += from_then_on ? 3 : 1) {
    error = (struct hd_error)HD_ERROR_INIT;
    allocations = 0;
    failing = n;
    bool fine = answer(question, paths, &got, &error);
    if (fine && (got.length != wanted.length || memcmp(got.text, wanted.text, got.length)))
      fail_msg("%s: another answer without allocation %zu", question->name, n);
    if (!fine && !says_so(&error))
      fail_msg("%s: without allocation %zu it says: %s", question->name, n, error.text);
    if (allocations < n)
      return n - 1;
  }
  fail_msg("%s: more than %d allocations", question->name, MOST);
  return 0;
}

/* Kept, asked, looked at again, asked otherwise, and the first question once more. */
static bool ask_kept(hd_session *session, const struct hd_query *query, hd_view **view,
                     struct hd_error *error)
{
  struct hd_query other = {.hide = "^nothing$", .nodecount = 2};
  size_t read;
  if (!hd_session_keep(session, error) || !hd_snapshots(session, query, view, error))
    return false;
  hd_view_destroy(*view);
  *view = NULL;
  hd_session_function(session, 0);
  if (!hd_session_refresh(session, &read, error) || !hd_tree(session, &other, view, error))
    return false;
  hd_view_destroy(*view);
  *view = NULL;
  return hd_list(session, query, view, error);
}

static const struct question questions[] = {
    {"top", hd_top, {.cum = true, .nodecount = 3}, "text"},
    {"top by stack", hd_top, {.by = "stack", .hide = "^nothing$"}, "json"},
    {"top by module", hd_top, {.by = "module", .focus = "."}, "csv"},
    {"top as pprof", hd_top, {.pprof_layout = true}, "text"},
    {"top in markdown", hd_top, {.nodecount = 3}, "markdown"},
    {"list", hd_list, {.pattern = "f"}, "text"},
    {"list in json", hd_list, {.pattern = "f"}, "json"},
    {"explain", hd_explain, {.pattern = "."}, "text"},
    {"explain in json", hd_explain, {.pattern = "."}, "json"},
    {"tree", hd_tree, {.nodecount = 2}, "text"},
    {"peek in json", hd_peek, {.pattern = ".", .window = {.base = 2}}, "json"},
    {"traces", hd_traces, {.nodecount = 2}, "text"},
    {"kept", ask_kept, {.pattern = "f"}, "text"},
    {"info", ask_info, {0}, "text"},
    {"info in json", ask_info, {0}, "json"},
};

static void fail_all(const char *const *paths)
{
  for (int mode = 0; mode < 2; mode++)
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
      from_then_on = mode;
      size_t count = fail_each(&questions[i], paths);
      print_message("%s: %zu allocations\n", questions[i].name, count);
    }
  failing = 0;
}

static void pprof(void **state)
{
  (void)state;
  static const char *const paths[] = {TESTDATA "/pprof/go-leak/heap.1.pb.gz",
                                      TESTDATA "/pprof/go-leak/heap.2.pb.gz"};
  fail_all(paths);
}

#define NATIVE(pid, live)                                                                          \
  "{\"heapdiff\":1,\"kind\":\"heap\",\"pid\":" pid ",\"program\":\"/bin/a\",\"command\":[\"a\"],"  \
  "\"rate\":1024,\"dropped\":{\"stacks\":1,\"allocations\":2},"                                    \
  "\"measures\":[\"inuse_space\",\"inuse_objects\"]}\n"                                            \
  "{\"strings\":[\"f\",\"/x/f.c\",\"wrap\"]}\n"                                                    \
  "{\"module\":{\"path\":\"/bin/a\",\"build_id\":\"abcd\"}}\n"                                     \
  "{\"frames\":[[0,100],[null,7],[0,200,[[2,1,9,8],[0,1,12,10],[0,1,40,30]]]]}\n"                  \
  "{\"stack\":[2,0],\"records\":[{\"size\":64,\"rate\":1024,\"live\":" live ",\"alloc\":5,"        \
  "\"ages\":[[3,2]],\"labels\":{\"k\":\"v\",\"n\":5}}]}\n"                                         \
  "{\"stack\":[1],\"records\":[{\"values\":[" live "00,1]}]}\n"                                    \
  "{\"stack\":[],\"records\":[{\"values\":[10,1]}]}\n"                                             \
  "{\"end\":{\"strings\":3,\"modules\":1,\"frames\":3,\"stacks\":3,\"records\":3}}\n"

static void native(void **state)
{
  (void)state;
  const char *const paths[] = {in_scratch("first"), in_scratch("second")};
  write_text(paths[0], NATIVE("7", "3"), 0600);
  write_text(paths[1], NATIVE("7", "8"), 0600);
  fail_all(paths);
}

/* Six snapshots with ages: there are shapes, verdicts and old objects. */
static void series(void **state)
{
  (void)state;
  char name[32], text[2048];
  assert_int_equal(mkdir(in_scratch("series"), 0700), 0);
  for (int i = 0; i < 6; i++) {
    snprintf(name, sizeof name, "series/%d", i);
    snprintf(text, sizeof text,
             "{\"heapdiff\":1,\"kind\":\"heap\",\"pid\":7,\"boot_id\":\"b\",\"program\":\"/a\","
             "\"time_ns\":%d000000000,\"mono_ns\":%d000000000,\"rate\":1024,\"measures\":"
             "[\"inuse_space\",\"inuse_objects\",\"alloc_space\",\"alloc_objects\"]}\n"
             "{\"strings\":[\"f\",\"f.c\"]}\n{\"frames\":[[null,1,[[0,1,7,0]]]]}\n"
             "{\"stack\":[0],\"records\":[{\"size\":64,\"rate\":1024,\"live\":%d,\"alloc\":%d,"
             "\"ages\":[[9,1],[11,%d]]}]}\n"
             "{\"end\":{\"strings\":2,\"modules\":0,\"frames\":1,\"stacks\":1,\"records\":1}}\n",
             100 + 2 * i, 100 + 2 * i, 10 + 9 * i, 50 + 9 * i, 1 + 5 * i);
    write_text(in_scratch(name), text, 0600);
  }
  const char *const paths[] = {in_scratch("series/0"), in_scratch("series/1"),
                               in_scratch("series/2"), in_scratch("series/3"),
                               in_scratch("series/4"), in_scratch("series/5")};
  path_count = 6;
  fail_all(paths);
  path_count = 2;
}

/* Six dumps of goroutines, one more and a minute longer in each. */
static void dumps(void **state)
{
  (void)state;
  char name[32], text[2048];
  assert_int_equal(mkdir(in_scratch("dumps"), 0700), 0);
  for (int i = 0; i < 6; i++) {
    int used =
        snprintf(text, sizeof text, "goroutine 1 [running]:\nmain.f(0x1)\n\t/f.go:1 +0x1\n");
    for (int n = 0; n <= i; n++)
      used += snprintf(text + used, sizeof text - (size_t)used,
                       "\ngoroutine %d [chan receive, %d minutes]:\nmain.g()\n\t/f.go:9 +0x1\n",
                       n + 2, i + 1);
    snprintf(name, sizeof name, "dumps/%d", i);
    write_text(in_scratch(name), text, 0600);
  }
  const char *const paths[] = {in_scratch("dumps/0"), in_scratch("dumps/1"),
                               in_scratch("dumps/2"), in_scratch("dumps/3"),
                               in_scratch("dumps/4"), in_scratch("dumps/5")};
  path_count = 6;
  fail_all(paths);
  path_count = 2;
}

/* A directory with a series, another, and files that are left out. */
static void directory(void **state)
{
  (void)state;
  const char *const paths[] = {scratch, in_scratch("second")};
  write_text(in_scratch("other"), NATIVE("8", "3"), 0600);
  write_text(in_scratch("stranger"), "not a snapshot", 0600);
  write_text(in_scratch("broken"), "{\"heapdiff\":1,", 0600);
  spare_jansson = true;
  fail_all(paths);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pprof),
      cmocka_unit_test(native),
      cmocka_unit_test(series),
      cmocka_unit_test(dumps),
      cmocka_unit_test(directory),
  };
  json_set_alloc_funcs(json_alloc, hd_free);
  hd_alloc_set_hook(allow);
  return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
