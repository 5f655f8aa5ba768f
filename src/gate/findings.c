#include "gate/findings.h"

#include "analysis/headline.h"
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* For each kind so many are told one by one; the table has all of them. */
enum { MOST_FINDINGS = 20 };

static bool add(struct hd_findings *findings, struct hd_finding finding)
{
  return hd_vec_push(&findings->view->findings, finding) || hd_fail_memory(findings->error);
}

static bool kept(struct hd_findings *findings, const char *text)
{
  return text || hd_fail_memory(findings->error);
}

/* Rule and chain of functions: neither lines nor figures. */
static const char *identity_of(struct hd_view *view, const char *rule,
                               const struct hd_finding *finding)
{
  const char *text = hd_view_printf(view, "%s:%s", rule, finding->stack_count ? "" : "TOTAL");
  for (size_t i = 0; text && i < finding->stack_count; i++)
    text = hd_view_printf(view, "%s%s%s", text, i ? "<" : "", finding->stack[i]);
  return text;
}

static const char *interval_text(struct hd_view *view, enum hd_measure measure, double error)
{
  if (error <= 0)
    return "";
  const char *half = hd_amount_text(view, measure, HD_NORMAL_95 * error, false);
  return half ? hd_view_printf(view, " ±%s", half) : NULL;
}

static const char *hours_text(struct hd_view *view, double hours)
{
  char text[HD_UNITS_TEXT];
  hd_format_duration(text, (int64_t)llround(fmin(hours * 3600e9, 9e18)));
  return hd_view_text(view, text);
}

/* "--max-growth allows 1MiB", and what that comes to. */
static const char *budget_text(struct hd_view *view, const struct hd_gate_check *check)
{
  const struct hd_budget *budget = &check->budget;
  const char *allowed = hd_amount_text(view, check->sites->measure, check->allowed, false);
  const char *rule = hd_rules[budget->rule].name;
  if (!allowed)
    return NULL;
  if (budget->kind == HD_BUDGET_AMOUNT)
    return hd_view_printf(view, "%s allows %s", rule, budget->text);
  if (budget->kind == HD_BUDGET_SHARE)
    return hd_view_printf(view, "%s allows %s, %s", rule, budget->text, allowed);
  const char *hours = hours_text(view, check->comparison->hours);
  return hours ? hd_view_printf(view, "%s allows %s, %s in %s", rule, budget->text, allowed, hours)
               : NULL;
}

/* Of a new site that has got a part of what it holds from another. */
static const char *moved_text(struct hd_findings *findings, const struct hd_sites *sites,
                              const struct hd_site *site)
{
  struct hd_finding from = {0};
  const char *amount = hd_amount_text(findings->view, sites->measure, site->moved, false);
  if (!amount || !hd_finding_place(findings, sites, site->moved_site - 1, &from))
    return NULL;
  return hd_view_printf(findings->view,
                        "; no such call site in the base, but %s moved here from %s", amount,
                        from.name);
}

static const char *match_text(struct hd_findings *findings, const struct hd_gate_check *check)
{
  if (check->site == HD_THE_TOTAL || check->comparison->one_process ||
      !check->comparison->before.rows.count)
    return "";
  const struct hd_site *site = &check->sites->items.items[check->site];
  if (site->is_new && site->moved > 0)
    return moved_text(findings, check->sites, site);
  if (site->is_new)
    return "; no such call site in the base";
  const char *old = "", *where = "";
  if (site->was) {
    const struct hd_side_frame *frame = hd_side_frame_at(check->sites->after->frames, site->was);
    old = hd_strings_text(check->sites->after->frames->strings, frame->function);
    where = ", there in ";
  }
  return hd_view_printf(findings->view, "; matched by %s%s%s", hd_match_names[site->level],
                        site->level == HD_MATCH_SIMILAR ? where : "",
                        site->level == HD_MATCH_SIMILAR ? old : "");
}

static const char *check_text(struct hd_findings *findings, const struct hd_gate_check *check)
{
  struct hd_view *view = findings->view;
  enum hd_measure measure = check->sites->measure;
  const char *growth = hd_amount_text(view, measure, check->growth, false);
  const char *before = hd_amount_text(view, measure, check->before.value, false);
  const char *after = hd_amount_text(view, measure, check->after.value, false);
  const char *half = interval_text(view, measure, check->error);
  const char *budget = budget_text(view, check), *matched = match_text(findings, check);
  const char *what = measure == HD_INUSE_SPACE ? "" : hd_measures[measure].name;
  if (!growth || !before || !after || !half || !budget || !matched)
    return NULL;
  const char *without = check->site == HD_THE_TOTAL && hd_hidden_growth(check->sites) != 0
                            ? " without what is suppressed"
                            : "";
  return hd_view_printf(view, "%s%sgrew by %s%s, from %s to %s%s: %s%s", what, what[0] ? " " : "",
                        growth, half, before, after, without, budget, matched);
}

