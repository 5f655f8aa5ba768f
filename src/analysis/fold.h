/* One snapshot on its way into a series, in three steps:
 *
 *   hd_fold_begin    what a stack needs to know of each of the profile's locations is
 *                    taken from the pool, once a location
 *   hd_fold_records  the records, in as many parts as they come; touches neither pool nor
 *                    series, so that snapshots can be folded at the same time
 *   hd_fold_end      its rows become rows of the series, in the order in which they were
 *                    met: what comes out does not depend on who folded when
 *
 * What is held grows with the locations and the rows, not with the stacks. */
#ifndef HD_ANALYSIS_FOLD_H
#define HD_ANALYSIS_FOLD_H

#include "analysis/series.h"

struct hd_fold;

/* The profile has its measures, modules and locations; `locations` maps the latter to
 * the pool's, all settled. Nothing of either is kept. */
bool hd_fold_begin(struct hd_series *series, const struct hd_profile *profile,
                   const uint32_t *locations, struct hd_fold **fold, struct hd_error *error);
/* All records that the profile holds now; they may be forgotten afterwards. Where the
 * series' stop came it fails, and what was folded of the snapshot is to be destroyed. */
bool hd_fold_records(struct hd_fold *fold, const struct hd_profile *profile,
                     struct hd_error *error);
bool hd_fold_stopped(const struct hd_fold *fold); /* by that */
/* Appends the snapshot. `point` has its facts; its values are filled here. `profile` is
 * the one that was folded, or what is left of it: its strings are looked at. */
bool hd_fold_end(struct hd_fold *fold, const struct hd_profile *profile, struct hd_point point,
                 struct hd_error *error);
void hd_fold_destroy(struct hd_fold *fold); /* takes NULL */

#endif
