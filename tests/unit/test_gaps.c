/* Gaps of a series: what is one, and what only is uneven. */
#include "analysis/gaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

/* Points at these distances from each other, in tenths of a second. */
static struct hd_gaps find(const int *distances, size_t count)
{
  struct hd_series series = {0};
  struct hd_gaps gaps;
  struct hd_error error = HD_ERROR_INIT;
  int64_t at = 1700000000 * SECOND;
  assert_true(hd_vec_push(&series.points, (struct hd_point){.path = "x", .time_ns = at}));
  for (size_t i = 0; i < count; i++) {
    at += distances[i] * (SECOND / 10);
    assert_true(hd_vec_push(&series.points, (struct hd_point){.path = "x", .time_ns = at}));
  }
  assert_true(hd_gaps_find(&series, &gaps, &error));
  hd_vec_deinit(&series.points);
  return gaps;
}
#define FIND(...)                                                                                  \
  find((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void test_gaps(void **state)
{
  (void)state;
  struct hd_gaps gaps = FIND(10, 10, 10, 90, 10, 10, 60, 10);
  assert_int_equal(gaps.count, 2);
  assert_int_equal(gaps.widest, 4);
  assert_int_equal(gaps.width_ns, 9 * SECOND);
  assert_int_equal(gaps.usual_ns, SECOND);
}

static void test_no_gaps(void **state)
{
  (void)state;
  assert_int_equal(FIND(10, 10, 10, 10, 10, 10).count, 0);
  /* What thinning out leaves. */
  assert_int_equal(FIND(400, 400, 200, 200, 100, 100, 100, 100).count, 0);
  /* A hiccup of a fast one. */
  assert_int_equal(FIND(1, 1, 1, 15, 1, 1, 1).count, 0);
  /* Too few to know what is usual. */
  assert_int_equal(FIND(10, 10, 900, 10).count, 0);
  /* Without a time. */
  struct hd_series series = {0};
  struct hd_gaps gaps;
  for (int i = 0; i < 9; i++)
    assert_true(hd_vec_push(&series.points, (struct hd_point){.path = "x"}));
  assert_true(hd_gaps_find(&series, &gaps, NULL));
  assert_int_equal(gaps.count, 0);
  hd_vec_deinit(&series.points);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gaps),
      cmocka_unit_test(test_no_gaps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
