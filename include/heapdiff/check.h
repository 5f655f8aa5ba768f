/* A gate for CI: has memory grown by more than it may? */
#ifndef HEAPDIFF_CHECK_H
#define HEAPDIFF_CHECK_H

#include <heapdiff/session.h>
#include <heapdiff/view.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A budget: one of hd_rule_name's words, and "1MiB", "5%" or "10MB/h". */
struct hd_check_budget {
  const char *rule, *budget;
};

struct hd_check_options {
  const char *config;    /* heapdiff.json's place; NULL: in the working directory, if there */
  bool no_config;
  /* What is compared against: a baseline file, or the snapshots of one run or more, each
   * path a run. None: see hd_check. */
  const char *const *baselines;
  size_t baseline_count;
  const struct hd_check_budget *budgets; /* over those of the config, rule by rule */
  size_t budget_count;
  const char *const *fail_on; /* verdicts */
  size_t fail_on_count;
  const char *const *suppressions; /* files */
  size_t suppression_count;
  double confidence; /* chance that nothing is reported where nothing has changed; 0: .999 */
  int64_t limit;     /* of the process's memory, in bytes; 0: what the snapshots say */
  int64_t nodecount; /* rows for people that pass; 0 all */
  const char *const *source_paths, *const *trim_paths;
  size_t source_path_count, trim_path_count;
};

struct hd_check_result {
  size_t regressions; /* that were found */
};

/* Gates the snapshots that `paths` name (none: those remembered, as hd_session_select).
 * With baselines, each path is a run of what is gated, and its last snapshot counts. Without,
 * two snapshots of two processes are the base and what is gated; those of one process are
 * a series, whose growth is gated. A leak report may stand alone.
 *
 * Mistakes in budgets, patterns and the config are of kind usage; they say where. */
bool hd_check(hd_session *session, const char *const *paths, size_t count,
              const struct hd_check_options *options, hd_view **view,
              struct hd_check_result *result, struct hd_error *error);

/* Writes the baseline file `path` from the snapshots that `paths` name, each a run of which
 * the last one counts (none: those remembered). The view shows what that changes in the one
 * that was there: `nodecount` call sites, 0 all. */
bool hd_baseline_update(hd_session *session, const char *path, const char *const *paths,
                        size_t count, int64_t nodecount, hd_view **view, struct hd_error *error);
/* What is in a baseline file. */
bool hd_baseline_show(hd_session *session, const char *path, int64_t nodecount, hd_view **view,
                      struct hd_error *error);

/* The words of budgets and of fail_on: NULL past the last one. */
const char *hd_rule_name(size_t i);
const char *hd_verdict_name(size_t i);
/* Output formats that print what hd_check finds. */
const char *hd_finding_format_name(size_t i);

#ifdef __cplusplus
}
#endif

#endif
