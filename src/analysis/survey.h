/* What a series makes of all kept stacks at once: to which row and class each bucket
 * (contexts.h) goes, and which rows gain what passes through each context. It is made once a
 * grouping and filters; adding a snapshot is then a sum of columns.
 *
 * The rows, classes and edges that it finds are the series'; fold.h gives the same from one
 * profile at a time. Making it changes the series; adding reads it alone, so that snapshots
 * can be added at the same time. */
#ifndef HD_ANALYSIS_SURVEY_H
#define HD_ANALYSIS_SURVEY_H

#include "analysis/contexts.h"
#include "analysis/places.h"
#include "analysis/tally.h"

/* A context in which call sites are: where stacks end, wrappers left out. */
struct hd_own {
  uint32_t context;
  uint32_t row;                    /* of the series, + 1 */
  uint32_t first_edge, edge_count; /* in own_edges: what was inlined into its location */
};

/* A context that something passes through, in the order of the contexts. Step 0 is the root's;
 * each step's values are its parent's, too. */
struct hd_step {
  uint32_t parent;
  uint32_t own;       /* + 1; 0 none */
  uint32_t first_add; /* in adds; they end where the next step's begin */
};

/* A row that gains at a step, + 0; with this bit only what comes from its callees. */
#define HD_ADD_PASSING 0x80000000u

/* Where a bucket's values go. In one place, as each snapshot looks at most of them. */
struct hd_aim {
  uint32_t row, class, own; /* + 1; 0 none */
  bool cut, unnamed;        /* its stack; its call site has no name */
};

struct hd_survey {
  struct hd_series *series;
  const struct hd_contexts *contexts;
  uint64_t version; /* of the contexts */

  struct hd_places at;
  uint32_t *place_of;          /* [location of the pool]: place + 1 */
  HD_VEC(uint32_t) frame_rows; /* beside at.frames: row + 1, 0 until it was met */

  /* [context] + 1, 0 none: where the call site is; and whether a filter drops it all. */
  uint32_t *where;
  bool *dropped;
  uint32_t *own_at; /* [context]: own + 1, 0 none */

  struct hd_aim *aims; /* [bucket] */

  HD_VEC(struct hd_own) owns;
  HD_VEC(uint32_t) own_edges;   /* edges of the series */
  HD_VEC(uint32_t) edge_stamps; /* [edge]: own + 1 that had it last */
  HD_VEC(struct hd_step) steps; /* one more at the end, where the adds end */
  HD_VEC(uint32_t) adds;
};

/* The contexts are in order. Where the series' stop comes, *stopped is set and it fails. */
bool hd_survey_make(struct hd_series *series, const struct hd_contexts *contexts,
                    struct hd_survey **survey, bool *stopped, struct hd_error *error);
void hd_survey_destroy(struct hd_survey *survey); /* takes NULL */

/* Room for a snapshot's sums, of one thread at a time; all 0 between two. To be kept from
 * one survey to the next: the kernel takes longer to give so much memory than the sums take. */
struct hd_survey_sums {
  double *owns, *steps;
  size_t own_room, step_room;
};
void hd_survey_sums_deinit(struct hd_survey_sums *sums);

/* Fills the values of a point from a snapshot's tally. The series has its measures. False on
 * want of memory. */
bool hd_survey_add(const struct hd_survey *survey, const struct hd_tally *tally,
                   struct hd_survey_sums *sums, struct hd_point *point);

/* The place of a context, which is not the root. */
static inline uint32_t hd_survey_place(const struct hd_survey *survey, uint32_t context)
{
  return survey->place_of[survey->contexts->nodes.items[context].location] - 1;
}

/* Of the frames of a place, the first that counts where a stack ends there. */
static inline uint32_t hd_place_start(const struct hd_places *at, uint32_t place)
{
  uint32_t site = at->places.items[place].site;
  return site < at->spans.items[place].count ? site : 0;
}

/* False on want of memory. survey_rows.c: rows of all that buckets are in, and owns. */
bool hd_survey_rows(struct hd_survey *survey);
/* survey_steps.c: after it. */
bool hd_survey_steps(struct hd_survey *survey);

#endif
