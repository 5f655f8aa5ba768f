/* What a stopped thread of another process is sent to do: call dlopen and a function of
 * what that opened, on a stack of its own, and then go back to where it was.
 *
 * It would find its way back by itself: a signal frame in the errand's memory holds what it
 * was, and where nobody has put that back after a while, it returns through it. So the
 * process goes on unharmed also where the errand takes longer than it is waited for, or the
 * sender is killed in the middle. */
#ifndef HD_ATTACH_ERRAND_H
#define HD_ATTACH_ERRAND_H

#include "attach/thread.h"

#include <limits.h>

/* The memory in the target: a page of code, which is not writable, then the stack and the
 * data, which are not executable. */
enum {
  HD_ERRAND_CODE = 4096,
  HD_ERRAND_STACK = 224 * 1024,
  HD_ERRAND_DATA = 32 * 1024,
  HD_ERRAND_SIZE = HD_ERRAND_CODE + HD_ERRAND_STACK + HD_ERRAND_DATA
};

/* Addresses of functions in the target. */
struct hd_errand_functions {
  uint64_t dlopen, dlsym, dlerror, errno_location;
};

/* What came of it. */
struct hd_errand_answer {
  uint64_t errno_at;         /* where the thread has its errno; 0: the errand has not begun */
  uint64_t handle, function; /* 0: dlopen, or dlsym, failed; then... */
  uint64_t text;             /* ... is the address of dlerror's text */
  int64_t result;            /* of the function, an int */
  uint32_t done;             /* it is all filled in */
  int32_t kept_errno;        /* what it was before */
};

/* Fills the memory at `base` for a thread in `state`: it will open `library` and call
 * `function` in it. False: errno says why. */
bool hd_errand_write(const struct hd_thread *thread, uint64_t base,
                     const struct hd_errand_functions *functions, const char *library,
                     const char *function, const struct hd_thread_state *state);
/* The registers with which it sets out. */
struct user_regs_struct hd_errand_registers(uint64_t base, const struct hd_thread_state *state);
bool hd_errand_read(pid_t pid, uint64_t base, struct hd_errand_answer *answer);
/* Whether an address is in the errand's code. */
bool hd_errand_holds(uint64_t base, uint64_t pc);

/* The signal frame that puts `state` back: written to `frame`, which will be at `at` in the
 * target and is aligned to 64 bytes there. Its size; 0 where it does not fit. The address
 * to return through is `at`. */
size_t hd_errand_frame(const struct hd_thread_state *state, uint64_t at, void *frame, size_t size);

#endif
