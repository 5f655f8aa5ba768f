/* The table of `top`. */
#ifndef HD_ANALYSIS_TOP_H
#define HD_ANALYSIS_TOP_H

#include "analysis/growth.h"
#include "analysis/names.h"

struct hd_top_options {
  enum hd_measure measure;
  enum hd_sort sort;
  bool since_last;     /* show what came since the last snapshot but one */
  bool cum;            /* show and rank by cum */
  size_t keep;         /* rows, 0 all */
  bool keep_small;     /* pprof's layout: no cut-off */
  int64_t limit;       /* of the process's memory; 0: what the snapshots say */
  const char *filters; /* in words, "" none */
  struct hd_name_style names;
};

/* Columns: growth and its interval, (cum), share, rate and its interval, before,
 * after, objects, verdict, (values between), call site. One snapshot: value, share, objects, call site. */
bool hd_top_build(const struct hd_series *series, const struct hd_top_options *options,
                  struct hd_view *view, struct hd_error *error);

/* The table as `go tool pprof -top` lays it out: functions, flat and cum, those with
 * a cum below 0.5% left out unless they are to be kept; a difference's percentages
 * are of the gross growth. */
bool hd_top_build_pprof(const struct hd_series *series, const struct hd_top_options *options,
                        struct hd_view *view, struct hd_error *error);

#endif