static bool add_check(struct hd_findings *findings, const struct hd_gate_check *check)
{
  enum hd_measure measure = check->sites->measure;
  const struct hd_site *site =
      check->site == HD_THE_TOTAL ? NULL : &check->sites->items.items[check->site];
  struct hd_finding finding = {
      .level = check->outcome == HD_GATE_FAIL ? HD_FINDING_ERROR : HD_FINDING_WARNING,
      .rule = hd_rules[check->budget.rule].name,
      .growth = hd_amount_cell(measure, check->growth, true),
      .before = hd_amount_cell(measure, check->before.value, false),
      .after = hd_amount_cell(measure, check->after.value, false),
      .budget = hd_amount_cell(measure, check->allowed, false),
  };
  if (check->error > 0) {
    finding.interval = hd_amount_cell(measure, HD_NORMAL_95 * check->error, false);
    finding.interval.interval = true;
  }
  if (!hd_finding_place(findings, check->sites, check->site, &finding))
    return false;
  finding.text = check_text(findings, check);
  finding.advice = hd_advice_text(findings->view, check);
  finding.identity = identity_of(findings->view, finding.rule, &finding);
  if (check->outcome == HD_GATE_NOISE && finding.text)
    finding.text = hd_view_printf(
        findings->view, "over budget, but within %s noise: %s",
        check->settle_rate || hd_base_is_coarse(check->comparison) ? "sampling" : "run-to-run",
        finding.text);
  if (!kept(findings, finding.text) || !kept(findings, finding.identity))
    return false;
  const struct hd_strings *strings = check->sites->after->frames->strings;
  if (site && finding.level == HD_FINDING_ERROR &&
      !hd_finding_source(findings, hd_strings_text(strings, site->path), &finding)) {
    hd_vec_deinit(&finding.source);
    return false;
  }
  if (add(findings, finding))
    return true;
  hd_vec_deinit(&finding.source);
  return false;
}

/* The sites first, by growth; then the totals. */
static int by_weight(const void *left, const void *right)
{
  const struct hd_gate_check *a = *(const struct hd_gate_check *const *)left;
  const struct hd_gate_check *b = *(const struct hd_gate_check *const *)right;
  bool x = a->site == HD_THE_TOTAL, y = b->site == HD_THE_TOTAL;
  if (x != y)
    return x ? 1 : -1;
  if (a->budget.rule != b->budget.rule)
    return a->budget.rule < b->budget.rule ? -1 : 1;
  if (a->growth < b->growth || a->growth > b->growth)
    return a->growth < b->growth ? 1 : -1;
  return (a > b) - (a < b);
}

static bool add_checks(struct hd_findings *findings, enum hd_outcome outcome, size_t *found)
{
  const struct hd_gate *gate = findings->options->gate;
  size_t count = 0, told = 0;
  HD_SCOPED_FREE const struct hd_gate_check **order =
      hd_alloc_zeroed(gate->checks.count, sizeof *order);
  if (!order)
    return hd_fail_memory(findings->error);
  for (size_t i = 0; i < gate->checks.count; i++)
    if (gate->checks.items[i].outcome == outcome)
      order[count++] = &gate->checks.items[i];
  if (count)
    qsort(order, count, sizeof *order, by_weight);
  *found = count;
  for (size_t i = 0; i < count; i++) {
    if (order[i]->site != HD_THE_TOTAL && told++ >= MOST_FINDINGS)
      continue;
    if (!add_check(findings, order[i]))
      return false;
  }
  return true;
}

/* --- verdicts ------------------------------------------------------------------------- */

