/* What a recording's result has from the agent's counters and from the directory. */
#ifndef HD_RECORD_RESULT_H
#define HD_RECORD_RESULT_H

#include "agent/protocol.h"
#include "record/output_directory.h"

#include <heapdiff/record.h>

/* `logged_before`: bytes of the agent's log when it began. */
void hd_result_fill(struct hd_record_result *result, const struct hd_agent_status *counted,
                    const struct hd_output_directory *directory, off_t logged_before);

#endif
