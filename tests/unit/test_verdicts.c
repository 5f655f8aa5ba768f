/* The maths of noise, trend and verdict, on made-up numbers with known answers. */
#include "analysis/judged.h"
#include "analysis/mann_kendall.h"
#include "analysis/window.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void near(double have, double wanted, double tolerance)
{
  if (!(fabs(have - wanted) <= tolerance))
    fail_msg("%g, not %g", have, wanted);
}

static void binomial_tails(void **state)
{
  (void)state;
  near(hd_binomial_tail(10, 8), 56 / 1024., 1e-12);
  near(hd_binomial_tail(3, 3), .125, 1e-12);
  near(hd_binomial_tail(7, 0), 1, 0);
  near(hd_binomial_tail(7, 8), 0, 0);
  near(hd_binomial_tail(2000, 1050), hd_binomial_tail(2001, 1050.5), 1e-3);
  near(hd_binomial_tail(1e6, 501000), .0228, 1e-3); /* two standard deviations */
}

/* Rows: 20 that came, 10 came and 10 went, 2 that came, an exact gain, none, 8 whole
 * objects that are always sampled. */
static void which_growth_is_significant(void **state)
{
  (void)state;
  struct hd_error error = HD_ERROR_INIT;
  const double g = 1000, unseen = .9;
  const struct hd_row_noise noise[] = {
      {g * g * unseen * 20, g * 20, g * g * 20, 20, 20},
      {g * g * unseen * 20, g * 20, g * g * 20, 20, 0},
      {g * g * unseen * 2, g * 2, g * g * 2, 2, 2},
      {0, 0, 0, 0, 0},
      {0, 0, 0, 0, 0},
      {g * g * 1e-9, g, g * g, 1, 1},
  };
  const double differences[] = {20 * g, 0, 2 * g, 5, 0, g};
  double q[6];
  assert_true(hd_significance(noise, differences, 6, q, &error));
  assert_true(q[0] < 1e-4);
  assert_true(q[1] > .4);
  near(q[2], 1, 0);
  near(q[3], 0, 0);
  near(q[4], 1, 0);
  assert_true(q[5] < 1e-4);
}

static void mann_kendall(void **state)
{
  (void)state;
  const double rises[] = {1, 2, 3, 4, 5}, falls[] = {5, 4, 3, 2, 1}, level[] = {7, 7, 7, 7, 7};
  near(hd_mann_kendall(rises, 5), .0138, 1e-3); /* S = 10, variance 50/3 */
  near(hd_mann_kendall(falls, 5), 1, 0);
  near(hd_mann_kendall(level, 5), 1, 0);
  double wave[40], straight[40];
  for (int i = 0; i < 40; i++) {
    wave[i] = sin(i / 4.) * 10 + i * .05;
    straight[i] = i;
  }
  assert_true(hd_mann_kendall(wave, 40) > .05);
  assert_true(hd_mann_kendall(straight, 40) < 1e-6);
}

/* --- trends --------------------------------------------------------------------------- */

enum { POINTS = 24 };

/* A number from -1 to 1 that looks random. */
static double shake(int i)
{
  return sin(i * 12.9898) * sin(i * 78.233);
}

static double course_value(const char *name, double u, int i)
{
  if (strcmp(name, "linear") == 0)
    return 1000 * u + 10 * shake(i);
  if (strcmp(name, "saturation") == 0)
    return 1000 * (1 - exp(-u / .1)) + 10 * shake(i);
  if (strcmp(name, "ramp") == 0)
    return fmin(1000 * u, 400) + 10 * shake(i);
  if (strcmp(name, "step") == 0)
    return (u > .4 ? 1000 : 0) + 10 * shake(i);
  if (strcmp(name, "late") == 0)
    return 1000 * fmax(0, u - .5) + 10 * shake(i);
  if (strcmp(name, "stairs") == 0)
    return 200 * floor(u * 6) + 2 * shake(i);
  if (strcmp(name, "sawtooth") == 0)
    return 1000 * fmod(u * 3.4, 1);
  if (strcmp(name, "decline") == 0)
    return 1000 - 800 * u + 10 * shake(i);
  return 500 + 10 * shake(i);
}

static enum hd_verdict verdict_of(const char *name, struct hd_trend *trend)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_design design;
  double times[POINTS], values[POINTS], memory[3 * POINTS], sum = 0;
  for (int i = 0; i < POINTS; i++) {
    times[i] = i + .3 * shake(i + 7); /* uneven */
    values[i] = course_value(name, i / (POINTS - 1.), i);
    sum += values[i] / POINTS;
  }
  assert_true(hd_design_init(&design, times, NULL, POINTS, &error));
  struct hd_course course = {values, 25, 10, 1};
  hd_trend_fit(&design, &course, memory, trend);
  hd_design_deinit(&design);
  double growth = values[POINTS - 1] - values[0];
  struct hd_evidence_of evidence = {
      .growth = growth, .growth_error = 10, .q = growth > 30 ? .001 : .5, .mean = sum,
      .allocated = -1};
  return hd_verdict_of(&evidence, trend);
}

