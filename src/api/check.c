/* `check`: from the words of the options to what the gate found. */
#include "api/check_run.h"

#include "api/read_text.h"

#include "analysis/headline.h"
#include "gate/config.h"
#include "gate/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double standard_confidence = .999;

/* Most that a config or a file of suppressions may be. */
enum { MOST_TEXT = 16 << 20 };

const char *hd_rule_name(size_t i)
{
  return i < HD_RULES ? hd_rules[i].name : NULL;
}

const char *hd_verdict_name(size_t i)
{
  static const char *const names[] = {
#define HD_VERDICT(id, name) name,
      HD_VERDICTS(HD_VERDICT)
#undef HD_VERDICT
          NULL};
  return names[i];
}

/* What is asked for, in one piece. */
struct wishes {
  HD_VEC(struct hd_budget) budgets;
  size_t own; /* of the budgets: those that are not of the config */
  unsigned verdicts;
  bool own_verdicts;
  bool timed;
};

struct check {
  struct hd_session *session;
  const struct hd_check_options *options;
  struct hd_check_run run;
  struct hd_gate_config config;
  struct wishes wishes;
  struct hd_gate gate;
  struct hd_series by_site; /* for verdicts */
  struct hd_filters site_filters;
  struct hd_gate_verdicts verdicts;
  char *directory;
  struct hd_view *view;
  struct hd_error *error;
};

static bool add_budget(struct check *check, const char *rule, const char *text)
{
  struct hd_budget budget;
  const char *wrong;
  enum hd_rule id = hd_rule_find(rule);
  if (id == HD_RULES)
    return hd_fail_usage(check->error, "there is no budget '%s'", rule);
  if (!hd_budget_parse(id, text, &budget, &wrong))
    return hd_fail_usage(check->error, "--%s takes %s, not '%s'", hd_rules[id].name, wrong, text);
  check->wishes.timed |= hd_budget_is_timed(&budget);
  return hd_vec_push(&check->wishes.budgets, budget) || hd_fail_memory(check->error);
}

/* What the caller gives comes before the config, rule by rule. */
static bool take_budgets(struct check *check)
{
  bool given[HD_RULES] = {false};
  for (size_t i = 0; i < check->options->budget_count; i++)
    if (!add_budget(check, check->options->budgets[i].rule, check->options->budgets[i].budget))
      return false;
  check->wishes.own = check->wishes.budgets.count;
  for (size_t i = 0; i < check->wishes.budgets.count; i++)
    given[check->wishes.budgets.items[i].rule] = true;
  for (size_t i = 0; i < check->config.budgets.count; i++) {
    const struct hd_budget *budget = &check->config.budgets.items[i];
    if (given[budget->rule])
      continue;
    check->wishes.timed |= hd_budget_is_timed(budget);
    if (!hd_vec_push(&check->wishes.budgets, *budget))
      return hd_fail_memory(check->error);
  }
  for (size_t i = 0; i < check->config.exceptions.count; i++)
    for (size_t b = 0; b < check->config.exceptions.items[i].budgets.count; b++)
      check->wishes.timed |=
          hd_budget_is_timed(&check->config.exceptions.items[i].budgets.items[b]);
  return true;
}

static bool refuse_verdict(const char *word, struct hd_error *error)
{
  char names[200] = "";
  size_t used = 0;
  for (size_t i = 0; hd_verdict_name(i) && used < sizeof names; i++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                             hd_verdict_name(i));
  return hd_fail_usage(error, "--fail-on: there is no verdict '%s'; there are %s", word, names);
}

static bool take_verdicts(struct check *check)
{
  bool own = check->options->fail_on_count > 0;
  size_t count = own ? check->options->fail_on_count : check->config.fail_on.count;
  check->wishes.own_verdicts = own;
  for (size_t i = 0; i < count; i++) {
    const char *word = own ? check->options->fail_on[i] : check->config.fail_on.items[i];
    unsigned verdict = 0;
    while (hd_verdict_name(verdict) && strcmp(hd_verdict_name(verdict), word) != 0)
      verdict++;
    if (!hd_verdict_name(verdict))
      return refuse_verdict(word, check->error);
    check->wishes.verdicts |= 1u << verdict;
  }
  return true;
}

