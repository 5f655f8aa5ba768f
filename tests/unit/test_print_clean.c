/* Text for people: what is printed as it is, and what a hostile file brings; and output that
 * goes out in pieces. */
#include "reports/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, const char *printed)
{
  struct hd_buffer out = HD_BUFFER_INIT;
  hd_print_clean(&out, text);
  assert_string_equal(hd_buffer_text(&out), printed);
  hd_buffer_deinit(&out);
}

static void test_odd_texts(void **state)
{
  (void)state;
  expect("", "");
  expect("std::vector<int, std::allocator<int> >::push_back", /* more than one block */
         "std::vector<int, std::allocator<int> >::push_back");
  expect("a\tb\x1b[2Jc\x7f", "a b?[2Jc?");
  expect("caf\xc3\xa9 \xe4\xb8\x96", "caf\xc3\xa9 \xe4\xb8\x96");
  expect("\xc2\x9b"
         "31m, which some terminals take for an escape",
         "?31m, which some terminals take for an escape");
}

/* Each byte at each place of texts of each length around the blocks'. */
static void test_each_byte(void **state)
{
  (void)state;
  enum { MOST = 40 };
  for (size_t length = 1; length <= MOST; length++)
    for (size_t at = 0; at < length; at++)
      for (unsigned byte = 1; byte < 256; byte++) {
        char *text = malloc(length); /* exactly: a sanitizer sees what is read past it */
        assert_non_null(text);
        memset(text, 'x', length);
        text[at] = (char)byte;
        bool plain = byte >= ' ' && byte < 0x7f;
        assert_int_equal(hd_text_is_plain(text, length), plain);
        free(text);
      }
  assert_true(hd_text_is_plain("", 0));
}

struct pieces {
  struct hd_buffer all;
  unsigned count, most;
};

static bool take(void *context, const char *data, size_t length)
{
  struct pieces *pieces = context;
  hd_buffer_append(&pieces->all, data, length);
  return ++pieces->count < pieces->most;
}

/* Everything arrives, in order, once, whatever the size of the pieces. */
static void test_drain(void **state)
{
  (void)state;
  enum { LINES = 30000 };
  struct pieces pieces = {HD_BUFFER_INIT, 0, UINT32_MAX};
  struct hd_buffer out = HD_BUFFER_INIT, whole = HD_BUFFER_INIT;
  out.sink = take;
  out.sink_context = &pieces;
  for (int i = 0; i < LINES; i++) {
    hd_buffer_printf(&out, "line %d\n", i);
    hd_buffer_printf(&whole, "line %d\n", i);
    hd_buffer_drain(&out);
    assert_true(out.length < HD_BUFFER_DRAIN);
  }
  assert_true(hd_buffer_finish(&out));
  assert_true(pieces.count > 3);
  assert_string_equal(hd_buffer_text(&pieces.all), hd_buffer_text(&whole));
  hd_buffer_deinit(&out);
  hd_buffer_deinit(&whole);
  hd_buffer_deinit(&pieces.all);
}

/* A reader that had enough is asked no more. */
static void test_refused(void **state)
{
  (void)state;
  struct pieces pieces = {HD_BUFFER_INIT, 0, 1};
  struct hd_buffer out = HD_BUFFER_INIT;
  out.sink = take;
  out.sink_context = &pieces;
  for (int i = 0; i < 4; i++) {
    hd_buffer_repeat(&out, 'x', HD_BUFFER_DRAIN);
    hd_buffer_drain(&out);
  }
  assert_false(hd_buffer_finish(&out));
  assert_true(out.refused);
  assert_int_equal(pieces.count, 1);
  hd_buffer_deinit(&out);
  hd_buffer_deinit(&pieces.all);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_odd_texts),
      cmocka_unit_test(test_each_byte),
      cmocka_unit_test(test_drain),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
