/* Which function calls which, and what was allocated there: the graph of `go tool pprof
 * -tree` and -peek, trimmed by the same rules. */
#ifndef HD_ANALYSIS_CALLS_H
#define HD_ANALYSIS_CALLS_H

#include "analysis/survey.h"
#include "base/regex.h"

/* A function; what has no name is a file or a module. */
struct hd_call_node {
  const char *name; /* of the arena */
  int64_t flat, cum;
  bool kept;   /* not trimmed away */
  bool wanted; /* its calls are */
};

/* What was allocated through calls of one function by another; a call over functions
 * that were trimmed away is theirs, too. */
struct hd_call {
  uint32_t caller, callee; /* node numbers */
  int64_t weight;
  bool inlined; /* wherever it occurs */
};

struct hd_calls {
  const struct hd_series *series;
  bool diff; /* values are growth */
  HD_VEC(struct hd_call_node) nodes; /* by label of the survey's series */
  HD_VEC(struct hd_call) calls;
  HD_VEC(uint32_t) sorted; /* the kept nodes, in their order */
  struct hd_arena arena;
  int64_t total; /* the sum of all flats, whatever their signs */
  int64_t gross; /* of those above 0 */
  int64_t node_cutoff;
  size_t dropped; /* nodes below it */
  size_t left;    /* nodes that are not */
};

struct hd_calls_options {
  size_t keep;                   /* nodes, 0 all */
  bool cum;                      /* they come in the order of cum, not flat */
  bool trim;                     /* what is below pprof's fractions is left out */
  const struct hd_regex *wanted; /* only calls of and by functions that match; NULL: all */
};

/* What the values are of. */
struct hd_calls_source {
  const struct hd_series *series; /* of whose points nothing but their number is looked at */
  const struct hd_survey *survey; /* of a series by function in which no frame is a wrapper */
  const struct hd_tally *before;  /* NULL: the values are those of one snapshot */
  const struct hd_tally *after;
  enum hd_measure measure;
};

/* `calls` may be used with the series as long as that is there. */
bool hd_calls_init(struct hd_calls *calls, const struct hd_calls_source *source,
                   const struct hd_calls_options *options, struct hd_error *error);
void hd_calls_deinit(struct hd_calls *calls);

#endif
