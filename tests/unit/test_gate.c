/* Budgets, the chance of a growth, many tests at once, suppressions. */
#include "gate/budget.h"
#include "gate/chance.h"
#include "gate/suppress.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --- budgets ----------------------------------------------------------------------------- */

static void budgets_as_people_write_them(void **state)
{
  (void)state;
  static const struct {
    enum hd_rule rule;
    const char *text;
    enum hd_budget_kind kind;
    double amount;
  } cases[] = {
      {HD_RULE_MAX_GROWTH, "0", HD_BUDGET_AMOUNT, 0},
      {HD_RULE_MAX_GROWTH, "1MiB", HD_BUDGET_AMOUNT, 1 << 20},
      {HD_RULE_MAX_GROWTH, "1.5MB", HD_BUDGET_AMOUNT, 1.5 * (1 << 20)},
      {HD_RULE_MAX_GROWTH, "512k", HD_BUDGET_AMOUNT, 512 << 10},
      {HD_RULE_MAX_GROWTH, "100B", HD_BUDGET_AMOUNT, 100},
      {HD_RULE_MAX_CHURN, "5%", HD_BUDGET_SHARE, .05},
      {HD_RULE_MAX_GROWTH, "10MB/h", HD_BUDGET_RATE, 10 << 20},
      {HD_RULE_MAX_GROWTH, "1k/s", HD_BUDGET_RATE, 1024. * 3600},
      {HD_RULE_MAX_GROWTH, "24MB/d", HD_BUDGET_RATE, 1 << 20},
      {HD_RULE_MAX_OBJECTS, "1000", HD_BUDGET_AMOUNT, 1000},
      {HD_RULE_MAX_GOROUTINES, "60/min", HD_BUDGET_RATE, 3600},
      {HD_RULE_MIN_TIME_TO_LIMIT, "90min", HD_BUDGET_TIME, 1.5},
      {HD_RULE_MIN_TIME_TO_LIMIT, "7d", HD_BUDGET_TIME, 168},
  };
  static const struct {
    enum hd_rule rule;
    const char *text;
  } wrong[] = {
      {HD_RULE_MAX_GROWTH, ""},     {HD_RULE_MAX_GROWTH, "-1"},    {HD_RULE_MAX_GROWTH, "1XB"},
      {HD_RULE_MAX_GROWTH, "nan"},  {HD_RULE_MAX_GROWTH, "0x10"},  {HD_RULE_MAX_GROWTH, "1e9"},
      {HD_RULE_MAX_GROWTH, ".5MB"}, {HD_RULE_MAX_GROWTH, "5%%"},   {HD_RULE_MAX_GROWTH, "1MB/y"},
      {HD_RULE_MAX_GROWTH, "1MB/"}, {HD_RULE_MAX_OBJECTS, "10k"},  {HD_RULE_MAX_GROWTH, "1 MB"},
      {HD_RULE_MAX_GROWTH, "1M%"},  {HD_RULE_MIN_TIME_TO_LIMIT, "24"},
      {HD_RULE_MAX_GROWTH, "99999999999999999999999999999999999"},
  };
  struct hd_budget budget;
  const char *why;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_true(hd_budget_parse(cases[i].rule, cases[i].text, &budget, &why));
    if (budget.kind != cases[i].kind || fabs(budget.amount - cases[i].amount) > 1e-6)
      fail_msg("%s is kind %d, %g", cases[i].text, (int)budget.kind, budget.amount);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (hd_budget_parse(wrong[i].rule, wrong[i].text, &budget, &why))
      fail_msg("'%s' is taken as %g", wrong[i].text, budget.amount);
  assert_int_equal(hd_rule_find("max_growth"), HD_RULE_MAX_GROWTH);
  assert_int_equal(hd_rule_find("max-growths"), HD_RULES);
}

/* --- distributions ------------------------------------------------------------------------ */

static void known_quantiles(void **state)
{
  (void)state;
  /* Of the usual tables. */
  assert_true(fabs(hd_normal_quantile(.001) - 3.090232) < 1e-5);
  assert_true(fabs(hd_student_tail(2.776445, 4) - .025) < 1e-6);
  assert_true(fabs(hd_student_tail(63.65674, 1) - .005) < 1e-7);
  assert_true(fabs(hd_student_tail(1.812461, 10) - .05) < 1e-6);
  assert_true(fabs(hd_student_tail(-1.812461, 10) - .95) < 1e-6);
  assert_true(fabs(hd_student_tail(3.090232, 1e7) - .001) < 1e-7);
}

static uint64_t seed = 1;

static double uniform(void)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return ((double)(seed >> 11) + .5) / 9007199254740992.;
}

static double poisson(double mean)
{
  double limit = exp(-mean), product = uniform();
  int n = 0;
  for (; product > limit; n++)
    product *= uniform();
  return n;
}

