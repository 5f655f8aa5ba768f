/* A file that takes too long to read: what was found by then is kept, and how much is missing
 * is said. */
#include "symbols_fixture.h"

#include "symbols/dwarf_die.h"

static int64_t now;

/* Each look at the clock costs a third of the time that there is. */
static int64_t hasty_clock(void)
{
  now += HD_DWARF_SECONDS / 3;
  return now;
}

static void build(uint64_t offsets[3])
{
  assert_true(shell("for n in 1 2 3; do printf 'int v%%d;\\n__attribute__((noinline)) int f%%d(int x)"
                    "\\n{\\n  __asm__ volatile(\".globl p%%d\\\\np%%d: nop\");\\n  return x;\\n}\\n' "
                    "$n $n $n $n >$n.c; done; printf 'int main(void) { return 0; }\\n' >main.c; "
                    "gcc -O1 -g -Wl,--export-dynamic 1.c 2.c 3.c main.c -o units"));
  offsets[0] = offset_of("units", "p1");
  offsets[1] = offset_of("units", "p2");
  offsets[2] = offset_of("units", "p3");
}

static void test_time(void **state)
{
  (void)state;
  uint64_t offsets[3];
  struct hd_symbol_batch batch;
  struct hd_error error = HD_ERROR_INIT;
  build(offsets);
  struct hd_symbolizer *symbolizer = new_symbolizer(NULL);
  int64_t (*clock)(void) = hd_dwarf_clock;
  /* Opened at leisure, so that only the look-up is late. */
  assert_true(hd_symbolize(symbolizer, in_scratch("units"), "", HD_FILE_OFFSETS, NULL, 0, &batch, &error));
  hd_symbol_batch_deinit(&batch);
  hd_dwarf_clock = hasty_clock;
  bool fine = hd_symbolize(symbolizer, in_scratch("units"), "", HD_FILE_OFFSETS, offsets, 3, &batch, &error);
  hd_dwarf_clock = clock;
  assert_true(fine);
  assert_int_equal(batch.status, HD_SYMBOLS_DWARF);
  assert_frame(&batch, 0, 0, "f1", in_scratch("1.c"), 4, 2);
  assert_int_equal(batch.answers[2].count, 0);
  assert_non_null(strstr(batch.reason, "took more than 60 seconds"));
  assert_non_null(strstr(batch.reason, "of 3 addresses were not looked up"));
  hd_symbol_batch_deinit(&batch);
  hd_symbolizer_destroy(symbolizer);
}

/* An index that was cut short has its units all the same. */
static void test_late_index(void **state)
{
  (void)state;
  uint64_t offsets[3];
  struct hd_symbol_batch batch;
  struct hd_error error = HD_ERROR_INIT;
  build(offsets);
  struct hd_symbolizer *symbolizer = new_symbolizer(NULL);
  int64_t (*clock)(void) = hd_dwarf_clock;
  hd_dwarf_clock = hasty_clock;
  bool fine = hd_symbolize(symbolizer, in_scratch("units"), "", HD_FILE_OFFSETS, offsets, 3, &batch, &error);
  hd_dwarf_clock = clock;
  assert_true(fine);
  assert_non_null(strstr(batch.reason, "takes more than 60 seconds to index"));
  hd_symbol_batch_deinit(&batch);
  hd_symbolizer_destroy(symbolizer);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_time),
      cmocka_unit_test(test_late_index),
  };
  return cmocka_run_group_tests_name("symbols_limits", tests, make_scratch, remove_scratch);
}