static void verdicts(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    enum hd_verdict verdict;
  } cases[] = {
      {"linear", HD_VERDICT_LEAKING},       {"late", HD_VERDICT_LEAKING},
      {"stairs", HD_VERDICT_LEAKING},       {"saturation", HD_VERDICT_PLATEAUED},
      {"ramp", HD_VERDICT_PLATEAUED},       {"step", HD_VERDICT_PLATEAUED},
      {"sawtooth", HD_VERDICT_SAWTOOTH},    {"decline", HD_VERDICT_SHRINKING},
      {"level", HD_VERDICT_STEADY},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hd_trend trend;
    enum hd_verdict have = verdict_of(cases[i].name, &trend);
    if (have != cases[i].verdict)
      fail_msg("%s: %s, P %g, best %s, p %g, dd %g", cases[i].name, hd_verdict_names[have],
               trend.probability, hd_shapes[trend.best].name, trend.mann_kendall,
               trend.relative_drawdown);
    double weights = 0;
    for (int n = 0; n < HD_SHAPES; n++)
      weights += trend.weights[n];
    near(weights, 1, 1e-9);
  }
}

static void rate_of_a_leak(void **state)
{
  (void)state;
  struct hd_trend trend;
  verdict_of("linear", &trend);
  near(trend.rate, 1000, 2 * trend.rate_error + 1);
  assert_true(trend.rate_error > 1 && trend.rate_error < 300);
  verdict_of("late", &trend);
  near(trend.rate, 1000, 2 * trend.rate_error + 100);
}

/* A growth that is more than the sampling explains and over is no steady course, even
 * where its error is too large for three of it. */
static void a_step_found_is_no_steady_course(void **state)
{
  (void)state;
  struct hd_trend trend;
  assert_int_equal(verdict_of("step", &trend), HD_VERDICT_PLATEAUED);
  trend.mann_kendall = .2;
  struct hd_evidence_of evidence = {.growth = 309, .growth_error = 122, .q = .04, .mean = 200,
                                    .allocated = -1};
  assert_int_equal(hd_verdict_of(&evidence, &trend), HD_VERDICT_PLATEAUED);
  evidence.q = .06;
  assert_int_equal(hd_verdict_of(&evidence, &trend), HD_VERDICT_STEADY);
}

static void two_points_are_growing_at_most(void **state)
{
  (void)state;
  const double values[] = {0, 50, 100}, dips[] = {0, 120, 100};
  struct hd_evidence_of evidence = {.growth = 100, .growth_error = 20, .q = 0, .allocated = -1};
  assert_int_equal(hd_verdict_of_few(&evidence), HD_VERDICT_GROWING);
  near(hd_growth_score(&evidence, values, 2), 80, 1e-9);
  near(hd_growth_score(&evidence, values, 3), 80, 1e-9);
  near(hd_growth_score(&evidence, dips, 3), 0, 1e-9);
  evidence.q = .5;
  assert_int_equal(hd_verdict_of_few(&evidence), HD_VERDICT_STEADY);
  evidence.growth = -100;
  assert_int_equal(hd_verdict_of_few(&evidence), HD_VERDICT_SHRINKING);
}

/* --- series --------------------------------------------------------------------------- */

struct fixture {
  struct hd_pool *pool;
  struct hd_series series;
  struct hd_filters filters;
  struct hd_error error;
};

struct shot {
  double live, alloc; /* raw, of objects of 1 KiB */
  uint64_t old;       /* of the live ones, those of 2^20 ms or older */
  struct hd_point point;
};

enum { SIZE = 1024, RATE = 524288 };

static double weight(void)
{
  return -1 / expm1(-(double)SIZE / RATE);
}

