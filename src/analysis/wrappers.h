/* Which frames only pass an allocation on (wrappers.def), so that the call site
 * of `v.push_back(x)` or `strdup(p)` is the line that says so. */
#ifndef HD_ANALYSIS_WRAPPERS_H
#define HD_ANALYSIS_WRAPPERS_H

#include "base/regex.h"
#include "model/pool.h"

/* `extra` are the user's own patterns, found anywhere in the function name. */
bool hd_wrapper_is(const struct hd_pool *pool, const struct hd_pool_frame *frame,
                   struct hd_regex *const *extra, size_t extra_count);

/* Whether all of a module is a wrapper, by the name of its file: the C library and
 * its like. */
bool hd_wrapper_module(const char *path);

#endif
