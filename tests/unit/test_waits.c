/* What waits say: rows of made-up dumps, in minutes. */
#include "analysis/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_POINTS = 12, MOST_ROWS = 3 };

/* Of each row its counts and longest waits at each point; `every`: minutes between
 * points, 0 no time is known. */
struct dumps {
  size_t points, rows;
  int every;
  double counts[MOST_ROWS][MOST_POINTS], waits[MOST_ROWS][MOST_POINTS];
};

struct fixture {
  struct hd_pool *pool;
  struct hd_series series;
  struct hd_filters filters;
  struct hd_error error;
  struct hd_judges judges;
};

static void add(struct fixture *f, const struct dumps *dumps, size_t point)
{
  struct hd_profile *p;
  struct hd_import import = {0};
  assert_true(hd_profile_create(&p, NULL));
  hd_profile_declare(p, HD_GOROUTINES);
  hd_profile_declare(p, HD_LONGEST_WAIT);
  for (size_t row = 0; row < dumps->rows; row++) {
    struct hd_frame frame = {0};
    uint32_t stack, location;
    const char name[] = {(char)('a' + row)};
    double values[HD_MEASURES] = {[HD_GOROUTINES] = dumps->counts[row][point],
                                  [HD_LONGEST_WAIT] = dumps->waits[row][point] * 60e9};
    assert_true(hd_profile_string(p, name, 1, &frame.function, NULL));
    assert_true(hd_profile_add_location(p, 0, 0, &frame, 1, false, &location, NULL));
    assert_true(hd_profile_add_stack(p, &location, 1, false, &stack, NULL));
    assert_true(hd_profile_add_record(p, (struct hd_record){stack, 0, 0, 1, 1}, values, NULL));
  }
  hd_profile_freeze(p);
  assert_true(hd_pool_import(f->pool, p, NULL, &import, &f->error));
  for (size_t i = 0; i < f->pool->locations.count; i++)
    if (!f->pool->locations.items[i].settled)
      assert_true(hd_pool_resolve(f->pool, (uint32_t)i + 1, NULL, 0, &f->error));
  struct hd_point at = {.path = "x"};
  if (dumps->every)
    at.time_ns = 1700000000000000000 + (int64_t)point * dumps->every * 60000000000;
  assert_true(hd_series_add(&f->series, p, import.locations, NULL, at, &f->error));
  hd_import_deinit(&import);
  hd_profile_destroy(p);
}

static void begin(struct fixture *f, const struct dumps *dumps)
{
  memset(f, 0, sizeof *f);
  f->error = (struct hd_error)HD_ERROR_INIT;
  assert_true(hd_pool_create(&f->pool, &f->error));
  hd_series_init(&f->series, f->pool, &f->filters, HD_BY_SITE);
  for (size_t i = 0; i < dumps->points; i++)
    add(f, dumps, i);
  assert_true(hd_judges_init(&f->judges, &f->series, HD_GOROUTINES, &f->error));
}

static void end(struct fixture *f)
{
  hd_judges_deinit(&f->judges);
  hd_series_deinit(&f->series);
  hd_pool_destroy(f->pool);
}

static struct hd_waits first_row(const struct dumps *dumps)
{
  struct fixture f;
  struct hd_waits waits;
  begin(&f, dumps);
  assert_true(hd_judges_waits(&f.judges, 0, &waits));
  end(&f);
  return waits;
}

static void check(const struct dumps *dumps, size_t woken, bool late, bool never)
{
  struct hd_waits waits = first_row(dumps);
  assert_int_equal(waits.woken, woken);
  assert_int_equal(waits.woke_late, late);
  assert_int_equal(waits.never_woke, never);
}

static void a_wait_that_keeps_up_never_woke(void **state)
{
  (void)state;
  check(&(struct dumps){5, 1, 0, {{0}}, {{3, 4, 5, 6, 7}}}, 0, false, true);
  /* Rounding makes a minute more or less of it. */
  check(&(struct dumps){5, 1, 1, {{0}}, {{3, 3, 5, 5, 7}}}, 0, false, true);
  check(&(struct dumps){5, 1, 0, {{0}}, {{0, 0, 1, 2, 3}}}, 0, false, true);
}

