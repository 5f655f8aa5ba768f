/* heaptrack recordings that are cut off, damaged or hostile. */
#include "heaptrack_texts.h"

#include <inttypes.h>

static void cut_at_every_byte(void **state)
{
  (void)state;
  static const char text[] = INTERPRETED, raw[] = RAW;
  struct profiles profiles;
  struct hd_error error;
  for (size_t cut = 0; cut < sizeof text - 1; cut++) {
    bool closed = cut > sizeof HEAD CODE EVENTS + 10 && text[cut - 1] == '\n';
    assert_int_equal(read_text(text, cut, &profiles, &error), closed);
    if (!closed) {
      assert_int_equal(error.kind, HD_ERROR_INPUT);
      assert_int_equal(profiles.count, 0);
    }
    drop_profiles(&profiles);
  }
  /* Between two lines of a raw recording nothing tells that more was to come. */
  for (size_t cut = 1; cut < sizeof raw - 1; cut++) {
    bool whole = cut >= sizeof RAW_HEAD - 1 && raw[cut - 1] == '\n';
    assert_int_equal(read_text(raw, cut, &profiles, &error), whole);
    assert_true(whole || error.line > 0);
    drop_profiles(&profiles);
  }
}

/* Whatever a byte is turned into: no crash, and no more than there was. */
static void flipped_bytes(void **state)
{
  (void)state;
  static const char values[] = {0, '\n', ' ', 'f', '-', '+', 'i', 't', 'm', 'c', '\x80'};
  char texts[2][sizeof INTERPRETED + sizeof RAW] = {INTERPRETED, RAW};
  for (size_t t = 0; t < 2; t++)
    for (size_t i = 0; i < strlen(texts[t]); i++)
      for (size_t v = 0; v < sizeof values; v++) {
        struct profiles profiles;
        struct hd_error error;
        char was = texts[t][i];
        size_t length = strlen(texts[t]);
        texts[t][i] = values[v];
        if (!read_text(texts[t], length, &profiles, &error))
          assert_int_equal(error.kind, HD_ERROR_INPUT);
        drop_profiles(&profiles);
        texts[t][i] = was;
      }
}

static void events_that_are_wrong(void **state)
{
  (void)state;
  static const char *const rows[] = {"+ 5",
                                     "+ ffffffff",
                                     "+ 123456789",
                                     "+ 11112222333344445",
                                     "+",
                                     "+ ",
                                     "+ 0 ",
                                     "+ 0x0",
                                     "+ g",
                                     "- 0",
                                     "- 5",
                                     "-",
                                     "c 9",
                                     "c",
                                     "c ffffffffffffffff",
                                     "R",
                                     "R x",
                                     "R ffffffffffffffff",
                                     "q 1",
                                     "\x01"};
  struct profiles profiles;
  struct hd_buffer text = HD_BUFFER_INIT;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    hd_buffer_clear(&text);
    hd_buffer_printf(&text, HEAD CODE "c a\n+ 1\n+ 1\n%s\n- 1\n+ 3\n" CLOSING("6"), rows[i]);
    read_good(hd_buffer_text(&text), &profiles);
    const struct hd_profile *last = profiles.items[profiles.count - 1];
    if (last->bad_rows != 1 || strncmp(last->first_bad, "line 28 ", 8) != 0)
      fail_msg("\"%s\": %" PRIu64 " bad rows, %s", rows[i], last->bad_rows,
               last->first_bad ? last->first_bad : "none quoted");
    assert_true(hd_profile_total(last, HD_INUSE_SPACE) == 17);
    drop_profiles(&profiles);
  }
  hd_buffer_deinit(&text);
  static const char raw[] = RAW_HEAD "t 5 0\n+ 1 1 9\n+ 1 2 8\n+ 1 1\n- \n+ 8 1 7 7\n";
  read_good(raw, &profiles);
  assert_int_equal(profiles.items[0]->bad_rows, 4);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 1);
  drop_profiles(&profiles);
}

