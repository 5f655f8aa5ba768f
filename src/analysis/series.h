/* A series: rows x snapshots x measures. Rows are what the profiles' stacks are
 * grouped by; each snapshot is folded in as it is read, and its profile is not
 * needed afterwards. Both sides of a difference stay; nothing is subtracted in
 * place. */
#ifndef HD_ANALYSIS_SERIES_H
#define HD_ANALYSIS_SERIES_H

#include "analysis/classes.h"
#include "analysis/frames.h"
#include "analysis/states.h"
#include "base/stop.h"

/* HD_GROUPING(ID, name): what a row is. Wrappers are skipped in all of them. */
#define HD_GROUPINGS(HD_GROUPING)                                                                  \
  HD_GROUPING(SITE, "site") /* function, file and line of the call site */                         \
  HD_GROUPING(FUNCTION, "function")                                                                \
  HD_GROUPING(LINE, "line") /* file and line, whatever the function */                             \
  HD_GROUPING(FILE, "file")                                                                        \
  HD_GROUPING(MODULE, "module")                                                                    \
  HD_GROUPING(STACK, "stack") /* the whole call stack from the site on */

enum hd_grouping {
#define HD_GROUPING(id, name) HD_BY_##id,
  HD_GROUPINGS(HD_GROUPING)
#undef HD_GROUPING
};

extern const char *const hd_grouping_names[]; /* NULL-terminated */

/* What a row stands for. Fields that the grouping does not tell apart are 0. */
struct hd_label_key {
  uint32_t function, file, line, module;
  uint64_t offset;
  bool inlined; /* where the series tells that apart */
};

struct hd_row {
  struct hd_label_key key;
  uint32_t start_line;    /* of the function, 0 unknown */
  uint32_t first, count;  /* of a stack row: labels in stack_labels, site first */
  bool outlined, inlined; /* occurs at least once so */
};

/* [item * series.columns + series.column[measure]]; may be shorter than there are
 * items: the rest is 0. */
struct hd_values {
  double *items;
  size_t count, capacity;
};

/* What is kept of a snapshot besides its values. */
struct hd_point {
  /* Texts live as long as the session; NULL unknown. */
  const char *path, *program, *called, *boot_id;
  size_t number; /* among the kept ones, from 1 on; 0 of what is not kept */
  bool lazy;     /* the recorder repeats itself until its next collection */
  /* As in struct hd_meta. */
  int64_t time_ns, mono_ns, progress, rss, system, system_free, pid, start_ns, image_ns;
  int64_t threshold, sequence;
  int64_t limit_cgroup, limit_rlimit;
  uint64_t rate;
  bool at_start;             /* of a series, taken when the process began: all that comes later is
                              * new, so that nothing need be marked */
  bool at_exit;              /* taken when it ended: it may have freed what it held */
  double total[HD_MEASURES]; /* over all records, filters or not */
  /* Of total[]: what is in stacks that the recorder did not follow to their root,
   * and what is at call sites that have no name. */
  double cut[HD_MEASURES], unnamed[HD_MEASURES];
  struct hd_values flat, cum; /* by row; cum where the series wants it */
  struct hd_values edges;
  struct hd_states states; /* of goroutines, by row */
  struct hd_class_point sampled;
};

/* Code inlined into a row's line: `outer` is the row of the line, `inner` that of
 * the call site inlined there. */
struct hd_edge {
  uint32_t outer, inner; /* row numbers */
};

struct hd_judged;

struct hd_series {
  struct hd_pool *pool;
  struct hd_frames frames;
  enum hd_grouping by;
  bool want_cum, want_edges;
  bool tell_inlined;     /* BY_STACK: the same line inlined and not are two labels */
  bool borrowed;         /* all but the array `points` is another series' */
  bool has[HD_MEASURES]; /* in every snapshot */
  /* What is kept: the measures of the first snapshot. */
  enum hd_measure measures[HD_MEASURES];
  size_t columns;
  int column[HD_MEASURES]; /* -1: not kept */
  HD_VEC(struct hd_row) rows;
  HD_VEC(struct hd_row) labels; /* what frames are called: of what rows, and stacks of rows, are */
  HD_VEC(uint32_t) stack_labels;
  HD_VEC(struct hd_edge) edges;
  HD_VEC(struct hd_point) points;
  HD_VEC(uint32_t) frame_labels; /* [frame id - 1] -> label number + 1 */
  HD_VEC(uint32_t) label_rows;   /* [label] -> row number + 1; not of BY_STACK */
  struct hd_index stack_index, label_index, edge_index;
  struct hd_classes classes;
  struct hd_judged *judged; /* of a kept series: judged.h; not its own. NULL: there is none */
  struct hd_stop stop;      /* of folding and judging */
  unsigned jobs;            /* threads that work on all rows may take; 0 or 1: none */
};

void hd_series_init(struct hd_series *series, struct hd_pool *pool,
                    const struct hd_filters *filters, enum hd_grouping by);
void hd_series_deinit(struct hd_series *series);

/* What the next snapshot has, before it becomes a point. The first one's measures are kept;
 * what one lacks is not in every one. */
void hd_series_take_measures(struct hd_series *series, const bool has[HD_MEASURES]);

/* Folds a profile in as the next snapshot. `locations` maps the profile's
 * location ids to the pool's (all settled). `point` has the snapshot's facts; its
 * values are filled here. */
bool hd_series_add(struct hd_series *series, const struct hd_profile *profile,
                   const uint32_t *locations, struct hd_point point, struct hd_error *error);

/* The same rows with points that are taken out and put in order apart, and numbered as they
 * are now: `from` stays as it is, and must not change as long as `series` is used. */
bool hd_series_borrow(struct hd_series *series, const struct hd_series *from,
                      struct hd_error *error);

void hd_point_deinit(struct hd_point *point);

/* What is shown where nobody names a measure: inuse_space where every snapshot has it, else
 * whatever there is. False: they have none in common. */
bool hd_series_first_measure(const struct hd_series *series, enum hd_measure *measure);

/* Takes a snapshot out again; its rows stay, with nothing in them. */
void hd_series_drop(struct hd_series *series, size_t point);

/* A value of a row in a snapshot; 0 where it does not occur. */
double hd_series_flat(const struct hd_series *series, size_t point, size_t row,
                      enum hd_measure measure);
double hd_series_cum(const struct hd_series *series, size_t point, size_t row,
                     enum hd_measure measure);
double hd_series_edge(const struct hd_series *series, size_t point, size_t edge,
                      enum hd_measure measure);

#endif