static void add(struct fixture *f, const struct shot *shot)
{
  struct hd_profile *p;
  struct hd_import import = {0};
  uint32_t stack, location, name;
  assert_true(hd_profile_create(&p, NULL));
  for (int m = HD_INUSE_SPACE; m <= HD_ALLOC_OBJECTS; m++)
    hd_profile_declare(p, (enum hd_measure)m);
  assert_true(hd_profile_string(p, "f", 1, &name, NULL));
  struct hd_frame frame = {.function = name};
  assert_true(hd_profile_add_location(p, 0, 0, &frame, 1, false, &location, NULL));
  assert_true(hd_profile_add_stack(p, &location, 1, false, &stack, NULL));
  double values[HD_MEASURES] = {[HD_INUSE_OBJECTS] = shot->live * weight(),
                                [HD_INUSE_SPACE] = shot->live * weight() * SIZE,
                                [HD_ALLOC_OBJECTS] = shot->alloc * weight(),
                                [HD_ALLOC_SPACE] = shot->alloc * weight() * SIZE};
  struct hd_record record = {.stack = stack, .size = SIZE, .rate = RATE, .weight = weight()};
  assert_true(hd_profile_add_record(p, record, values, NULL));
  if (shot->old)
    assert_true(hd_profile_add_age(p, (struct hd_age){1, 20, shot->old}, NULL));
  hd_profile_freeze(p);
  assert_true(hd_pool_import(f->pool, p, NULL, &import, &f->error));
  for (size_t i = 0; i < f->pool->locations.count; i++)
    if (!f->pool->locations.items[i].settled)
      assert_true(hd_pool_resolve(f->pool, (uint32_t)i + 1, NULL, 0, &f->error));
  struct hd_point point = shot->point;
  point.path = "x";
  assert_true(hd_series_add(&f->series, p, import.locations, point, &f->error));
  hd_import_deinit(&import);
  hd_profile_destroy(p);
}

static void begin(struct fixture *f)
{
  memset(f, 0, sizeof *f);
  f->error = (struct hd_error)HD_ERROR_INIT;
  assert_true(hd_pool_create(&f->pool, &f->error));
  hd_series_init(&f->series, f->pool, &f->filters, HD_BY_SITE);
}

static void end(struct fixture *f)
{
  hd_series_deinit(&f->series);
  hd_pool_destroy(f->pool);
}

/* Sampled objects that came or went between two snapshots. */
static double moved(const struct shot *first, const struct shot *last)
{
  struct fixture f;
  struct hd_row_noise noise[1];
  begin(&f);
  add(&f, first);
  add(&f, last);
  assert_true(hd_noise_between(&f.series, HD_INUSE_SPACE, 0, 1, noise, &f.error));
  double g = SIZE * weight();
  near(noise->variance, g * g * (1 - 1 / weight()) * noise->sampled, 1e-3);
  near(noise->net, last->live - first->live, 0);
  end(&f);
  return noise->sampled;
}

static void survivors_cancel(void **state)
{
  (void)state;
  struct hd_point here = {.pid = 7, .mono_ns = 1000000000000, .boot_id = "b"};
  struct hd_point later = here, other = here;
  later.mono_ns += 100000000000; /* 100 s: less than 2^20 ms */
  other.pid = 8;
  const struct shot first = {100, 100, 0, here};
  near(moved(&first, &(struct shot){120, 120, 0, later}), 20, 0);
  near(moved(&first, &(struct shot){120, 130, 0, later}), 40, 0);   /* 30 came, 10 went */
  near(moved(&first, &(struct shot){120, 9000, 0, later}), 220, 0); /* all may be new */
  near(moved(&first, &(struct shot){120, 120, 0, other}), 220, 0);  /* another process */
  /* 90 are older than the difference, so 30 came and 10 went. */
  near(moved(&first, &(struct shot){120, 9000, 90, later}), 40, 0);
}

static struct hd_point at(int64_t minutes, int64_t pid)
{
  struct hd_point point = {.pid = pid, .boot_id = "b", .rss = -1};
  point.time_ns = 1700000000000000000 + minutes * 60000000000;
  point.mono_ns = 1000000000000 + minutes * 60000000000;
  return point;
}

/* Two lives of one program, named in the wrong order. */
static void lives_are_told_apart(void **state)
{
  (void)state;
  static const struct {
    size_t first, second, kept;
    bool is_last;
  } cases[] = {{3, 5, 5, true}, {6, 5, 5, true}, {6, 4, 6, false}, {1, 1, 2, false}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    struct fixture f;
    struct hd_window_result result;
    const struct hd_window window = {0};
    begin(&f);
    size_t count = cases[c].first + cases[c].second;
    for (size_t i = count; i-- > 0;)
      add(&f, &(struct shot){10, 10. + (double)i, 0, at((int64_t)i, i < cases[c].first ? 1 : 2)});
    assert_true(hd_window_apply(&f.series, &window, &result, &f.error));
    assert_int_equal(f.series.points.count, cases[c].kept);
    if (count > 2) {
      assert_int_equal(result.lives, 2);
      assert_int_equal(result.is_last, cases[c].is_last);
      for (size_t i = 1; i < f.series.points.count; i++)
        assert_true(f.series.points.items[i].time_ns > f.series.points.items[i - 1].time_ns);
    }
    end(&f);
  }
}

