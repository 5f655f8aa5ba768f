/* `check` and `baseline` with their n-th allocation failing, for every n: the answer is an
 * error that says so, or the very same as with memory enough. */
#include "base/alloc.h"
#include "support/scratch.h"

#include <heapdiff/check.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

enum { MOST = 40000 };

static size_t allocations, failing; /* failing 0: none */
static bool from_then_on;

static bool allow(void)
{
  allocations++;
  return !failing || (from_then_on ? allocations < failing : allocations != failing);
}

/* jansson may say of a token that it had no memory for that the token is wrong: a file in a
 * directory is then left out as damaged, and the answer is another. */
static bool spare_jansson;

static void *json_alloc(size_t size)
{
  return spare_jansson ? malloc(size) : hd_alloc(size);
}

struct answer {
  char text[256 * 1024];
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

/* What is asked: each fills a view. */
typedef bool (*ask_fn)(hd_session *session, hd_view **view, struct hd_error *error);

static const char *const snapshots[] = {TESTDATA "/pprof/go-leak/heap.1.pb.gz",
                                        TESTDATA "/pprof/go-leak/heap.5.pb.gz"};

static bool ask_check(hd_session *session, hd_view **view, struct hd_error *error)
{
  const char *const suppressions[] = {in_scratch("known.supp")};
  struct hd_check_options options = {
      .config = in_scratch("heapdiff.json"), .suppressions = suppressions, .suppression_count = 1};
  struct hd_check_result result;
  return hd_check(session, snapshots, 2, &options, view, &result, error);
}

static bool ask_series(hd_session *session, hd_view **view, struct hd_error *error)
{
  const char *const series[] = {in_scratch("series")};
  const char *const fail_on[] = {"leaking"};
  const struct hd_check_budget budgets[] = {{"max-growth", "1MB/h"}};
  struct hd_check_options options = {.no_config = true,
                                     .fail_on = fail_on,
                                     .fail_on_count = 1,
                                     .budgets = budgets,
                                     .budget_count = 1};
  struct hd_check_result result;
  return hd_check(session, series, 1, &options, view, &result, error);
}

static bool ask_baseline(hd_session *session, hd_view **view, struct hd_error *error)
{
  const char *const bases[] = {in_scratch("kept.baseline")};
  struct hd_check_options options = {.no_config = true, .baselines = bases, .baseline_count = 1};
  struct hd_check_result result;
  return hd_check(session, snapshots + 1, 1, &options, view, &result, error);
}

static bool ask_update(hd_session *session, hd_view **view, struct hd_error *error)
{
  return hd_baseline_update(session, in_scratch("new.baseline"), snapshots, 2, 0, view, error);
}

static bool ask_show(hd_session *session, hd_view **view, struct hd_error *error)
{
  return hd_baseline_show(session, in_scratch("kept.baseline"), 0, view, error);
}

static const struct question {
  const char *name;
  ask_fn ask;
  const char *formats[6];
} questions[] = {
    {"check", ask_check, {"text", "json", "markdown", "junit", "sarif", "github"}},
    {"check a series", ask_series, {"text"}},
    {"check with a baseline", ask_baseline, {"json"}},
    {"baseline update", ask_update, {"text", "json"}},
    {"baseline show", ask_show, {"csv"}},
};

static bool answer(const struct question *question, struct answer *out, struct hd_error *error)
{
  const struct hd_session_options options = {.no_symbols = true};
  hd_session *session = NULL;
  hd_view *view = NULL;
  out->length = 0;
  if (question->ask == ask_update)
    write_text(in_scratch("new.baseline"),
               "heapdiff-baseline 1\nmeasures inuse_space\n"
               "f@a.c+1;main@a.c+2\tinuse_space=5~1\n",
               0600);
  bool fine = hd_session_create(&options, &session, error) && question->ask(session, &view, error);
  for (size_t i = 0; fine && i < 6 && question->formats[i]; i++) {
    const struct hd_style style = {.format = question->formats[i]};
    fine = hd_report(view, &style, keep, out, error);
  }
  if (fine != (error->kind == HD_ERROR_NONE))
    fail_msg("%s: without allocation %zu: %s", question->name, failing, error->text);
  hd_view_destroy(view);
  hd_session_destroy(session);
  return fine;
}

static bool says_so(const struct hd_error *error)
{
  return strstr(error->text, "out of memory") || strstr(error->text, "this is not JSON");
}

static void fail_each(const struct question *question)
{
  static struct answer wanted, got;
  struct hd_error error = HD_ERROR_INIT;
  failing = 0;
  spare_jansson = question->ask == ask_series;
  if (!answer(question, &wanted, &error))
    fail_msg("%s: %s", question->name, error.text);
  for (size_t n = 1; n < MOST; n += from_then_on ? 7 : 1) {
    error = (struct hd_error)HD_ERROR_INIT;
    allocations = 0;
    failing = n;
    bool fine = answer(question, &got, &error);
    failing = 0;
    if (fine && (got.length != wanted.length || memcmp(got.text, wanted.text, got.length)))
      fail_msg("%s: another answer without allocation %zu", question->name, n);
    if (!fine && !says_so(&error))
      fail_msg("%s: without allocation %zu it says: %s", question->name, n, error.text);
    if (allocations < n) {
      print_message("%s: %zu allocations\n", question->name, n - 1);
      return;
    }
  }
  fail_msg("%s: more than %d allocations", question->name, MOST);
}

static void make_files(void)
{
  write_text(
      in_scratch("heapdiff.json"),
      "{\"budgets\": {\"max-growth\": [\"1MB\", \"5%\"]}, \"sites\": [{\"function\": \"fill\","
      " \"budgets\": {\"max-growth\": \"1\"}, \"reason\": \"r\"}], \"confidence\": 0.99}",
      0600);
  write_text(in_scratch("known.supp"), "# heapdiff: reason=r\nleak:spawn\nstack:a;...;b\n", 0600);
  write_text(in_scratch("kept.baseline"),
             "heapdiff-baseline 1\nmeasures inuse_space inuse_objects\n"
             "main.fill@main.go~0;main.run@main.go~2;main.main@main.go~0\trate=524288 "
             "inuse_space=8921602|8000000~4.673e+12 inuse_objects=8712|8000~4e6\n",
             0600);
  assert_int_equal(mkdir(in_scratch("series"), 0700), 0);
  for (int i = 0; i < 6; i++) {
    char name[32], text[2048];
    snprintf(name, sizeof name, "series/%d", i);
    snprintf(text, sizeof text,
             "{\"heapdiff\":1,\"kind\":\"heap\",\"pid\":7,\"boot_id\":\"b\",\"program\":\"/a\","
             "\"time_ns\":%d000000000,\"mono_ns\":%d000000000,\"rate\":1024,\"measures\":"
             "[\"inuse_space\",\"inuse_objects\"]}\n"
             "{\"strings\":[\"f\",\"f.c\"]}\n{\"frames\":[[null,1,[[0,1,7,0]]]]}\n"
             "{\"stack\":[0],\"records\":[{\"size\":64,\"rate\":1024,\"live\":%d,\"alloc\":%d}]}\n"
             "{\"end\":{\"strings\":2,\"modules\":0,\"frames\":1,\"stacks\":1,\"records\":1}}\n",
             100 + 2 * i, 100 + 2 * i, 10 + 90 * i, 50 + 90 * i);
    write_text(in_scratch(name), text, 0600);
  }
}

static void every_allocation(void **state)
{
  (void)state;
  make_files();
  for (int mode = 0; mode < 2; mode++)
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
      from_then_on = mode;
      fail_each(&questions[i]);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation)};
  json_set_alloc_funcs(json_alloc, hd_free);
  hd_alloc_set_hook(allow);
  return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
