/* A capture as a native snapshot (heapdiff-snapshot(5)). */
#ifndef HD_AGENT_FORMAT_H
#define HD_AGENT_FORMAT_H

#include "capture.h"
#include "costs.h"
#include "output.h"
#include "regions.h"
#include "series.h"

/* What a snapshot says besides what was captured. */
struct hd_circumstances {
  const char *label; /* a text of the user's, "" none */
  struct hd_costs costs;
  struct hd_limits limits;
  struct hd_regions regions;
  struct hd_malloc_figures malloc;
};

void hd_format_snapshot(struct hd_output *output, const struct hd_capture *capture,
                        const struct hd_series *series, const struct hd_circumstances *circumstances);

#endif
