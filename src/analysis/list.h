/* The annotated source of `list`. */
#ifndef HD_ANALYSIS_LIST_H
#define HD_ANALYSIS_LIST_H

#include "analysis/growth.h"
#include "analysis/names.h"
#include "analysis/source_text.h"

struct hd_list_options {
  enum hd_measure measure;
  const struct hd_regex *pattern; /* on function names */
  const char *pattern_text;
  const char *filters;
  struct hd_name_style names;
  struct hd_source_search search;
};

/* The series must be by site, with cum and edges. Functions come in the order of
 * their gain. An error of kind usage names the nearest functions where none
 * matches. */
bool hd_list_build(const struct hd_series *series, const struct hd_list_options *options,
                   struct hd_view *view, struct hd_error *error);

/* Up to three function names of the series that look like `wanted`, as "a, b or
 * c"; "" where none does. */
void hd_list_nearest(const struct hd_series *series, const char *wanted, char *out, size_t size);

#endif
