/* Rows in words. */
#ifndef HD_ANALYSIS_NAMES_H
#define HD_ANALYSIS_NAMES_H

#include "analysis/series.h"
#include "analysis/view.h"

/* Source files as people want to read them: what lies below the working
 * directory is shown relative to it. */
struct hd_name_style {
  const char *directory; /* the working directory, NULL none */
};

/* The row's name ("cache_put", "server+0x11a4", "[libfoo.so]") and the place
 * behind it ("src/cache.c:118", "" none), copied into the view. */
bool hd_row_name(const struct hd_series *series, size_t row, const struct hd_name_style *style,
                 struct hd_view *view, const char **name, const char **place);

/* The frames of a stack row, site first, one text each. */
bool hd_row_stack(const struct hd_series *series, size_t row, const struct hd_name_style *style,
                  struct hd_view *view, const char *const **texts, size_t *count);

/* The functions of a stack row alone, site first, inlined ones marked as such. */
bool hd_row_functions(const struct hd_series *series, size_t row, struct hd_view *view,
                      const char *const **texts, size_t *count);

/* A path as above; points into `path`. */
const char *hd_shown_path(const struct hd_name_style *style, const char *path);

#endif
