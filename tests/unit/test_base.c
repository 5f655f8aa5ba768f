/* base: strings, index, stream, units, errors, arena. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/regex.h"
#include "base/stream.h"
#include "base/strings.h"
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void strings_are_interned(void **state)
{
  (void)state;
  struct hd_strings strings = {0};
  uint32_t first[5000], again;
  char text[32];
  for (unsigned i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "string %u", i);
    assert_true(hd_strings_intern(&strings, text, strlen(text), &first[i]));
    assert_int_not_equal(first[i], 0);
  }
  for (unsigned i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "string %u", i);
    assert_true(hd_strings_intern(&strings, text, strlen(text), &again));
    assert_int_equal(again, first[i]);
    assert_string_equal(hd_strings_text(&strings, again), text);
  }
  assert_true(hd_strings_intern(&strings, "", 0, &again));
  assert_int_equal(again, 0);
  assert_string_equal(hd_strings_text(&strings, 0), "");
  /* A NUL inside makes another string. */
  uint32_t a, b;
  assert_true(hd_strings_intern(&strings, "x\0y", 3, &a));
  assert_true(hd_strings_intern(&strings, "x\0z", 3, &b));
  assert_int_not_equal(a, b);
  assert_int_equal(hd_strings_length(&strings, a), 3);
  hd_strings_deinit(&strings);
}

static void arena_serves_large_objects(void **state)
{
  (void)state;
  struct hd_arena arena = HD_ARENA_INIT;
  char *small = hd_arena_copy(&arena, "small", 5);
  char *large = hd_arena_alloc(&arena, 1 << 20);
  char *next = hd_arena_copy(&arena, "next", 4);
  assert_non_null(large);
  memset(large, 'x', 1 << 20);
  assert_string_equal(small, "small");
  assert_string_equal(next, "next");
  assert_null(hd_arena_alloc(&arena, SIZE_MAX));
  assert_string_equal(hd_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
  hd_arena_deinit(&arena);
}

static void lines_end_as_they_do(void **state)
{
  (void)state;
  static const char text[] = "one\r\ntwo\n\nlast";
  static const struct {
    const char *line;
    bool whole;
  } expected[] = {{"one", true}, {"two", true}, {"", true}, {"last", false}};
  struct hd_stream stream = hd_stream_of(text, sizeof text - 1);
  const char *line;
  size_t length;
  bool whole;
  for (size_t i = 0; i < 4; i++) {
    assert_true(hd_stream_line(&stream, &line, &length, &whole, NULL));
    assert_int_equal(length, strlen(expected[i].line));
    assert_memory_equal(line, expected[i].line, length);
    assert_int_equal(whole, expected[i].whole);
  }
  assert_true(hd_stream_line(&stream, &line, &length, &whole, NULL));
  assert_null(line);
  assert_int_equal(stream.line, 4);
}

static void bytes_print_as_pprof_does(void **state)
{
  (void)state;
  static const struct {
    int64_t bytes;
    int unit;
    bool sign;
    const char *text;
  } cases[] = {
      {0, -1, true, "0"},
      {1, -1, false, "1B"},
      {1023, -1, true, "+1023B"},
      {1024, -1, false, "1kB"},
      {-1536, -1, true, "-1.50kB"},
      {524288, -1, false, "512kB"},
      {54852075, -1, true, "+52.31MB"},
      {INT64_C(3) << 40, -1, false, "3TB"},
      {INT64_MIN, -1, false, "-8192PB"},
      {1048576, 1, false, "1024kB"},
      {1, 2, false, "0"},
      {5, 0, true, "+5B"},
  };
  char text[HD_UNITS_TEXT];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    hd_format_bytes(text, cases[i].bytes, cases[i].unit, cases[i].sign);
    assert_string_equal(text, cases[i].text);
  }
}

static void percentages_and_durations(void **state)
{
  (void)state;
  char text[HD_UNITS_TEXT];
  hd_format_percent(text, .899, false);
  assert_string_equal(text, "89.9%");
  hd_format_percent(text, -.0001, true);
  assert_string_equal(text, "0.0%");
  hd_format_percent(text, 9.9994, true);
  assert_string_equal(text, "+999.9%");
  hd_format_percent(text, 9.9996, true);
  assert_string_equal(text, "x11.0");
  hd_format_percent(text, 98.94, true);
  assert_string_equal(text, "x99.9");
  hd_format_percent(text, 98.96, true);
  assert_string_equal(text, "x100");
  hd_format_percent(text, 361.35, true);
  assert_string_equal(text, "x362");
  hd_format_percent(text, 1e12, true);
  assert_string_equal(text, "x1e+12");
  hd_format_percent(text, 361.35, false);
  assert_string_equal(text, "36135.0%");
  hd_format_percent(text, 1.396, true);
  assert_string_equal(text, "+139.6%");
  hd_format_percent_pprof(text, 1);
  assert_string_equal(text, "  100%");
  hd_format_percent_pprof(text, -.0833);
  assert_string_equal(text, " 8.33%");
  hd_format_percent_pprof(text, .00312);
  assert_string_equal(text, " 0.31%");
  hd_format_duration(text, 50 * INT64_C(1000000000));
  assert_string_equal(text, "50 s");
  hd_format_duration(text, INT64_C(273600) * 1000000000);
  assert_string_equal(text, "3 d 4 h");
  hd_format_duration(text, 450000000);
  assert_string_equal(text, "450 ms");
  hd_format_duration(text, INT64_C(-65) * 1000000000);
  assert_string_equal(text, "-1 min 5 s");
  hd_format_time(text, INT64_C(1700000000) * 1000000000);
  assert_string_equal(text, "2023-11-14 22:13:20 UTC");
}