/* Where no budget is given: by what the snapshots are. */
static bool take_standard(struct check *check)
{
  static const struct {
    enum hd_rule rule;
    const char *text;
  } standards[] = {
      {HD_RULE_MAX_GROWTH, "1MiB"}, {HD_RULE_MAX_GOROUTINES, "10"}, {HD_RULE_MAX_LEAKED, "0"}};
  if (check->wishes.budgets.count || check->wishes.verdicts)
    return true;
  for (size_t i = 0; i < sizeof standards / sizeof *standards; i++)
    if (check->run.across.has[hd_rules[standards[i].rule].measure] &&
        !add_budget(check, hd_rules[standards[i].rule].name, standards[i].text))
      return false;
  return check->wishes.budgets.count ||
         hd_fail_usage(check->error, "nothing is gated: the snapshots have no measure that has a "
                                     "budget of its own");
}

/* Why nothing can be held against a budget; NULL: it can. */
static const char *idle(const struct check *check, const struct hd_budget *budget)
{
  const struct hd_comparison *within = check->gate.within;
  enum hd_measure measure = hd_rules[budget->rule].measure;
  if (!check->run.across.has[measure]) {
    const char *why =
        hd_arena_printf(&check->session->arena, "%s is not in both sides (absent is not zero)",
                        hd_measures[measure].name);
    return why ? why : "its measure is not in both sides";
  }
  if (hd_budget_is_timed(budget) && (!within || within->hours <= 0))
    return "what is gated is to be a series of snapshots that say when they were taken";
  return NULL;
}

/* A budget that nothing is held against would pass for ever: of the caller's that is a
 * mistake; a config may be for other snapshots, too. */
static bool budgets_apply(struct check *check)
{
  size_t kept = 0;
  for (size_t i = 0; i < check->wishes.budgets.count; i++) {
    struct hd_budget budget = check->wishes.budgets.items[i];
    const char *why = idle(check, &budget), *name = hd_rules[budget.rule].name;
    if (!why)
      check->wishes.budgets.items[kept++] = budget;
    else if (i < check->wishes.own)
      return hd_fail_usage(check->error, "--%s %s: %s", name, budget.text, why);
    else
      hd_session_add_note(check->session, HD_NOTE_INFO, "budget-idle",
                          "%s %s of the config is not checked: %s", name, budget.text, why);
  }
  check->gate.budget_count = kept;
  return kept || check->wishes.verdicts || check->config.exceptions.count ||
         hd_fail_usage(check->error, "no budget of the config applies to these snapshots");
}

/* --- limits ----------------------------------------------------------------------------- */

/* Of two, 0 none. */
static int64_t lower_limit(int64_t a, int64_t b)
{
  return a > 0 && b > 0 ? (a < b ? a : b) : a > 0 ? a : b > 0 ? b : 0;
}

static bool take_room(struct check *check, struct hd_comparison *within)
{
  const struct hd_point *last =
      &hd_check_newest(&check->run)->points.items[hd_check_newest(&check->run)->points.count - 1];
  int64_t limit = check->options->limit ? check->options->limit : check->config.limit;
  if (!limit)
    limit = lower_limit(last->limit_cgroup, last->limit_rlimit);
  double used = last->rss >= 0      ? (double)last->rss
                : last->system >= 0 ? (double)last->system
                                    : last->total[HD_INUSE_SPACE];
  within->room = (double)limit - used > 0 ? (double)limit - used : 0;
  for (size_t i = 0; !limit && i < check->wishes.budgets.count; i++)
    if (check->wishes.budgets.items[i].kind == HD_BUDGET_TIME)
      return hd_fail_usage(check->error, "--min-time-to-limit: the snapshots know no limit: "
                                         "--limit SIZE gives one");
  return true;
}

/* --- verdicts ---------------------------------------------------------------------------- */

