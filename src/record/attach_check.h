/* Whether a running process can be attached to, before anything is done to it. */
#ifndef HD_RECORD_ATTACH_CHECK_H
#define HD_RECORD_ATTACH_CHECK_H

#include "attach/process.h"

/* That it is a process which runs, and that this one may look into it; fills `status`. */
bool hd_attach_check_process(int64_t pid, struct hd_process_status *status, struct hd_error *error);
/* That the agent (at `agent`) can be put into it. */
bool hd_attach_check_code(pid_t pid, const struct hd_process_status *status, const char *agent,
                          struct hd_error *error);
/* Whether it is a program in Go; where that cannot be seen, it is none. */
bool hd_attach_is_go(pid_t pid);

#endif