static void the_first_error_sticks(void **state)
{
  (void)state;
  struct hd_error error = HD_ERROR_INIT;
  char text[256];
  assert_false(hd_fail_line(&error, 12, "it is %s", "wrong"));
  assert_false(hd_fail_input(&error, "later"));
  hd_error_in(&error, "a.snap");
  hd_error_in(&error, "b.snap");
  hd_error_format(&error, text, sizeof text);
  assert_string_equal(text, "a.snap: line 12: it is wrong");
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  struct hd_error other = HD_ERROR_INIT;
  hd_fail_offset(&other, 18211, "truncated");
  hd_error_format(&other, text, sizeof text);
  assert_string_equal(text, "at byte 18211: truncated");
}

static void patterns(void **state)
{
  (void)state;
  struct hd_regex *regex;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_regex_create("ab+c", "--focus", &regex, &error));
  assert_true(hd_regex_search(regex, "xxabbcxx", 8));
  assert_false(hd_regex_match_all(regex, "xxabbcxx", 8));
  assert_true(hd_regex_match_all(regex, "abbc", 4));
  hd_regex_destroy(regex);
  /* Catastrophic backtracking is no match, and soon. */
  assert_true(hd_regex_create("(a+)+$", "--focus", &regex, &error));
  assert_false(hd_regex_search(regex, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 44));
  hd_regex_destroy(regex);
  assert_false(hd_regex_create("a(b", "--focus", &regex, &error));
  assert_int_equal(error.kind, HD_ERROR_USAGE);
  assert_non_null(strstr(error.text, "--focus"));
}

static bool finds(const char *pattern, const char *text, bool is_regex)
{
  struct hd_regex *regex;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_regex_create_or_text(pattern, &regex, &error));
  assert_true(is_regex == !hd_regex_wrong(regex));
  bool found = hd_regex_search(regex, text, strlen(text));
  assert_true(!hd_regex_wrong(regex) || !hd_regex_match_all(regex, text, strlen(text)));
  hd_regex_destroy(regex);
  return found;
}

/* Names copied from a table are found, whether they happen to be expressions or not. */
static void names_as_patterns(void **state)
{
  (void)state;
  assert_true(finds("main.(*Server).handle", "main.(*Server).handle.func1", false));
  assert_false(finds("main.(*Server).handle", "main.Server.handle", false));
  assert_true(finds("f(int, char*)", "ns::f(int, char*)", true));
  assert_true(finds("operator()[abi:x]", "T::operator()[abi:x]", true));
  assert_true(finds("f(1|2)$", "f2", true));
  assert_false(finds("foo(", "foo", false));
}

/* A device without end: nothing is held here, the window is only said to grow. */
static bool refill_for_ever(struct hd_stream *stream, struct hd_error *error)
{
  (void)error;
  stream->length += (size_t)1 << 30;
  return true;
}

static void a_file_without_end(void **state)
{
  (void)state;
  struct hd_stream stream = {.refill = refill_for_ever};
  struct hd_error error = HD_ERROR_INIT;
  assert_false(hd_stream_slurp(&stream, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  assert_true(error.offset > 0);
}

static void a_place_is_said_once(void **state)
{
  (void)state;
  struct hd_error error = HD_ERROR_INIT;
  assert_false(hd_error_at(&error, 7, -1)); /* no failure yet */
  assert_int_equal(error.line, 0);
  hd_fail_input(&error, "wrong");
  hd_error_at(&error, 7, -1);
  hd_error_at(&error, 0, 99);
  assert_int_equal(error.line, 7);
  assert_int_equal(error.offset, -1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_are_interned),     cmocka_unit_test(arena_serves_large_objects),
      cmocka_unit_test(lines_end_as_they_do),     cmocka_unit_test(bytes_print_as_pprof_does),
      cmocka_unit_test(percentages_and_durations), cmocka_unit_test(the_first_error_sticks),
      cmocka_unit_test(patterns),
      cmocka_unit_test(names_as_patterns),                 cmocka_unit_test(a_file_without_end),
      cmocka_unit_test(a_place_is_said_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
