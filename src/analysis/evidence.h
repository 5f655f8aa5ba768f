/* All that speaks for and against a leak, of each row that matches: `explain`. */
#ifndef HD_ANALYSIS_EVIDENCE_H
#define HD_ANALYSIS_EVIDENCE_H

#include "analysis/growth.h"
#include "analysis/judge.h"
#include "analysis/names.h"

struct hd_evidence_options {
  enum hd_measure measure;
  const struct hd_regex *pattern; /* on function names */
  const char *pattern_text;
  const char *filters;
  size_t keep; /* sites at most, 0 all */
  struct hd_name_style names;
};

/* The series must be by site. The sites come in the order of their scores. An error
 * of kind usage where none matches, or where there is one snapshot. */
bool hd_evidence_build(const struct hd_series *series, const struct hd_evidence_options *options,
                       struct hd_view *view, struct hd_error *error);

/* In one sentence, why a row got its verdict. `trend` is NULL with few points. */
const char *hd_evidence_why(struct hd_view *view, const struct hd_judges *judges, size_t row,
                            const struct hd_trend *trend);

#endif
