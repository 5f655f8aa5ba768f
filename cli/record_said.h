/* What is said of a recording, by `record` and by verbs that record on their way. */
#ifndef HEAPDIFF_CLI_RECORD_SAID_H
#define HEAPDIFF_CLI_RECORD_SAID_H

#include <heapdiff/record.h>

/* What was lost. */
void record_say_losses(const struct hd_record_result *result);
/* Of a Go program, what the agent does not see. */
void record_say_go(const struct hd_record_result *result);
/* What was written, what that cost and what to do next. `how` it ended comes first; NULL:
 * that goes without saying. */
void record_say_summary(const struct hd_record_result *result, const char *how);
/* Why nothing could be recorded; returns the exit code, one of HD_RECORD_FAILED and its
 * like. */
int record_own_failure(int exit_code, const struct hd_error *error);

#endif
