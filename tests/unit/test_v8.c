/* The reader of V8's sampling heap profiles: the tree, real files of Node, and every
 * way in which a file can be wrong. */
#include "valgrind_profiles.h"

#include <jansson.h>

#define CALL(name, url, line)                                                                      \
  "\"callFrame\":{\"functionName\":\"" name "\",\"scriptId\":\"1\",\"url\":\"" url                 \
  "\",\"lineNumber\":" line ",\"columnNumber\":0}"
#define NODE(name, url, line, size, children)                                                      \
  "{" CALL(name, url, line) ",\"selfSize\":" size ",\"id\":1,\"children\":[" children "]}"
#define ROOT(size, children)                                                                       \
  "{\"head\":" NODE("(root)", "", "-1", size, children) ",\"samples\":[]}"

static void as_lines(const char *text, const char *lines)
{
  struct profiles profiles;
  struct hd_error error;
  struct hd_buffer out = HD_BUFFER_INIT;
  if (!read_as("v8", text, strlen(text), &profiles, &error))
    fail_msg("%s", error.text);
  assert_int_equal(profiles.count, 1);
  write_profile(&out, profiles.items[0]);
  assert_string_equal(hd_buffer_text(&out), lines);
  hd_buffer_deinit(&out);
  drop_profiles(&profiles);
}

static void the_tree(void **state)
{
  (void)state;
  as_lines(
      ROOT("0", NODE("main", "/srv/a.js", "4", "100",
                     NODE("", "/srv/a.js", "0", "0",
                          NODE("leak", "a.js", "9", "7", ""))) "," NODE("(GC)", "", "-1", "5", "")),
      "100: main /srv/a.js:5\n"
      "7: leak a.js:10 < (anonymous) /srv/a.js:1 < main /srv/a.js:5\n"
      "5: (GC)\n");
  as_lines(ROOT("0", ""), "");
  as_lines(ROOT("3", ""), "3\n");
  /* A head that is not the root is a call. */
  as_lines("{\"head\":" NODE("main", "", "0", "1.5e3", "") "}", "1500: main\n");
}

static void names_of_files(void **state)
{
  (void)state;
  static const struct {
    const char *url, *file;
  } cases[] = {
      {"file:///srv/a%20b.mjs", "/srv/a b.mjs"},
      {"file:///%2", "/%2"},
      {"file:///%", "/%"},
      {"file:///%zz%00%C3%a9", "/%zz%00\xc3\xa9"},
      {"https://x.org/a%20b.js", "https://x.org/a%20b.js"},
      {"node:fs", "node:fs"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[500], lines[100];
    snprintf(text, sizeof text,
             "{\"head\":{\"callFrame\":{\"functionName\":\"f\",\"url\":\"%s\",\"lineNumber\":1},"
             "\"selfSize\":1}}",
             cases[i].url);
    snprintf(lines, sizeof lines, "1: f %s:2\n", cases[i].file);
    as_lines(text, lines);
  }
}

/* What is wrong with one call is counted, and nothing else is lost. */
static void bad_calls(void **state)
{
  (void)state;
  static const struct {
    const char *node;
    double total;
  } cases[] = {
      {"7", 10},
      {"null", 10},
      {"{}", 10},
      {NODE("f", "", "0", "-3", NODE("g", "", "0", "2", "")), 12},
      {NODE("f", "", "0", "\"3\"", NODE("g", "", "0", "2", "")), 12},
      {"{\"selfSize\":4}", 14},
      {"{\"callFrame\":[],\"selfSize\":4}", 14},
      {"{\"callFrame\":{\"functionName\":7},\"selfSize\":4}", 14},
      {"{" CALL("f", "", "0") ",\"selfSize\":4,\"children\":{}}", 14},
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hd_buffer text = HD_BUFFER_INIT;
    hd_buffer_printf(&text, "{\"head\":{%s,\"selfSize\":0,\"children\":[%s,%s]}}",
                     CALL("(root)", "", "-1"), cases[i].node, NODE("good", "", "0", "10", ""));
    assert_true(read_as("v8", text.data, text.length, &profiles, &error));
    assert_int_equal(profiles.items[0]->bad_rows, 1);
    assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == cases[i].total);
    assert_false(profiles.items[0]->has[HD_INUSE_OBJECTS]);
    drop_profiles(&profiles);
    hd_buffer_deinit(&text);
  }
}

static void wrong_files(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"[1]", "no \"head\""},
      {"{}", "no \"head\""},
      {"{\"head\":[]}", "no \"head\""},
      {"{\"snapshot\":{}}", ".heapsnapshot"},
      {"{\"head\":{}}", "none of the 1 calls"},
      {"{\"head\":", "cut off"},
      {"{\"head\":{},\"head\":{}}", "not JSON"},
      {"{\"head\":}", "not JSON"},
      {ROOT("1152921504606846977000", ""), "not JSON"},
      {ROOT("2000000000000000000", ""), "2^60"},
      {ROOT("1e300", ""), "2^60"},
      {ROOT("1e999", ""), "not JSON"},
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_false(read_as("v8", cases[i].text, strlen(cases[i].text), &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_int_equal(profiles.count, 0);
    if (!strstr(error.text, cases[i].message))
      fail_msg("case %zu: '%s' does not say '%s'", i, error.text, cases[i].message);
  }
}

