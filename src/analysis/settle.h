/* From all snapshots of a question to those that count. Nothing is said of it here: that is
 * for who asked (api/load.c). */
#ifndef HD_ANALYSIS_SETTLE_H
#define HD_ANALYSIS_SETTLE_H

#include "analysis/gaps.h"
#include "analysis/window.h"

/* The snapshot at exit. */
enum hd_exit_kind {
  HD_EXIT_COUNTS, /* or is none */
  HD_EXIT_ALONE,  /* counts, as there is none but it and the first, though all was freed */
  HD_EXIT_LEFT_OUT
};

struct hd_settling {
  struct hd_window window;
  bool one_series; /* they belong together: of a directory or of one file */
  bool find_gaps;
};

/* What was found on the way. Of points the facts, not the values. */
struct hd_settled {
  enum hd_exit_kind exit;
  struct hd_point first, at_exit; /* of all, where `exit` is something to be told */
  struct hd_gaps gaps;
  struct hd_point after_gap; /* where there are gaps: after the widest */
  struct hd_window_result window;
};

/* Takes the points out that do not count. The first is marked as no beginning where the
 * snapshots do not belong together. */
bool hd_settle(struct hd_series *series, const struct hd_settling *settling,
               struct hd_settled *settled, struct hd_error *error);

/* What the program held: its heap, and what it mapped itself where that is recorded. */
double hd_held_at(const struct hd_point *point);
/* Whether so little is left of a total at a process's exit that the snapshot before
 * says more of what it held while it ran. */
bool hd_is_freed(double before, double last);

#endif
