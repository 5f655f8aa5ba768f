/* Row numbers of frames, stacks and inlined pairs; used by series.c alone. All
 * ids are numbers + 1; 0 means that memory is short. */
#ifndef HD_ANALYSIS_LABELS_H
#define HD_ANALYSIS_LABELS_H

#include "analysis/series.h"

/* The label of a frame under the series' grouping: a row, but for BY_STACK. `inlined`
 * counts where the series tells that apart. */
uint32_t hd_label_of_frame(struct hd_series *series, uint32_t frame, bool inlined);
/* The label of a stack without frames. */
uint32_t hd_label_of_nothing(struct hd_series *series);
/* BY_STACK: the row of a sequence of labels, site first (count >= 1). */
uint32_t hd_row_of_stack(struct hd_series *series, const uint32_t *labels, size_t count);
uint32_t hd_edge_of(struct hd_series *series, uint32_t outer, uint32_t inner);

#endif
