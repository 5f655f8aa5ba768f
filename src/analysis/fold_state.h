/* What fold.c and fold_merge.c share. Ids are numbers + 1; 0 means none. */
#ifndef HD_ANALYSIS_FOLD_STATE_H
#define HD_ANALYSIS_FOLD_STATE_H

#include "analysis/columns.h"
#include "analysis/fold.h"
#include "analysis/places.h"

/* A row of this snapshot alone. */
struct hd_fold_row {
  uint32_t label;
  uint32_t frame;        /* that was met first, 0 none */
  uint32_t first, count; /* BY_STACK: in the fold's stack_labels */
  struct hd_recent_class recent[HD_RECENT_CLASSES];
  bool outlined, inlined;
};

struct hd_fold {
  struct hd_series *series;
  enum hd_grouping by;
  bool want_cum, want_edges;
  bool every_frame; /* filters want all of a stack to be looked at */
  bool site_alone;  /* nothing but the call site matters of a stack */
  bool want_focus;

  bool has[HD_MEASURES];
  struct hd_columns columns;

  /* By location id - 1; and what is looked at most, apart from the rest. */
  struct hd_places at;
  HD_VEC(uint32_t) frame_rows; /* beside its frames: the row, 0 until it was met */
  HD_VEC(uint32_t) only_rows;  /* by location: the row of its only frame, 0 not yet, or none */
  uint32_t nothing;            /* the label of a stack without frames */
  uint32_t *row_of_label;      /* [label - 1] */

  HD_VEC(struct hd_fold_row) rows;
  HD_VEC(uint32_t) row_stamps, edge_stamps; /* of the record that was there last */
  uint32_t stamp;
  HD_VEC(uint32_t) stack_labels;
  struct hd_index stack_index;
  HD_VEC(struct hd_edge) edges; /* of row numbers of the fold */
  struct hd_index edge_index;

  /* [number * columns + column] */
  struct hd_values flat, cum, edge_values;
  double total[HD_MEASURES], cut[HD_MEASURES], unnamed[HD_MEASURES]; /* by column */
  struct hd_classes classes; /* of row numbers of the fold */
  struct hd_class_point sampled;
  struct hd_states states;          /* the same; texts are strings of the profile */
  HD_VEC(uint32_t) state_of_labels; /* [label set - 1]: string of the profile */
  size_t records;
  bool stopped;
};

/* fold_rows.c; all 0 on want of memory. The row of a label that was met at a frame (0 none). */
uint32_t hd_fold_label_row(struct hd_fold *fold, uint32_t label, uint32_t frame);
/* The row of the labels that were pushed behind the `first` ones, which go where it has
 * them already. */
uint32_t hd_fold_stack_row(struct hd_fold *fold, size_t first, uint32_t frame);
uint32_t hd_fold_edge(struct hd_fold *fold, uint32_t outer, uint32_t inner);

#endif
