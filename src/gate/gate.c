#include "gate/gate.h"

#include <math.h>
#include <string.h>

/* A budget for rates is held against the growth of one process. */
static const struct hd_comparison *comparison_of(const struct hd_gate *gate,
                                                 const struct hd_budget *budget)
{
  return hd_budget_is_timed(budget) ? gate->within : gate->across;
}

static bool found(const struct hd_regex *regex, const char *text)
{
  return !regex || (text[0] && hd_regex_search(regex, text, strlen(text)));
}

/* The first exception that a site is one of; NULL: none. */
static const struct hd_gate_exception *exception_of(const struct hd_gate *gate,
                                                    const struct hd_sites *sites, uint32_t number)
{
  const struct hd_site *site = &sites->items.items[number];
  const struct hd_side *side = site->gone ? sites->before : sites->after;
  const struct hd_strings *strings = side->frames->strings;
  const char *function = hd_side_name(side, site->row);
  const char *module = hd_strings_text(strings, side->rows.items[site->row].module);
  for (size_t i = 0; i < gate->exception_count; i++) {
    const struct hd_gate_exception *of = &gate->exceptions[i];
    if (found(of->function, function) && found(of->file, hd_strings_text(strings, site->path)) &&
        found(of->module, module))
      return of;
  }
  return NULL;
}

static bool has_rule(const struct hd_gate_exception *exception, enum hd_rule rule)
{
  for (size_t i = 0; exception && i < exception->budgets.count; i++)
    if (exception->budgets.items[i].rule == rule)
      return true;
  return false;
}

static struct hd_level level_of(const struct hd_site_sum *sum, const struct hd_side *side)
{
  return (struct hd_level){sum->value, sum->variance, sum->spread, side->runs, side->rate};
}

static double allowed_of(const struct hd_budget *budget, const struct hd_comparison *comparison,
                         double base)
{
  switch (budget->kind) {
  case HD_BUDGET_AMOUNT: return budget->amount;
  case HD_BUDGET_SHARE: return budget->amount * base;
  case HD_BUDGET_RATE: return budget->amount * comparison->hours;
  case HD_BUDGET_TIME:
    return budget->amount > 0 ? comparison->room / budget->amount * comparison->hours : INFINITY;
  }
  return 0;
}

/* `turnover`: of one process, what came and went. */
static bool add_check(struct hd_gate *gate, struct hd_gate_check check, double turnover,
                      struct hd_error *error)
{
  check.growth = check.after.value - check.before.value;
  check.error = hd_level_error(&check.before, &check.after);
  check.went = check.before;
  check.came = check.after;
  if (check.comparison->one_process)
    hd_levels_of_difference(check.growth, turnover, check.before.variance + check.after.variance,
                            &check.went, &check.came);
  check.p = hd_chance(&check.went, &check.came, check.allowed);
  if (hd_least_chance(&check.went, &check.came, check.allowed) > gate->error && check.p >= 1)
    return true;
  return hd_vec_push(&gate->checks, check) || hd_fail_memory(error);
}

/* `base`: what the whole base holds. */
static bool check_site(struct hd_gate *gate, const struct hd_budget *budget,
                       const struct hd_gate_exception *exception, uint32_t number,
                       const struct hd_sites *sites, double base, struct hd_error *error)
{
  const struct hd_comparison *comparison = comparison_of(gate, budget);
  const struct hd_site *site = &sites->items.items[number];
  struct hd_site_sum had = site->before;
  if (site->moved > 0) {
    had.value += site->moved_sum.value;
    had.variance += site->moved_sum.variance;
    had.spread += site->moved_sum.spread;
  }
  struct hd_gate_check check = {
      .budget = *budget,
      .exception = exception,
      .comparison = comparison,
      .sites = sites,
      .site = number,
      .before = level_of(&had, sites->before),
      .after = level_of(&site->after, sites->after),
      .allowed = allowed_of(budget, comparison, exception ? had.value : base),
  };
  return add_check(gate, check, had.turnover + site->after.turnover, error);
}

double hd_hidden_growth(const struct hd_sites *sites)
{
  double hidden = 0;
  for (size_t i = 0; i < sites->items.count; i++)
    hidden += sites->items.items[i].hidden_after - sites->items.items[i].hidden_before;
  return hidden;
}

static bool check_total(struct hd_gate *gate, const struct hd_budget *budget,
                        const struct hd_sites *sites, struct hd_error *error)
{
  const struct hd_comparison *comparison = comparison_of(gate, budget);
  struct hd_site_sum before = {0}, after = {0};
  for (size_t i = 0; i < sites->items.count; i++) {
    const struct hd_site *site = &sites->items.items[i];
    before.value += site->before.value;
    before.variance += site->before.variance;
    after.value += site->after.value;
    after.variance += site->after.variance;
    after.turnover += site->before.turnover + site->after.turnover;
  }
  before.spread = hd_side_total(sites->before, sites->measure).spread;
  after.spread = hd_side_total(sites->after, sites->measure).spread;
  struct hd_gate_check check = {
      .budget = *budget,
      .comparison = comparison,
      .sites = sites,
      .site = HD_THE_TOTAL,
      .before = level_of(&before, sites->before),
      .after = level_of(&after, sites->after),
      .allowed = allowed_of(budget, comparison, before.value),
  };
  return add_check(gate, check, after.turnover, error);
}