static bool add_verdict(struct hd_findings *findings, const struct hd_gate_verdict *of)
{
  const struct hd_gate_verdicts *verdicts = findings->options->verdicts;
  const struct hd_label_key *key = &verdicts->series->rows.items[of->row].key;
  struct hd_view *view = findings->view;
  const char *word = hd_verdict_names[of->judgement.verdict], *place = "", *rate = "";
  struct hd_finding finding = {.level = HD_FINDING_ERROR,
                               .rule = "fail-on",
                               .line = key->line,
                               .growth =
                                   hd_amount_cell(verdicts->measure, of->judgement.growth, true),
                               .before = hd_amount_cell(verdicts->measure, of->before, false),
                               .after = hd_amount_cell(verdicts->measure, of->after, false)};
  if (!hd_row_name(verdicts->series, of->row, &findings->options->names, view, &finding.name,
                   &place))
    return hd_fail_memory(findings->error);
  const char *path = hd_pool_text(verdicts->series->pool, key->file);
  const char *growth = hd_amount_text(view, verdicts->measure, of->judgement.growth, false);
  if (of->judgement.has_rate)
    rate = hd_amount_text(view, verdicts->measure, of->judgement.rate, false);
  finding.file = path[0] ? hd_finding_path(findings, path) : NULL;
  finding.identity = hd_view_printf(view, "fail-on:%s", finding.name);
  if (!growth || !rate || !finding.identity || (path[0] && !finding.file))
    return hd_fail_memory(findings->error);
  finding.text = hd_view_printf(view, "is %s: it grew by %s%s%s%s", word, growth,
                                rate[0] ? ", " : "", rate, rate[0] ? " an hour" : "");
  if (of->suppression) {
    const struct hd_suppression *by =
        &findings->options->suppressions->items.items[of->suppression - 1];
    finding.level = HD_FINDING_NOTE;
    finding.suppressed = hd_view_text(view, by->text);
    finding.reason = by->reason ? hd_view_text(view, by->reason) : NULL;
  }
  findings->failed += !of->suppression;
  bool fine = kept(findings, finding.text) && hd_finding_source(findings, path, &finding) &&
              add(findings, finding);
  if (!fine)
    hd_vec_deinit(&finding.source);
  return fine;
}

/* --- what is told and does not fail ----------------------------------------------------- */

/* Growth that its loss elsewhere explains, where it would have been over a budget. */
static bool add_moved(struct hd_findings *findings, const struct hd_sites *sites, double least)
{
  struct hd_view *view = findings->view;
  for (uint32_t i = 0; i < sites->items.count; i++) {
    const struct hd_site *site = &sites->items.items[i];
    struct hd_finding finding = {.level = HD_FINDING_NOTE, .rule = "moved"}, from = {0};
    if (!(site->moved > least) || !site->moved_site)
      continue;
    const char *amount = hd_amount_text(view, sites->measure, site->moved, false);
    if (!kept(findings, amount) || !hd_finding_place(findings, sites, i, &finding) ||
        !hd_finding_place(findings, sites, site->moved_site - 1, &from))
      return false;
    finding.growth = hd_amount_cell(sites->measure, site->after.value - site->before.value, true);
    finding.before = hd_amount_cell(sites->measure, site->before.value, false);
    finding.after = hd_amount_cell(sites->measure, site->after.value, false);
    finding.text = hd_view_printf(view, "%s of its growth moved here from %s", amount, from.name);
    finding.identity = identity_of(view, "moved", &finding);
    findings->moved++;
    if (!kept(findings, finding.text) || !kept(findings, finding.identity) ||
        !add(findings, finding))
      return false;
  }
  return true;
}

/* What each suppression hides of the growth. */
static bool add_suppressed(struct hd_findings *findings, const struct hd_comparison *comparison,
                           enum hd_measure measure)
{
  const struct hd_suppressions *suppressions = findings->options->suppressions;
  size_t count = suppressions->items.count;
  struct hd_view *view = findings->view;
  HD_SCOPED_FREE double *hidden = hd_alloc_zeroed(count + 1, sizeof *hidden);
  HD_SCOPED_FREE uint32_t *sites = hd_alloc_zeroed(count + 1, sizeof *sites);
  HD_SCOPED_FREE double *largest = hd_alloc_zeroed(count + 1, sizeof *largest);
  if (!hidden || !sites || !largest)
    return hd_fail_memory(findings->error);
  for (uint32_t row = 0; row < comparison->after.rows.count; row++) {
    const struct hd_side_row *item = &comparison->after.rows.items[row];
    uint32_t old = comparison->match.before[row];
    if (!item->suppression)
      continue;
    double value = hd_side_amount_of(&comparison->after, row, measure).value;
    double had = old ? hd_side_amount_of(&comparison->before, old - 1, measure).value : 0;
    hidden[item->suppression] += (value - had) * item->hidden;
    if (value >= largest[item->suppression]) {
      largest[item->suppression] = value;
      sites[item->suppression] = row + 1;
    }
  }
  for (size_t i = 1; i <= count; i++) {
    const struct hd_suppression *by = &suppressions->items.items[i - 1];
    struct hd_finding finding = {.level = HD_FINDING_NOTE, .rule = "suppressed"};
    if (!sites[i])
      continue;
    const char *amount = hd_amount_text(view, measure, hidden[i], true);
    if (!kept(findings, amount))
      return false;
    finding.name = hd_view_text(view, by->text);
    finding.suppressed = finding.name;
    finding.reason = by->reason ? hd_view_text(view, by->reason) : NULL;
    finding.growth = hd_amount_cell(measure, hidden[i], true);
    finding.text = hd_view_printf(view, "hides a growth of %s, which is in the total%s%s%s%s",
                                  amount, by->until ? ", until " : "", by->until ? by->until : "",
                                  by->reason ? ": " : "", by->reason ? by->reason : "");
    finding.identity = finding.name;
    if (!kept(findings, finding.name) || !kept(findings, finding.text) || !add(findings, finding))
      return false;
  }
  return true;
}