static const struct {
  const char *text, *says;
  int64_t line;
} wrong[] = {
    {"", "has no lines", 0},
    {"X a\n", "begins with one line of heaptrack's version", 1},
    {"v\n", "begins with", 1},
    {"v 10400 3\nv 10400 3\n", "begins with", 2},
    {"v 10400 0\n", "begins with", 1},
    {"v 20000 4\nX a\n", "not known yet", 1},
    {"v 10300 2\nx 1 a\n", "heaptrack_interpret", 2},
    {"v 10400 3\nx 1 a\nx 1 a\n", "named twice", 3},
    {"v 10400 3\nX\n", "no command line", 2},
    {"v 10400 3\nX a\n+ 0\n", "incomplete", 3},
    {HEAD "X b\n", "a second one", 4},
    {HEAD "s 3 ab\n", "do not agree", 4},
    {HEAD "s 3 abcd\n", "do not agree", 4},
    {HEAD "s ffffffffffffffff a\n", "do not agree", 4},
    {HEAD "s\n", "do not agree", 4},
    {HEAD "i 1 1\n", "code address", 4},
    {HEAD "i 1\n", "code address", 4},
    {HEAD CODE "i 1 1 2 3\n", "code address", 25},
    {HEAD CODE "i 1 1 7\n", "code address", 25},
    {HEAD CODE "i 1 1 2 3 4 5 6\n", "code address", 25},
    {HEAD CODE "t 1 6\n", "trace of its callers", 25},
    {HEAD CODE "t 1\n", "trace of its callers", 25},
    {HEAD CODE "t 6 1\n", "not there", 25},
    {HEAD CODE "a 1 6\n", "no size and trace", 25},
    {HEAD CODE "a 1fffffffffffffff 1\n", "no size and trace", 25},
    {HEAD CODE "a 1000000000000000 1\n+ 0\n+ 5\n+ 5\n", "more than 2^60", 27},
    {HEAD CODE "m 1 - \n", "raw one", 25},
    {HEAD CODE "+ 0\n# strings: 7\n", "a part of the file is missing", 26},
    {HEAD CODE "+ 0\n", "before heaptrack's closing lines", 25},
    {HEAD CODE "+ 0", "ends inside this line", 25},
    {RAW_HEAD "s 1 a\n", "raw one", 5},
    {RAW_HEAD "m 1 x\n", "addresses it is at", 5},
    {RAW_HEAD "m 1 x 0 1\n", "addresses it is at", 5},
    {RAW_HEAD "m 1 x ffffffffffffffff 1 1\n", "addresses it is at", 5},
};

static void what_is_refused(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct profiles profiles;
    struct hd_error error;
    assert_false(read_text(wrong[i].text, strlen(wrong[i].text), &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    if (!strstr(error.text, wrong[i].says) || error.line != wrong[i].line)
      fail_msg("%zu: line %ld: %s", i, (long)error.line, error.text);
    assert_int_equal(profiles.count, 0);
  }
}

/* heaptrack follows a stack to a certain depth; deeper ones are not its. */
static void depth(void **state)
{
  (void)state;
  struct profiles profiles;
  struct hd_error error;
  struct hd_buffer text = HD_BUFFER_INIT;
  hd_buffer_puts(&text, RAW_HEAD);
  for (unsigned i = 0; i < 62; i++)
    hd_buffer_printf(&text, "t 77 %x\n", i);
  hd_buffer_puts(&text, "+ 1 3d 1\n+ 1 3e 2\n");
  read_good(hd_buffer_text(&text), &profiles);
  assert_false(profiles.items[0]->stack_truncated.items[0]);
  assert_true(profiles.items[0]->stack_truncated.items[1]);
  drop_profiles(&profiles);
  for (unsigned i = 62; i < 257; i++)
    hd_buffer_printf(&text, "t 77 %x\n", i);
  assert_false(read_text(text.data, text.length, &profiles, &error));
  assert_non_null(strstr(error.text, "deeper than heaptrack follows"));
  hd_buffer_deinit(&text);
}

static void out_of_memory(void **state)
{
  (void)state;
  without_memory("heaptrack", INTERPRETED, sizeof INTERPRETED - 1);
  without_memory("heaptrack", RAW, sizeof RAW - 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cut_at_every_byte),
      cmocka_unit_test(flipped_bytes),
      cmocka_unit_test(events_that_are_wrong),
      cmocka_unit_test(what_is_refused),
      cmocka_unit_test(depth),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
