/* What each call site of two builds gained: the chains of both sides, matched, summed by
 * the site that they have in the new build; and what only moved from one function to
 * another. */
#ifndef HD_ANALYSIS_SITES_H
#define HD_ANALYSIS_SITES_H

#include "analysis/match.h"

/* A sum over chains of one side. */
struct hd_site_sum {
  double value, variance, spread, turnover; /* as in struct hd_side_amount */
};

struct hd_site {
  uint32_t frame;       /* of the site; in the old build where the new one has it no more */
  uint32_t path, place; /* its source, of the same build; 0 unknown */
  uint32_t was;         /* the frame in the old build, where it is another; 0 */
  struct hd_site_sum before, after; /* without what is hidden */
  double hidden_before, hidden_after;
  double moved;         /* of the growth, what came from `moved_from`; of a loss, what went
                         * there (negative) */
  struct hd_site_sum moved_sum; /* what was there before it came here */
  uint32_t moved_site;  /* the site, + 1, that most of it came from or went to */
  enum hd_match_level level; /* the loosest of its chains that hold something */
  uint32_t row;         /* the largest chain; of `after` unless it is gone */
  bool is_new, gone;    /* in one of the sides there is no such site */
  double largest;       /* value of that chain */
};

struct hd_sites {
  const struct hd_side *before, *after;
  enum hd_measure measure;
  HD_VEC(struct hd_site) items;
  struct hd_index index;
};

bool hd_sites_build(const struct hd_side *before, const struct hd_side *after,
                    const struct hd_match *match, enum hd_measure measure,
                    struct hd_sites *sites, struct hd_error *error);
void hd_sites_deinit(struct hd_sites *sites);

/* moved.c: finds growth that is a loss elsewhere: in the same function, or in functions
 * one of which calls the other, also through functions that the other build has not. A
 * loss counts from four standard errors on; from two on where it explains most of the
 * growth. */
bool hd_sites_find_moved(struct hd_sites *sites, struct hd_error *error);

double hd_site_growth(const struct hd_site *site); /* less what moved */

#endif
