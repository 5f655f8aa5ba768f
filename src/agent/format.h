/* A capture as a native snapshot (heapdiff-snapshot(5)). */
#ifndef HD_AGENT_FORMAT_H
#define HD_AGENT_FORMAT_H

#include "capture.h"
#include "output.h"
#include "series.h"

void hd_format_snapshot(struct hd_output *output, const struct hd_capture *capture,
                        const struct hd_series *series, struct hd_scratch_text *buffer);

#endif