/* The series once more, by site: verdicts are on sites. */
static bool judge_sites(struct check *check)
{
  const struct hd_check_series *newest = &check->run.runs.items[check->run.runs.count - 1];
  const struct hd_window window = {0};
  if (!check->wishes.verdicts)
    return true;
  check->site_filters = check->run.filters;
  check->site_filters.keep_wrappers = false;
  hd_series_init(&check->by_site, check->run.pool, &check->site_filters, HD_BY_SITE);
  if (!hd_session_load(newest->session, &window, &check->by_site, check->error))
    return false;
  if (check->by_site.points.count < HD_LEAST_POINTS && !check->wishes.own_verdicts) {
    hd_session_add_note(check->session, HD_NOTE_INFO, "verdicts-idle",
                        "fail-on of the config is not checked: verdicts need %d snapshots of one "
                        "process or more",
                        HD_LEAST_POINTS);
    return true;
  }
  if (check->by_site.points.count < HD_LEAST_POINTS)
    return hd_fail_usage(check->error,
                         "--fail-on: of %s there %s %zu snapshot%s; verdicts need "
                         "%d of one process or more: record them with --interval",
                         newest->name[0] ? newest->name : "what is gated",
                         check->by_site.points.count == 1 ? "is" : "are",
                         check->by_site.points.count, check->by_site.points.count == 1 ? "" : "s",
                         HD_LEAST_POINTS);
  check->verdicts.series = &check->by_site;
  check->verdicts.wanted = check->wishes.verdicts;
  check->verdicts.measure = check->by_site.measures[0];
  return hd_gate_verdicts_find(&check->verdicts, check->gate.error, check->error);
}

/* A site with a verdict is hidden where most of what is there is. */
static void hide_verdicts(struct check *check)
{
  const struct hd_sites *sites = &check->run.across.sites[check->verdicts.measure];
  for (size_t i = 0; i < check->verdicts.found.count; i++) {
    struct hd_gate_verdict *of = &check->verdicts.found.items[i];
    const struct hd_label_key *key = &check->by_site.rows.items[of->row].key;
    for (size_t n = 0; n < sites->items.count; n++) {
      const struct hd_site *site = &sites->items.items[n];
      if (site->gone || site->path != key->file || site->place != key->line ||
          sites->after->rows.items[site->row].name != key->function)
        continue;
      if (site->hidden_after > site->after.value)
        of->suppression = sites->after->rows.items[site->row].suppression;
    }
  }
}

/* --- suppressions ------------------------------------------------------------------------ */

static bool read_suppression_file(struct check *check, const char *path)
{
  char today[16];
  time_t now = time(NULL);
  struct tm tm;
  HD_SCOPED_FREE char *text = NULL;
  size_t length = 0;
  strftime(today, sizeof today, "%Y-%m-%d", gmtime_r(&now, &tm));
  return hd_read_text(path, MOST_TEXT, &text, &length, check->error) &&
         hd_suppressions_read(&check->run.suppressions, path, text, length, today, check->error);
}

static bool read_suppressions(struct check *check)
{
  for (size_t i = 0; i < check->config.suppressions.count; i++)
    if (!read_suppression_file(check, check->config.suppressions.items[i]))
      return false;
  for (size_t i = 0; i < check->options->suppression_count; i++)
    if (!read_suppression_file(check, check->options->suppressions[i]))
      return false;
  return true;
}

static void note_suppressions(struct check *check)
{
  for (size_t i = 0; i < check->run.suppressions.items.count; i++) {
    const struct hd_suppression *item = &check->run.suppressions.items.items[i];
    if (item->expired)
      hd_session_add_note(check->session, HD_NOTE_WARNING, "suppression-expired",
                          "%s: line %lld: '%s' has expired on %s and hides nothing any more",
                          item->file, (long long)item->line, item->text, item->until);
    else if (!item->used)
      hd_session_add_note(check->session, HD_NOTE_INFO, "suppression-unused",
                          "%s: line %lld: '%s' hides nothing here: take it out if it is of no use "
                          "elsewhere",
                          item->file, (long long)item->line, item->text);
  }
}

/* --- the config ---------------------------------------------------------------------------- */

static bool read_config(struct check *check)
{
  static const char standard[] = "heapdiff.json";
  const char *path = check->options->config;
  HD_SCOPED_FREE char *text = NULL;
  size_t length = 0;
  if (check->options->no_config || (!path && access(standard, F_OK) != 0))
    return true;
  if (!path)
    hd_session_add_note(check->session, HD_NOTE_INFO, "config", "budgets are from %s", standard);
  path = path ? path : standard;
  return hd_read_text(path, MOST_TEXT, &text, &length, check->error) &&
         hd_gate_config_read(&check->config, path, text, length, check->error);
}