/* --- the headline ----------------------------------------------------------------------- */

static bool headline(struct hd_findings *findings, unsigned line, bool gap, const char *text)
{
  struct hd_headline piece = {line, text, {0}, "", gap};
  return kept(findings, text) && hd_view_add_headline(findings->view, piece, findings->error);
}

static bool fact(struct hd_findings *findings, const char *key, struct hd_cell cell)
{
  return hd_view_add_fact(findings->view, key, cell, findings->error);
}

static enum hd_measure main_measure(const struct hd_comparison *comparison)
{
  int measure = 0;
  while (measure < HD_MEASURES - 1 && !comparison->has[measure])
    measure++;
  return (enum hd_measure)measure;
}

static bool head(struct hd_findings *findings)
{
  const struct hd_findings_options *options = findings->options;
  const struct hd_comparison *across = options->gate->across;
  enum hd_measure measure = main_measure(across);
  struct hd_view *view = findings->view;
  double before = hd_side_total(&across->before, measure).value;
  double after = hd_side_total(&across->after, measure).value;
  double hidden = hd_hidden_growth(&across->sites[measure]);
  const char *a = hd_amount_text(view, measure, before, false);
  const char *b = hd_amount_text(view, measure, after, false);
  const char *growth = hd_amount_text(view, measure, after - before, true);
  const char *secret = hd_amount_text(view, measure, hidden, true);
  const char *program = hd_view_text(view, options->program);
  const char *rates = hd_rates_text(view, across);
  if (!a || !b || !growth || !secret || !program || !rates)
    return hd_fail_memory(findings->error);
  return headline(findings, 0, false, program) &&
         headline(findings, 0, true,
                  hd_view_printf(view, "%s -> %s", options->before, options->after)) &&
         headline(findings, 0, true,
                  hd_view_printf(view, "%s%s", hd_measures[measure].name, rates)) &&
         headline(findings, 1, false, hd_view_printf(view, "total %s -> %s", a, b)) &&
         headline(findings, 1, true,
                  hidden != 0
                      ? hd_view_printf(view, "%s, of which %s is suppressed", growth, secret)
                      : growth) &&
         fact(findings, "program", hd_cell_text(program)) &&
         fact(findings, "measure", hd_cell_text(hd_measures[measure].name)) &&
         fact(findings, "before", hd_amount_cell(measure, before, false)) &&
         fact(findings, "after", hd_amount_cell(measure, after, false)) &&
         fact(findings, "growth", hd_amount_cell(measure, after - before, true)) &&
         fact(findings, "suppressed_growth", hd_amount_cell(measure, hidden, true)) &&
         fact(findings, "rate", hd_cell_of(HD_CELL_BYTES, (int64_t)across->after.rate)) &&
         fact(findings, "confidence",
              (struct hd_cell){.kind = HD_CELL_NUMBER, .number = options->confidence});
}

