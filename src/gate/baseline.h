/* Baselines: one side of a comparison as text that is kept under version control.
 *
 *   heapdiff-baseline 1
 *   # heapdiff 0.1.0: `heapdiff baseline update` writes this file anew
 *   program gated
 *   measures inuse_space inuse_objects alloc_space alloc_objects
 *   cache_put@cache.c+12;main@main.c+20<TAB>rate=4096 inuse_space=1048576|1050000~3.6e+09 ...
 *
 * One line a call chain, the call site first, sorted by bytes. A frame is function@file and
 * the line inside the function, from its first line ("+") or from the lowest line of it that
 * was seen ("~"); "\" takes their meaning from ; @ + ~ and itself, "\t", "\n" and "\r" are
 * those characters, in the program's name, too, which may be missing. A value is that of each run, "|" between them, and the sampling variance
 * of one run after "~" where there is one. There are no sums: lines merge one by one. */
#ifndef HD_GATE_BASELINE_H
#define HD_GATE_BASELINE_H

#include "analysis/side.h"
#include "base/buffer.h"

/* How a file of any version begins. */
#define HD_BASELINE_MAGIC "heapdiff-baseline "

/* Fills an empty side. Errors are of kind input, with the line. */
bool hd_baseline_read(struct hd_side *side, const char *text, size_t length,
                      struct hd_error *error);

/* Writes a side whose run_values were kept. `program`: its name, NULL unknown. */
bool hd_baseline_write(const struct hd_side *side, const char *program, struct hd_buffer *out,
                       struct hd_error *error);

#endif