/* How often a growth of exactly the budget, or of `extra` more, is called over it. */
static double found(double base, double allowed, double extra, double p)
{
  enum { TIMES = 40000 };
  int count = 0;
  for (int i = 0; i < TIMES; i++) {
    double x = poisson(base), y = poisson(base + allowed + extra);
    struct hd_level before = {x, x, 0, 1, 0}, after = {y, y, 0, 1, 0};
    count += hd_chance(&before, &after, allowed) <= p;
  }
  return (double)count / TIMES;
}

/* The test keeps its word for counts from nothing to many, and still finds what there is. */
static void false_alarms_are_as_rare_as_said(void **state)
{
  (void)state;
  static const double bases[] = {0, 1, 3, 10, 40, 200}, budgets[] = {0, 2, 20};
  for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
    for (size_t j = 0; j < sizeof budgets / sizeof *budgets; j++) {
      double rate = found(bases[i], budgets[j], 0, .01);
      if (rate > .0125)
        fail_msg("base %g, budget %g: %g of 0.01", bases[i], budgets[j], rate);
    }
  assert_true(found(0, 2, 30, 1e-4) > .99);   /* 16 MiB more at 512 KiB, 1 MiB allowed */
  assert_true(found(200, 0, 150, 1e-4) > .98);
}

static void exact_figures_need_no_chance(void **state)
{
  (void)state;
  struct hd_level before = {1000, 0, 0, 1, 0}, after = {1101, 0, 0, 1, 0};
  struct hd_level some = {1101, 5000, 0, 1, 0};
  assert_true(hd_chance(&before, &after, 100) == 0);
  assert_true(hd_chance(&before, &after, 101) == 1);
  assert_true(hd_chance(&before, &some, 100) > .4);
  assert_true(hd_level_error(&before, &after) == 0);
}

/* Runs that differ by more than the sampling explains make a growth less sure. */
static void runs_that_differ(void **state)
{
  (void)state;
  struct hd_level exact = {1000, 0, 0, 3, 0}, spread = {1000, 0, 10000, 3, 0};
  struct hd_level after = {1300, 0, 0, 1, 0};
  assert_true(hd_chance(&exact, &after, 0) == 0);
  double three = hd_chance(&spread, &after, 0);
  spread.runs = 20;
  double twenty = hd_chance(&spread, &after, 0);
  /* t = 300 / (100 sqrt(1 + 1/n)) with n - 1 degrees of freedom */
  assert_true(fabs(three - hd_student_tail(300 / (100 * sqrt(4. / 3)), 2)) < 1e-9);
  assert_true(fabs(twenty - hd_student_tail(300 / (100 * sqrt(1.05)), 19)) < 1e-9);
  assert_true(three > .05 && twenty < .01);
  /* A spread that is the sampling's own adds nothing. */
  struct hd_level sampled = {1000, 10000, 9000, 3, 0}, alone = {1000, 10000, 0, 3, 0};
  struct hd_level noisy = {1600, 10000, 0, 1, 0};
  assert_true(hd_chance(&sampled, &noisy, 0) == hd_chance(&alone, &noisy, 0));
}

/* What a coarse base did not see may have been there: a fine rate now proves no growth. */
static void sides_of_other_rates(void **state)
{
  (void)state;
  double s = 1024, seen = 2 << 20, fine = s / expm1(s / 4096);
  struct hd_level coarse = {.runs = 1, .rate = 524288}, same = {.runs = 1, .rate = 4096};
  struct hd_level exact = {.runs = 1, .rate = 1};
  struct hd_level after = {seen, seen * fine, 0, 1, 4096};
  assert_true(hd_chance(&same, &after, 1 << 20) < 1e-9);
  assert_true(hd_chance(&exact, &after, 1 << 20) < 1e-9);
  assert_true(hd_chance(&coarse, &after, 1 << 20) > .01);
  struct hd_level whole = {seen, 0, 0, 1, 1};
  assert_true(hd_chance(&exact, &whole, 1 << 20) == 0);
  assert_true(hd_chance(&coarse, &whole, 1 << 20) > .01);
}

/* --- many at once ---------------------------------------------------------------------------- */

static void one_error_for_all(void **state)
{
  (void)state;
  double needed;
  /* Holm: .0004 <= .001/2 is found, then .0009 <= .001/1. */
  struct hd_tested two[] = {{.0009, 0, false}, {.0004, 0, false}};
  assert_true(hd_family(two, 2, .001, &needed));
  assert_true(two[0].surely && two[1].surely && needed == .0005);
  struct hd_tested late[] = {{.0009, 0, false}, {.0006, 0, false}};
  assert_true(hd_family(late, 2, .001, &needed));
  assert_true(!late[0].surely && !late[1].surely);
  /* Tarone: a thousand sites so small that they could never be found cost nothing. */
  struct hd_tested many[1001] = {{.0008, .0008, false}};
  for (int i = 1; i < 1001; i++)
    many[i] = (struct hd_tested){.5, .1, false};
  assert_true(hd_family(many, 1001, .001, &needed));
  assert_true(many[0].surely && !many[1].surely && needed == .001);
  assert_true(hd_family(NULL, 0, .001, &needed));
}

