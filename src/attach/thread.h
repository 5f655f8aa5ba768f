/* A thread of another process, stopped by ptrace: its registers, its memory, system calls
 * made in its place. All of it from the one thread that seized it; when that ends, the
 * kernel lets go of what it still holds. */
#ifndef HD_ATTACH_THREAD_H
#define HD_ATTACH_THREAD_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum { HD_MOST_XSTATE = 16384 };

/* Everything that a call in its place changes. */
struct hd_thread_state {
  struct user_regs_struct registers;
  uint64_t mask; /* of signals */
  uint8_t xstate[HD_MOST_XSTATE] __attribute__((aligned(64)));
  size_t xstate_size;
};

struct hd_thread {
  pid_t tid;
  bool seized;
  bool stopped;
  int64_t stopped_ns; /* CLOCK_MONOTONIC at the interrupt, 0: it was none */
};

enum hd_wait_result {
  HD_WAIT_STOPPED, /* by the interrupt, or on its way to stop with its whole process */
  HD_WAIT_SIGNAL,  /* before a signal is delivered: `*value` has its number */
  HD_WAIT_RUNNING, /* nothing came in time */
  HD_WAIT_GONE     /* it has ended, or has become another program's */
};

int64_t hd_monotonic_ns(void);

/* False: errno says why. */
bool hd_thread_seize(struct hd_thread *thread, pid_t tid);
/* Has it stop, and waits for that. False: not in time, or it is gone; in the first case it
 * is still held. */
bool hd_thread_interrupt(struct hd_thread *thread, int64_t until_ns);
/* Waits for whatever comes next. */
enum hd_wait_result hd_thread_wait(struct hd_thread *thread, int64_t until_ns, int *value);
/* Lets a stopped thread run, held still. */
bool hd_thread_resume(struct hd_thread *thread);
/* Lets go of it. One that is not stopped is let go by the kernel when this thread ends. */
void hd_thread_release(struct hd_thread *thread);

/* The next are for a stopped thread; false: errno says why, ESRCH that it is gone. */
bool hd_thread_save(const struct hd_thread *thread, struct hd_thread_state *state);
bool hd_thread_restore(const struct hd_thread *thread, const struct hd_thread_state *state);
bool hd_thread_registers(const struct hd_thread *thread, struct user_regs_struct *registers);
bool hd_thread_set_registers(const struct hd_thread *thread,
                             const struct user_regs_struct *registers);
/* Holds back every signal but those that a fault raises. */
bool hd_thread_hold_signals(const struct hd_thread *thread);
/* Writes past what the pages allow. `size` is a multiple of eight. */
bool hd_thread_poke(const struct hd_thread *thread, uint64_t at, const void *data, size_t size);

/* Makes a system call at `instruction`. *result is what it gave, an errno negated. False:
 * the thread was lost on the way, or did not come back by `until_ns`. Its registers are not
 * put back. SIGTRAP must not be held back, nor ignored by the process: the kernel would
 * have it end the process then. */
bool hd_thread_syscall(struct hd_thread *thread, uint64_t instruction, int64_t number,
                       const uint64_t arguments[6], int64_t until_ns, int64_t *result);

/* Memory of the process, whoever stands still; false where it is not all there. */
bool hd_memory_read(pid_t pid, uint64_t at, void *out, size_t size);
bool hd_memory_write(pid_t pid, uint64_t at, const void *data, size_t size);

#endif
