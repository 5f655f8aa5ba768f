/* Why the kernel does not let a process be traced, and what can be done about it. */
#ifndef HD_ATTACH_REFUSAL_H
#define HD_ATTACH_REFUSAL_H

#include "base/error.h"

#include <sys/types.h>

/* What of the system decides about it. */
struct hd_trace_rules {
  int yama;        /* kernel.yama.ptrace_scope; -1: the kernel has no yama */
  bool privileged; /* this process has CAP_SYS_PTRACE */
};

struct hd_trace_rules hd_trace_rules_read(void);

/* After PTRACE_SEIZE failed with `why`. Returns false always. */
bool hd_trace_refused(const struct hd_trace_rules *rules, int why, struct hd_error *error);

#endif