static void what_would_settle_it(void **state)
{
  (void)state;
  /* Objects of 1024 bytes at 512 KiB are worth s/expm1(s/R). */
  double rate = 524288, worth = 1024 / expm1(1024 / rate);
  double finer = hd_rate_for(rate, worth, 1024 / expm1(1024 / 4096.));
  assert_true(fabs(finer - 4096) < 1);
  assert_true(hd_rate_for(rate, rate, 0) >= 1);
  /* The growth that is seen 99 times in 100 is. */
  double least = hd_least_seen(1, 2, 1e-4);
  double power = found(0, 2, least - 2, 1e-4);
  assert_true(power > .98 && power < .999);
  assert_true(hd_least_seen(0, 7, 1e-4) == 7);
}

/* --- suppressions --------------------------------------------------------------------------- */

static void patterns_as_in_leak_sanitizer(void **state)
{
  (void)state;
  static const struct {
    const char *pattern, *text;
    bool found;
  } cases[] = {
      {"foo", "a_foo_b", true},   {"foo", "fo", false},       {"^foo", "foo_b", true},
      {"^foo", "a_foo", false},   {"foo$", "a_foo", true},    {"foo$", "foo_b", false},
      {"^foo$", "foo", true},     {"^foo$", "foo2", false},   {"f*o", "x_f__o", true},
      {"f*o$", "f_o_x_o", true},  {"f*o$", "f_o_x", false},   {"*", "", true},
      {"a*b*c", "xaybzc", true},  {"a*b*c", "xaczb", false},  {"^a*$", "abc", true},
      {"libx.so*", "/usr/lib/libx.so.1", true},               {"a$b", "a$b", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (hd_pattern_found(cases[i].pattern, cases[i].text) != cases[i].found)
      fail_msg("%s in %s", cases[i].pattern, cases[i].text);
}

static bool read_text(struct hd_suppressions *to, const char *text, struct hd_error *error)
{
  memset(to, 0, sizeof *to);
  return hd_suppressions_read(to, "known.supp", text, strlen(text), "2026-11-25", error);
}

static void a_file_of_suppressions(void **state)
{
  (void)state;
  struct hd_suppressions s;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(read_text(&s, "# a comment\n\n  leak:^init$ \r\n"
                            "# heapdiff: until=2026-11-25 reason=ticket 7, fixed upstream\n"
                            "module:libfont*.so\n# heapdiff: until=2026-11-24\n"
                            "stack:alloc;...;main", &error));
  assert_int_equal(s.items.count, 3);
  assert_string_equal(s.items.items[0].patterns[0], "^init$");
  assert_null(s.items.items[0].reason);
  assert_string_equal(s.items.items[1].reason, "ticket 7, fixed upstream");
  assert_false(s.items.items[1].expired); /* that day included */
  assert_true(s.items.items[2].expired);
  assert_int_equal(s.items.items[2].count, 3);
  assert_null(s.items.items[2].patterns[1]);
  assert_int_equal(s.items.items[2].line, 7);
  hd_suppressions_deinit(&s);
  static const char *const wrong[] = {
      "leak:", "foo\n", "race:x\n", "stack:a;;b\n", "# heapdiff: until=2026-13-01\nleak:a\n",
      "# heapdiff: untill=2026-12-01\nleak:a\n", "# heapdiff: until=tomorrow\nleak:a\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    error = (struct hd_error)HD_ERROR_INIT;
    if (read_text(&s, wrong[i], &error))
      fail_msg("'%s' is taken", wrong[i]);
    assert_int_equal(error.kind, HD_ERROR_USAGE);
    assert_non_null(strstr(error.text, "known.supp: line 1: "));
    hd_suppressions_deinit(&s);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(budgets_as_people_write_them),
      cmocka_unit_test(known_quantiles),
      cmocka_unit_test(false_alarms_are_as_rare_as_said),
      cmocka_unit_test(exact_figures_need_no_chance),
      cmocka_unit_test(runs_that_differ),
      cmocka_unit_test(sides_of_other_rates),
      cmocka_unit_test(one_error_for_all),
      cmocka_unit_test(what_would_settle_it),
      cmocka_unit_test(patterns_as_in_leak_sanitizer),
      cmocka_unit_test(a_file_of_suppressions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
