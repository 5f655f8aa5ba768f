/* What the gate found, as a view. */
#ifndef HD_GATE_FINDINGS_H
#define HD_GATE_FINDINGS_H

#include "analysis/names.h"
#include "analysis/source_text.h"
#include "gate/gate.h"
#include "gate/suppress.h"
#include "gate/verdicts.h"

struct hd_findings_options {
  const struct hd_gate *gate;
  const struct hd_gate_verdicts *verdicts;
  const struct hd_suppressions *suppressions;
  double confidence;
  const char *program, *before, *after; /* in words: what is compared */
  size_t keep; /* rows for people that are neither over a budget nor near; 0 all */
  struct hd_name_style names;
  struct hd_source_search search;
};

/* Fills a view of kind HD_VIEW_FINDINGS. *regressions: how many there are. */
bool hd_findings_build(const struct hd_findings_options *options, struct hd_view *view,
                       size_t *regressions, struct hd_error *error);

/* --- for its own files ---------------------------------------------------------------- */

struct hd_findings {
  const struct hd_findings_options *options;
  struct hd_view *view;
  struct hd_error *error;
  size_t failed, noisy, moved;
};

/* findings_text.c: amounts in words, in the view's memory; NULL on want of memory. */
const char *hd_amount_text(struct hd_view *view, enum hd_measure measure, double value, bool sign);
/* How often each side was sampled, behind what comes before: "" where none was. */
const char *hd_rates_text(struct hd_view *view, const struct hd_comparison *across);
/* Whether the base was sampled more coarsely than what is gated: a finer rate of the latter is no
 * help then. */
bool hd_base_is_coarse(const struct hd_comparison *comparison);
/* Of what is over its budget by chance, perhaps: what would tell. NULL for all else, too. */
const char *hd_advice_text(struct hd_view *view, const struct hd_gate_check *check);
struct hd_cell hd_amount_cell(enum hd_measure measure, double value, bool sign);
/* The site of a check: name, place and what the source has there. */
bool hd_finding_place(struct hd_findings *findings, const struct hd_sites *sites, uint32_t site,
                      struct hd_finding *finding);
/* A source file as it is shown, in the view's memory; NULL on want of memory. */
const char *hd_finding_path(struct hd_findings *findings, const char *path);
bool hd_finding_source(struct hd_findings *findings, const char *path, struct hd_finding *finding);
/* "src/cache.c:52", "" unknown. */
const char *hd_finding_where(struct hd_view *view, const struct hd_finding *finding);

/* findings_grid.c */
bool hd_findings_grid(struct hd_findings *findings);

#endif