/* The smallest growth that would be found, where that is not clear from the budget. */
static const char *sensitivity(struct hd_findings *findings)
{
  const struct hd_gate *gate = findings->options->gate;
  const struct hd_comparison *across = gate->across;
  for (size_t i = 0; i < gate->budget_count; i++) {
    const struct hd_budget *budget = &gate->budgets[i];
    enum hd_measure measure = hd_rules[budget->rule].measure;
    if (!hd_rules[budget->rule].sites || hd_budget_is_timed(budget) || !across->has[measure])
      continue;
    bool coarse = hd_base_is_coarse(across);
    const struct hd_side *side = coarse ? &across->before : &across->after;
    struct hd_side_amount total = hd_side_total(side, measure);
    double base = hd_side_total(&across->before, measure).value;
    double allowed = budget->kind == HD_BUDGET_SHARE ? budget->amount * base : budget->amount;
    double worth = total.value > 0 ? total.variance / total.value : 0;
    double least = hd_least_seen(worth, allowed, gate->needed);
    if (worth <= 0)
      return "";
    if (!fact(findings, "least_seen", hd_amount_cell(measure, least, false)))
      return NULL;
    const char *seen = hd_amount_text(findings->view, measure, least, false);
    double rate = (double)side->rate;
    double half = hd_rate_for(rate, worth, worth / 4);
    char finer[HD_UNITS_TEXT];
    uint64_t power = 1;
    while (power * 2 <= half)
      power *= 2;
    hd_format_bytes(finer, (int64_t)power, -1, false);
    if (!seen)
      return NULL;
    if (least <= 2 * allowed + worth)
      return hd_view_printf(findings->view, "; new growth of %s at one call site would be found",
                            seen);
    if (coarse)
      return hd_view_printf(findings->view,
                            "; less than %s of new growth at one call site is too small to be seen "
                            "beside a base that was sampled more coarsely",
                            seen);
    return hd_view_printf(findings->view,
                          "; less than %s of new growth at one call site is too small to be seen "
                          "at this rate: --rate %s sees more",
                          seen, finer);
  }
  return "";
}

static bool conclude(struct hd_findings *findings)
{
  struct hd_view *view = findings->view;
  const char *seen = sensitivity(findings), *noise = "", *checked = "";
  enum hd_measure measure = main_measure(findings->options->gate->across);
  size_t sites = findings->options->gate->across->sites[measure].items.count;
  if (findings->noisy)
    noise = hd_view_printf(view, ", %zu over budget within noise", findings->noisy);
  checked = hd_view_printf(view, "%zu call site%s checked with %.6g%% confidence", sites,
                           sites == 1 ? "" : "s", findings->options->confidence * 100);
  if (!seen || !noise || !checked)
    return hd_fail_memory(findings->error);
  view->passed = !findings->failed;
  view->conclusion = view->passed
                         ? hd_view_printf(view, "passed%s: %s%s", noise, checked, seen)
                         : hd_view_printf(view, "failed: %zu regression%s%s; %s", findings->failed,
                                          findings->failed == 1 ? "" : "s", noise, checked);
  return kept(findings, view->conclusion) &&
         fact(findings, "passed", hd_cell_of(HD_CELL_BOOL, view->passed)) &&
         fact(findings, "conclusion", hd_cell_text(view->conclusion));
}

static bool add_rules(struct hd_findings *findings)
{
  const struct hd_gate *gate = findings->options->gate;
  bool used[HD_RULES] = {false}, fine = true;
  for (size_t i = 0; i < gate->budget_count; i++)
    used[gate->budgets[i].rule] = true;
  for (size_t i = 0; i < gate->exception_count; i++)
    for (size_t b = 0; b < gate->exceptions[i].budgets.count; b++)
      used[gate->exceptions[i].budgets.items[b].rule] = true;
  for (int i = 0; fine && i < HD_RULES; i++)
    fine = !used[i] || hd_vec_push(&findings->view->rules, hd_rules[i].name);
  if (fine && findings->options->verdicts->series)
    fine = hd_vec_push(&findings->view->rules, "fail-on");
  return fine || hd_fail_memory(findings->error);
}

bool hd_findings_build(const struct hd_findings_options *options, struct hd_view *view,
                       size_t *regressions, struct hd_error *error)
{
  struct hd_findings findings = {.options = options, .view = view, .error = error};
  const struct hd_comparison *across = options->gate->across;
  enum hd_measure measure = main_measure(across);
  double least = INFINITY;
  for (size_t i = 0; i < options->gate->checks.count; i++)
    least = fmin(least, options->gate->checks.items[i].allowed);
  bool fine = head(&findings) && add_rules(&findings) &&
              add_checks(&findings, HD_GATE_FAIL, &findings.failed);
  for (size_t i = 0; fine && i < options->verdicts->found.count; i++)
    fine = add_verdict(&findings, &options->verdicts->found.items[i]);
  fine = fine && add_checks(&findings, HD_GATE_NOISE, &findings.noisy) &&
         add_moved(&findings, &across->sites[measure], least) &&
         add_suppressed(&findings, across, measure) && hd_findings_grid(&findings) &&
         conclude(&findings);
  *regressions = findings.failed;
  return fine;
}
