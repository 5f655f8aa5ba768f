/* Whether a stopped thread may be made to call dlopen where it stands: it must hold none of
 * the locks, and be in the middle of none of the data, that dlopen, malloc and
 * pthread_create use. */
#ifndef HD_ATTACH_SAFE_H
#define HD_ATTACH_SAFE_H

#include "attach/image.h"

/* The system call that a thread is in. */
struct hd_call {
  int64_t number; /* -1: none */
  int operation;  /* of a futex */
};

/* False: *why is what speaks against it, a static text or a name in `stack`. */
bool hd_stack_is_safe(const struct hd_code_stack *stack, struct hd_call call, const char **why);

/* Whether a thread that waits in this system call is likely to be fine: which to try
 * first. */
bool hd_syscall_waits(int64_t syscall);

#endif
