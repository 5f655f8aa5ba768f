/* The views of `tree`, `peek` and `traces`. */
#ifndef HD_ANALYSIS_TREE_H
#define HD_ANALYSIS_TREE_H

#include "analysis/calls.h"
#include "analysis/view.h"
#include "base/regex.h"

struct hd_tree_options {
  enum hd_measure measure;
  size_t keep;                    /* functions or stacks, 0 all */
  bool cum;                       /* in the order of cum, not flat */
  const struct hd_regex *pattern; /* peek: on function names; NULL: tree */
  const char *pattern_text;
  const char *filters; /* in words, "" none */
  bool keep_small;     /* tree: nothing is trimmed */
};

/* Functions among their callers and callees, as `go tool pprof -tree` has them; with a
 * pattern those that match, none trimmed. An error of kind usage where none matches. */
bool hd_tree_build(const struct hd_calls_source *source, const struct hd_tree_options *options,
                   struct hd_view *view, struct hd_error *error);

/* Every stack with what it holds or gained, the largest first. The series must be by
 * stack, no frame a wrapper, and tell inlined calls apart. */
bool hd_traces_build(const struct hd_series *series, const struct hd_tree_options *options,
                     struct hd_view *view, struct hd_error *error);

#endif