/* A recorder that has nothing new repeats itself: that is no level. */
static void repetitions_count_once(void **state)
{
  (void)state;
  struct fixture f;
  struct hd_window_result result;
  const struct hd_window window = {0};
  begin(&f);
  for (int i = 0; i < 6; i++) {
    struct hd_point point = at(i, 0);
    point.lazy = true;
    add(&f, &(struct shot){10. + i / 2, 10. + i / 2, 0, point});
  }
  assert_true(hd_window_apply(&f.series, &window, &result, &f.error));
  assert_int_equal(result.repeated, 3);
  assert_int_equal(f.series.points.count, 3);
  end(&f);
}

/* All churns, its level goes up and down, and the old objects become more. */
static void old_objects_tell(void **state)
{
  (void)state;
  static const int level[] = {400, 430, 390, 440, 420, 380, 410, 440, 390, 430,
                              380, 420, 440, 390, 400, 430, 390, 440, 400, 410};
  struct fixture f;
  struct hd_judges judges;
  begin(&f);
  for (int i = 0; i < 20; i++) /* 76 minutes: an eighth of them is more than 2^19 ms */
    add(&f, &(struct shot){level[i], 1000. * (i + 1), i < 5 ? 0 : (uint64_t)(5 * (i - 4)),
                           at(i * 4, 1)});
  assert_true(hd_judges_init(&judges, &f.series, HD_INUSE_SPACE, &f.error));
  assert_true(judges.aged);
  assert_int_equal(judges.generations.log2, 19);
  assert_int_equal(judges.rows[0].verdict, HD_VERDICT_LEAKING);
  assert_true(judges.rows[0].by_age);
  hd_judges_deinit(&judges);
  end(&f);
}

static bool stop_at_once(void *context)
{
  (void)context;
  return true;
}

static const struct hd_judgement *taken(struct fixture *f, enum hd_measure measure)
{
  struct hd_judges own, *judges;
  assert_true(hd_judged_take(&f->series, measure, &own, &judges, &f->error));
  assert_null(own.rows);
  return judges->rows;
}

/* They stay for the same question alone: of another measure or other points all is judged
 * anew, also after a judging that was stopped. */
static void judged_once(void **state)
{
  (void)state;
  struct fixture f;
  struct hd_judged judged = {0};
  struct hd_judges own, *judges;
  begin(&f);
  for (int i = 0; i < 8; i++) {
    struct hd_point point = at(i, 1);
    point.number = (size_t)i + 1;
    add(&f, &(struct shot){10. + i * i, 100. + 9 * i, 0, point});
  }
  assert_true(hd_judged_take(&f.series, HD_INUSE_SPACE, &own, &judges, &f.error));
  assert_ptr_equal(judges, &own);
  double growth = judges->rows[0].growth;
  hd_judges_deinit(&own);

  f.series.judged = &judged;
  struct hd_judgement *rows = (struct hd_judgement *)taken(&f, HD_INUSE_SPACE);
  near(rows[0].growth, growth, 0);
  rows[0].growth = -1; /* whether it is judged again shows in that */
  near(taken(&f, HD_INUSE_SPACE)[0].growth, -1, 0);
  near(taken(&f, HD_INUSE_OBJECTS)[0].growth, 49 * weight(), 1e-6);
  near(taken(&f, HD_INUSE_SPACE)[0].growth, growth, 0);
  hd_series_drop(&f.series, 7);
  assert_true(taken(&f, HD_INUSE_SPACE)[0].growth < growth);

  f.series.stop.ask = stop_at_once;
  near(taken(&f, HD_INUSE_SPACE)[0].growth, 36 * growth / 49, 1e-6);
  f.series.points.items[0].at_start = !f.series.points.items[0].at_start;
  assert_false(hd_judged_take(&f.series, HD_INUSE_SPACE, &own, &judges, &f.error));
  f.series.stop.ask = NULL;
  near(taken(&f, HD_INUSE_SPACE)[0].growth, 36 * growth / 49, 1e-6);
  hd_judged_drop(&judged);
  end(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(binomial_tails),
      cmocka_unit_test(which_growth_is_significant),
      cmocka_unit_test(mann_kendall),
      cmocka_unit_test(verdicts),
      cmocka_unit_test(rate_of_a_leak),
      cmocka_unit_test(a_step_found_is_no_steady_course),
      cmocka_unit_test(two_points_are_growing_at_most),
      cmocka_unit_test(survivors_cancel),
      cmocka_unit_test(lives_are_told_apart),
      cmocka_unit_test(repetitions_count_once),
      cmocka_unit_test(old_objects_tell),
      cmocka_unit_test(judged_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
