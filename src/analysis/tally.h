/* One snapshot as numbers by bucket (contexts.h): what is left of its records once their
 * stacks are in the tree of all snapshots. */
#ifndef HD_ANALYSIS_TALLY_H
#define HD_ANALYSIS_TALLY_H

#include "analysis/classes.h"
#include "analysis/columns.h"
#include "analysis/contexts.h"
#include "model/pool.h"

/* Live objects of a bucket whose age is in [2^log2, 2^(log2+1)) ms, as sampled. */
struct hd_tally_age {
  uint32_t bucket, log2;
  uint64_t count;
};

struct hd_tally {
  bool has[HD_MEASURES];
  struct hd_columns columns;
  HD_VEC(uint32_t) buckets;              /* of the contexts; each once */
  HD_VEC(double) values;                 /* [entry * columns.count + column] */
  HD_VEC(struct hd_class_counts) counts; /* by entry; none where nothing was sampled */
  HD_VEC(struct hd_tally_age) ages;
};

/* Adds what a frozen profile holds to the contexts; `locations` maps its locations to the
 * pool's, which receives the states of goroutines. False on want of memory, with `tally`
 * empty. */
bool hd_tally_make(struct hd_tally *tally, struct hd_contexts *contexts, struct hd_pool *pool,
                   const struct hd_profile *profile, const uint32_t *locations);
void hd_tally_deinit(struct hd_tally *tally);

#endif
