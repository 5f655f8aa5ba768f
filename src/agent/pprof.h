/* A capture as an uncompressed profile.proto, by the conventions of Go's heap
 * profiles (https://github.com/google/pprof/blob/main/proto/profile.proto):
 * values already unsampled, record by record, the objects' size under the label
 * "bytes", the sampling interval as the period. */
#ifndef HD_AGENT_PPROF_H
#define HD_AGENT_PPROF_H

#include "format.h"

void hd_pprof_snapshot(struct hd_output *output, const struct hd_capture *capture,
                       const struct hd_series *series);

#endif