static bool read_deep(int calls, struct profiles *profiles, struct hd_error *error)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  hd_buffer_puts(&text, "{\"head\":");
  for (int i = 0; i < calls; i++)
    hd_buffer_puts(&text, "{\"callFrame\":{\"functionName\":\"f\"},\"selfSize\":1,\"children\":[");
  for (int i = 0; i < calls; i++)
    hd_buffer_puts(&text, "]}");
  hd_buffer_puts(&text, "}");
  assert_false(text.failed);
  bool fine = read_as("v8", text.data, text.length, profiles, error);
  hd_buffer_deinit(&text);
  return fine;
}

static void deep(void **state)
{
  (void)state;
  enum { DEEPEST = 1023 };
  struct profiles profiles;
  struct hd_error error;
  assert_true(read_deep(DEEPEST, &profiles, &error));
  assert_int_equal(profiles.items[0]->records.count, DEEPEST);
  assert_int_equal(profiles.items[0]->stacks.items[DEEPEST - 1].count, DEEPEST);
  drop_profiles(&profiles);
  for (int calls = DEEPEST + 1; calls <= 10000; calls += 10000 - DEEPEST - 1) {
    assert_false(read_deep(calls, &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_non_null(strstr(error.text, "deeper than 1023"));
  }
}

static void cut_and_flipped(void **state)
{
  (void)state;
  char text[] = ROOT("0", NODE("main", "file:///a%20b", "4", "100", NODE("f", "", "0", "1", "")));
  static const char values[] = {0, '"', '[', '}', '9', '-', ',', 'e', '\x80', '\\'};
  struct profiles profiles;
  struct hd_error error;
  for (size_t cut = 0; cut < sizeof text - 1; cut++) {
    assert_false(read_as("v8", text, cut, &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_true(error.offset >= 0 && (size_t)error.offset <= cut);
  }
  for (size_t at = 0; at < sizeof text - 1; at++) {
    char was = text[at];
    for (size_t i = 0; i < sizeof values; i++) {
      text[at] = values[i];
      if (!read_as("v8", text, sizeof text - 1, &profiles, &error))
        assert_int_equal(error.kind, HD_ERROR_INPUT);
      drop_profiles(&profiles);
    }
    text[at] = was;
  }
}

static void probing(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    int score;
  } cases[] = {
      {" \n" ROOT("0", ""), HD_PROBE_SURE},
      {"{\"head\":{\"callFrame\":{", HD_PROBE_LIKELY},
      {"{\"samples\":[{\"size\":1,\"nodeId\":2,\"ordinal\":3}", HD_PROBE_LIKELY},
      {"{\"nodes\":[{\"id\":1,\"callFrame\":{\"functionName\":\"\"},\"hitCount\":0}]}",
       HD_PROBE_NO},
      {"[" ROOT("0", "") "]", HD_PROBE_NO},
      {"{\"snapshot\":{\"meta\":{}}}", HD_PROBE_NO},
      {"", HD_PROBE_NO},
      {" ", HD_PROBE_NO},
  };
  const struct hd_reader *reader = hd_reader_find("v8");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(reader->probe((const uint8_t *)cases[i].text, strlen(cases[i].text)),
                     cases[i].score);
}

/* --- real files */

static double self_sizes(const json_t *node)
{
  double sum = json_number_value(json_object_get(node, "selfSize"));
  const json_t *children = json_object_get(node, "children");
  for (size_t i = 0; i < json_array_size(children); i++)
    sum += self_sizes(json_array_get(children, i));
  return sum;
}

static void real_files(void **state)
{
  (void)state;
  static const char *const names[] = {"leak.1", "leak.2", "module"};
  double leak[3], cache[3];
  for (size_t i = 0; i < 3; i++) {
    char path[500];
    struct profiles profiles;
    snprintf(path, sizeof path, TESTDATA "/v8/%s.heapprofile", names[i]);
    read_file("v8", path, &profiles);
    json_t *root = json_load_file(path, 0, NULL);
    assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) ==
                self_sizes(json_object_get(root, "head")));
    assert_int_equal(profiles.items[0]->bad_rows, 0);
    leak[i] = sum_at(profiles.items[0], HD_INUSE_SPACE, i == 2 ? "/leak/module.mjs" : "/leak.js",
                     i == 2 ? 3 : 10);
    cache[i] = sum_at(profiles.items[0], HD_INUSE_SPACE, "/leak.js", 14);
    json_decref(root);
    drop_profiles(&profiles);
  }
  /* The truth is 4,016,000 and 300 times 16,016; sampling is off by less than 15%. */
  assert_true(leak[1] - leak[0] > .85 * 4016000 && leak[1] - leak[0] < 1.15 * 4016000);
  assert_true(leak[2] > .6 * 4804800 && leak[2] < 1.4 * 4804800);
  assert_true(cache[0] > 0 && cache[0] == cache[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_tree),  cmocka_unit_test(names_of_files),
      cmocka_unit_test(bad_calls), cmocka_unit_test(wrong_files),
      cmocka_unit_test(deep),      cmocka_unit_test(cut_and_flipped),
      cmocka_unit_test(probing),   cmocka_unit_test(real_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