/* The base is what the caller names, else what the config does. */
static bool load(struct check *check, const char *const *paths, size_t count)
{
  const struct hd_check_options *options = check->options;
  if (check->wishes.budgets.count)
    check->run.measure = hd_measures[hd_rules[check->wishes.budgets.items[0].rule].measure].name;
  bool own = options->baseline_count || count > 1;
  return hd_check_load(&check->run, paths, count,
                       own ? options->baselines : check->config.baselines.items,
                       own ? options->baseline_count : check->config.baselines.count,
                       check->wishes.timed, check->error);
}

/* A gate that looks at nothing would pass for ever. */
static void note_nothing(struct check *check)
{
  const struct hd_comparison *across = &check->run.across;
  for (size_t i = 0; i < across->after.columns; i++) {
    enum hd_measure measure = across->after.measures[i];
    if (!across->has[measure])
      continue;
    if (hd_side_total(&across->after, measure).value <= 0)
      hd_session_add_note(check->session, HD_NOTE_WARNING, "nothing-held",
                          "%s holds nothing at its end: if the process that matters is another, "
                          "--pid chooses it; if it frees all it has, record it with --interval",
                          check->run.after);
    return;
  }
}

/* --- all of it ---------------------------------------------------------------------------- */

static const char *program_of(const struct check *check)
{
  const struct hd_series *series = hd_check_newest(&check->run);
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  return last->program ? hd_base_name(last->program) : "snapshots";
}

static bool build(struct check *check, struct hd_check_result *result)
{
  const struct hd_check_options *options = check->options;
  struct hd_findings_options findings = {
      .gate = &check->gate,
      .verdicts = &check->verdicts,
      .suppressions = &check->run.suppressions,
      .confidence = 1 - check->gate.error,
      .program = program_of(check),
      .before = check->run.before,
      .after = check->run.after,
      .keep = options->nodecount > 0 ? (size_t)options->nodecount : 0,
      .names = {check->directory},
      .search = {options->source_paths, options->source_path_count, options->trim_paths,
                 options->trim_path_count},
  };
  return hd_view_create("heapdiff.check/1", HD_VIEW_FINDINGS, &check->view, check->error) &&
         hd_findings_build(&findings, check->view, &result->regressions, check->error) &&
         hd_session_give_notes(check->session, check->view, check->error);
}

static bool run_check(struct check *check, const char *const *paths, size_t count,
                      struct hd_check_result *result)
{
  const struct hd_check_options *options = check->options;
  struct hd_check_run *run = &check->run;
  double confidence = standard_confidence;
  check->directory = getcwd(NULL, 0);
  if (!hd_check_run_init(run, check->session, check->error) || !read_config(check) ||
      !take_budgets(check) || !take_verdicts(check) || !read_suppressions(check) ||
      !load(check, paths, count) || !take_standard(check))
    return false;
  if (options->confidence > 0 || check->config.confidence > 0)
    confidence = options->confidence > 0 ? options->confidence : check->config.confidence;
  struct hd_comparison *within = run->across.one_process ? &run->across
                                 : run->has_within       ? &run->within
                                                         : NULL;
  check->gate = (struct hd_gate){.budgets = check->wishes.budgets.items,
                                 .budget_count = check->wishes.budgets.count,
                                 .exceptions = check->config.exceptions.items,
                                 .exception_count = check->config.exceptions.count,
                                 .error = 1 - confidence,
                                 .across = &run->across,
                                 .within = within};
  if (!budgets_apply(check) || (within && !take_room(check, within)) ||
      !hd_gate_run(&check->gate, check->error) || !judge_sites(check))
    return false;
  hide_verdicts(check);
  note_suppressions(check);
  note_nothing(check);
  return build(check, result);
}

bool hd_check(hd_session *session, const char *const *paths, size_t count,
              const struct hd_check_options *options, hd_view **view,
              struct hd_check_result *result, struct hd_error *error)
{
  struct check check = {.session = session, .options = options, .error = error};
  *result = (struct hd_check_result){0};
  bool fine = run_check(&check, paths, count, result);
  if (!fine) {
    hd_view_destroy(check.view);
    check.view = NULL;
  }
  hd_gate_deinit(&check.gate);
  hd_gate_verdicts_deinit(&check.verdicts);
  hd_series_deinit(&check.by_site);
  hd_check_run_deinit(&check.run);
  hd_gate_config_deinit(&check.config);
  hd_vec_deinit(&check.wishes.budgets);
  hd_free(check.directory);
  *view = check.view;
  return fine;
}