static void a_wait_that_falls_back_woke(void **state)
{
  (void)state;
  check(&(struct dumps){5, 1, 0, {{0}}, {{9, 2, 3, 4, 5}}}, 1, false, false);
  check(&(struct dumps){5, 1, 0, {{0}}, {{2, 3, 4, 5, 1}}}, 1, true, false);
  check(&(struct dumps){5, 1, 0, {{0}}, {{2, 3, 4, 5, 0}}}, 1, true, false);
}

static void short_waits_say_nothing(void **state)
{
  (void)state;
  check(&(struct dumps){5, 1, 0, {{0}}, {{0, 0, 0, 0, 0}}}, 0, false, false);
  check(&(struct dumps){5, 1, 0, {{0}}, {{5, 5, 5, 5, 6}}}, 0, false, false);
}

/* Rising, but by less than has passed: by the clock, or by another row. */
static void a_wait_that_lags_woke(void **state)
{
  (void)state;
  const struct dumps clock = {5, 1, 60, {{0}}, {{5, 6, 8, 9, 30}}};
  const struct dumps other = {5, 2, 0, {{0}}, {{5, 6, 8, 9, 30}, {10, 70, 130, 190, 250}}};
  check(&clock, 4, true, false);
  check(&other, 4, true, false);
  /* A minute a step is lost in rounding, not over several. */
  const struct dumps pool = {6, 2, 0, {{0}}, {{1, 1, 1, 1, 1, 1}, {1, 2, 3, 4, 5, 6}}};
  check(&pool, 2, true, false);
  /* Two minutes behind is what rounding makes of both. */
  check(&(struct dumps){3, 2, 0, {{0}}, {{5, 14, 25}, {5, 15, 25}}}, 0, false, true);
  check(&(struct dumps){3, 2, 0, {{0}}, {{5, 13, 25}, {5, 15, 25}}}, 1, false, false);
}

/* The same doubtful growth, with three tales of waits; and a pool that is parked for ever. */
static void waits_tip_the_scales(void **state)
{
  (void)state;
  struct dumps dumps = {8, 2, 0,
                        {{10, 14, 13, 19, 20, 19, 24, 25}, {50, 50, 50, 50, 50, 50, 50, 50}},
                        {{0}, {100, 110, 120, 130, 140, 150, 160, 170}}};
  double probability[3];
  for (int tale = 0; tale < 3; tale++) {
    struct fixture f;
    for (size_t i = 0; i < dumps.points; i++)
      dumps.waits[0][i] = tale == 0 ? 3 : tale == 1 ? 0 : 1 + 10 * (double)i;
    begin(&f, &dumps);
    probability[tale] = f.judges.rows[0].probability;
    assert_int_equal(f.judges.rows[1].verdict, HD_VERDICT_STEADY);
    assert_true(f.judges.rows[1].probability < .2);
    end(&f);
  }
  double odds[3];
  for (int tale = 0; tale < 3; tale++)
    odds[tale] = probability[tale] / (1 - probability[tale]);
  assert_float_equal(odds[0] / odds[1], 1. / 8, 1e-6);
  assert_float_equal(odds[2] / odds[1], 4, 1e-6);
}

static void counts_have_no_waits(void **state)
{
  (void)state;
  struct fixture f;
  struct hd_waits waits;
  const struct dumps dumps = {2, 1, 0, {{1, 2}}, {{1, 2}}};
  begin(&f, &dumps);
  f.series.has[HD_LONGEST_WAIT] = false;
  hd_judges_deinit(&f.judges);
  assert_true(hd_judges_init(&f.judges, &f.series, HD_GOROUTINES, &f.error));
  assert_false(hd_judges_waits(&f.judges, 0, &waits));
  end(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wait_that_keeps_up_never_woke),
      cmocka_unit_test(a_wait_that_falls_back_woke),
      cmocka_unit_test(short_waits_say_nothing),
      cmocka_unit_test(a_wait_that_lags_woke),
      cmocka_unit_test(waits_tip_the_scales),
      cmocka_unit_test(counts_have_no_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
