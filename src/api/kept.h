/* Snapshots that stay in memory, so that question after question is answered without
 * reading them again; and what was made of them for the last few questions. */
#ifndef HD_API_KEPT_H
#define HD_API_KEPT_H

#include "analysis/survey.h"
#include "api/filters.h"
#include "api/load.h"

/* What a series is folded by. */
struct hd_fold_spec {
  enum hd_grouping by;
  bool want_cum, want_edges, tell_inlined, keep_wrappers;
  struct hd_filter_texts filters;
};

struct hd_kept_set;

void hd_kept_set_destroy(struct hd_kept_set *kept); /* takes NULL */

/* The kept snapshots, all of them, folded so; it is the session's, and good until the
 * next call. */
bool hd_kept_series(struct hd_session *session, const struct hd_fold_spec *spec,
                    const struct hd_series **series, struct hd_error *error);
/* The same, and what was found of the contexts of their stacks on the way. */
bool hd_kept_survey(struct hd_session *session, const struct hd_fold_spec *spec,
                    const struct hd_series **series, const struct hd_survey **survey,
                    struct hd_error *error);
/* Of kept snapshot number `number`, from 1 on. */
const struct hd_tally *hd_kept_tally(const struct hd_session *session, size_t number);
/* What is to be judged of a fold before somebody asks. */
struct hd_kept_judging {
  bool wanted;
  struct hd_settling settling;
  int measure; /* -1: the first one (series.h) */
};
/* Has them folded so in the background, and judged. */
void hd_kept_prepare(struct hd_session *session, const struct hd_fold_spec *spec,
                     const struct hd_kept_judging *judging);

#endif