/* Where the total has a budget of its own, that of each site is not its, too. */
static bool has_total(const struct hd_gate *gate, enum hd_rule rule)
{
  for (size_t i = 0; i < gate->budget_count && rule == HD_RULE_MAX_GROWTH; i++)
    if (gate->budgets[i].rule == HD_RULE_MAX_TOTAL_GROWTH)
      return true;
  return false;
}

/* A budget of all, for each site that has none of its own of this rule. */
static bool apply(struct hd_gate *gate, const struct hd_budget *budget, struct hd_error *error)
{
  const struct hd_rule_info *rule = &hd_rules[budget->rule];
  const struct hd_comparison *comparison = comparison_of(gate, budget);
  if (!comparison || !comparison->has[rule->measure])
    return true;
  const struct hd_sites *sites = &comparison->sites[rule->measure];
  double base = hd_side_total(sites->before, sites->measure).value;
  for (uint32_t i = 0; rule->sites && i < sites->items.count; i++)
    if (!has_rule(exception_of(gate, sites, i), budget->rule) &&
        !check_site(gate, budget, NULL, i, sites, base, error))
      return false;
  return !rule->total || has_total(gate, budget->rule) || check_total(gate, budget, sites, error);
}

static bool apply_exceptions(struct hd_gate *gate, const struct hd_comparison *comparison,
                             const struct hd_sites *sites, struct hd_error *error)
{
  for (uint32_t i = 0; i < sites->items.count; i++) {
    const struct hd_gate_exception *of = exception_of(gate, sites, i);
    for (size_t b = 0; of && b < of->budgets.count; b++) {
      const struct hd_budget *budget = &of->budgets.items[b];
      if (hd_rules[budget->rule].measure == sites->measure &&
          comparison_of(gate, budget) == comparison &&
          !check_site(gate, budget, of, i, sites, 0, error))
        return false;
    }
  }
  return true;
}

static bool apply_all_exceptions(struct hd_gate *gate, struct hd_error *error)
{
  const struct hd_comparison *both[] = {gate->across,
                                        gate->within != gate->across ? gate->within : NULL};
  for (size_t c = 0; gate->exception_count && c < 2; c++)
    for (int m = 0; both[c] && m < HD_MEASURES; m++)
      if (both[c]->has[m] && !apply_exceptions(gate, both[c], &both[c]->sites[m], error))
        return false;
  return true;
}

/* --- the outcome ---------------------------------------------------------------------- */

/* What would tell whether a growth is over its budget, if it is as large as it seems. */
static void settle(const struct hd_gate *gate, struct hd_gate_check *check)
{
  enum { MOST_RUNS = 20 };
  double excess = check->growth - check->allowed, z = hd_normal_quantile(gate->needed);
  double wanted = pow(excess / (z * check->error), 2);
  double value = check->went.value + check->came.value;
  double variance = check->went.variance + check->came.variance;
  double sampled = check->went.variance / (double)check->went.runs +
                   check->came.variance / (double)check->came.runs;
  /* What the sampling may make where runs differ as they do. */
  double left = pow(excess / z, 2) - (check->error * check->error - sampled);
  uint64_t rate = check->comparison->after.rate;
  if (rate > 1 && value > 0 && sampled > 0 && left > 0) {
    double worth = variance / value;
    double at_rate = hd_rate_for((double)rate, worth, worth * fmin(left / sampled, 1));
    check->settle_rate = 1;
    while (check->settle_rate * 2 <= at_rate && check->settle_rate * 2 < rate)
      check->settle_rate *= 2;
  }
  double runs = ceil(1 / fmax(wanted, 1e-9)) * (double)check->after.runs;
  if (!check->comparison->one_process && runs <= MOST_RUNS && runs > (double)check->after.runs)
    check->settle_runs = (size_t)runs;
}

static bool judge(struct hd_gate *gate, struct hd_error *error)
{
  size_t count = gate->checks.count;
  HD_SCOPED_FREE struct hd_tested *tests = hd_alloc_zeroed(count, sizeof *tests);
  if (!tests)
    return hd_fail_memory(error);
  for (size_t i = 0; i < count; i++) {
    const struct hd_gate_check *check = &gate->checks.items[i];
    tests[i].p = check->p;
    tests[i].least = fmin(check->p, hd_least_chance(&check->went, &check->came, check->allowed));
  }
  if (!hd_family(tests, count, gate->error, &gate->needed))
    return hd_fail_memory(error);
  for (size_t i = 0; i < count; i++) {
    struct hd_gate_check *check = &gate->checks.items[i];
    bool over = check->growth > check->allowed;
    check->outcome = !over ? HD_GATE_PASS : tests[i].surely ? HD_GATE_FAIL : HD_GATE_NOISE;
    if (check->outcome == HD_GATE_NOISE)
      settle(gate, check);
  }
  return true;
}

bool hd_gate_run(struct hd_gate *gate, struct hd_error *error)
{
  for (size_t i = 0; i < gate->budget_count; i++)
    if (!apply(gate, &gate->budgets[i], error))
      return false;
  return apply_all_exceptions(gate, error) && judge(gate, error);
}

void hd_gate_deinit(struct hd_gate *gate)
{
  hd_vec_deinit(&gate->checks);
}
