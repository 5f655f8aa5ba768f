#include "attach/thread.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum { LOOK_EVERY_NS = 20000 };

/* Raised by the thread itself: holding one back would end the process, and cost it its
 * handler (force_sig_info in the kernel). */
static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

int64_t hd_monotonic_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool request(enum __ptrace_request what, pid_t tid, uintptr_t address, uintptr_t data)
{
  return ptrace(what, tid, (void *)address, (void *)data) == 0;
}

bool hd_thread_seize(struct hd_thread *thread, pid_t tid)
{
  *thread = (struct hd_thread){.tid = tid};
  thread->seized = request(PTRACE_SEIZE, tid, 0, 0);
  return thread->seized;
}

static enum hd_wait_result what_came(int status, int *value)
{
  if (!WIFSTOPPED(status))
    return HD_WAIT_GONE;
  *value = WSTOPSIG(status);
  return status >> 16 == PTRACE_EVENT_STOP ? HD_WAIT_STOPPED : HD_WAIT_SIGNAL;
}

enum hd_wait_result hd_thread_wait(struct hd_thread *thread, int64_t until_ns, int *value)
{
  struct timespec pause = {0, LOOK_EVERY_NS};
  for (;;) {
    int status;
    pid_t got = waitpid(thread->tid, &status, __WALL | WNOHANG);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      thread->seized = false;
      return HD_WAIT_GONE;
    }
    if (got == thread->tid) {
      enum hd_wait_result result = what_came(status, value);
      thread->stopped = result != HD_WAIT_GONE;
      thread->seized = result != HD_WAIT_GONE;
      return result;
    }
    if (hd_monotonic_ns() >= until_ns)
      return HD_WAIT_RUNNING;
    nanosleep(&pause, NULL);
  }
}

bool hd_thread_resume(struct hd_thread *thread)
{
  thread->stopped = !request(PTRACE_CONT, thread->tid, 0, 0);
  return !thread->stopped;
}

/* A signal that comes first is delivered, as it would have been without this. */
bool hd_thread_interrupt(struct hd_thread *thread, int64_t until_ns)
{
  int value;
  if (!thread->stopped_ns)
    thread->stopped_ns = hd_monotonic_ns();
  if (!request(PTRACE_INTERRUPT, thread->tid, 0, 0))
    return false;
  for (;;)
    switch (hd_thread_wait(thread, until_ns, &value)) {
    case HD_WAIT_STOPPED: return true;
    case HD_WAIT_SIGNAL:
      if (!request(PTRACE_CONT, thread->tid, 0, (uintptr_t)value))
        return false;
      thread->stopped = false;
      break;
    case HD_WAIT_RUNNING:
    case HD_WAIT_GONE: return false;
    }
}

void hd_thread_release(struct hd_thread *thread)
{
  if (thread->seized && thread->stopped)
    request(PTRACE_DETACH, thread->tid, 0, 0);
  thread->seized = thread->stopped = false;
}

bool hd_thread_registers(const struct hd_thread *thread, struct user_regs_struct *registers)
{
  return request(PTRACE_GETREGS, thread->tid, 0, (uintptr_t)registers);
}

bool hd_thread_set_registers(const struct hd_thread *thread,
                             const struct user_regs_struct *registers)
{
  return request(PTRACE_SETREGS, thread->tid, 0, (uintptr_t)registers);
}

bool hd_thread_save(const struct hd_thread *thread, struct hd_thread_state *state)
{
  struct iovec vector = {state->xstate, sizeof state->xstate};
  if (!hd_thread_registers(thread, &state->registers) ||
      !request(PTRACE_GETSIGMASK, thread->tid, sizeof state->mask, (uintptr_t)&state->mask) ||
      !request(PTRACE_GETREGSET, thread->tid, NT_X86_XSTATE, (uintptr_t)&vector))
    return false;
  state->xstate_size = vector.iov_len;
  return true;
}

bool hd_thread_restore(const struct hd_thread *thread, const struct hd_thread_state *state)
{
  struct iovec vector = {(void *)(uintptr_t)state->xstate, state->xstate_size};
  bool good = request(PTRACE_SETREGSET, thread->tid, NT_X86_XSTATE, (uintptr_t)&vector);
  good &= request(PTRACE_SETSIGMASK, thread->tid, sizeof state->mask, (uintptr_t)&state->mask);
  return hd_thread_set_registers(thread, &state->registers) && good;
}

bool hd_thread_hold_signals(const struct hd_thread *thread)
{
  uint64_t mask = UINT64_MAX;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    mask &= ~(UINT64_C(1) << (faults[i] - 1));
  return request(PTRACE_SETSIGMASK, thread->tid, sizeof mask, (uintptr_t)&mask);
}

bool hd_thread_poke(const struct hd_thread *thread, uint64_t at, const void *data, size_t size)
{
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, (const char *)data + i, sizeof word);
    if (!request(PTRACE_POKEDATA, thread->tid, (uintptr_t)(at + i), (uintptr_t)word))
      return false;
  }
  return true;
}

/* One instruction; a stop of the whole process on the way is passed over. */
static bool step(struct hd_thread *thread, int64_t until_ns)
{
  int value;
  for (;;) {
    if (!request(PTRACE_SINGLESTEP, thread->tid, 0, 0))
      return false;
    thread->stopped = false;
    enum hd_wait_result result = hd_thread_wait(thread, until_ns, &value);
    if (result == HD_WAIT_SIGNAL && value == SIGTRAP)
      return true;
    errno = ESRCH;
    if (result != HD_WAIT_STOPPED)
      return false;
  }
}

bool hd_thread_syscall(struct hd_thread *thread, uint64_t instruction, int64_t number,
                       const uint64_t arguments[6], int64_t until_ns, int64_t *result)
{
  struct user_regs_struct registers;
  if (!hd_thread_registers(thread, &registers))
    return false;
  registers.rip = instruction;
  registers.rax = (uint64_t)number;
  registers.orig_rax = UINT64_MAX; /* no system call that is to be begun again */
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  registers.r10 = arguments[3];
  registers.r8 = arguments[4];
  registers.r9 = arguments[5];
  if (!hd_thread_set_registers(thread, &registers) || !step(thread, until_ns) ||
      !hd_thread_registers(thread, &registers))
    return false;
  *result = (int64_t)registers.rax;
  return true;
}

bool hd_memory_read(pid_t pid, uint64_t at, void *out, size_t size)
{
  struct iovec here = {out, size}, there = {(void *)(uintptr_t)at, size};
  return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool hd_memory_write(pid_t pid, uint64_t at, const void *data, size_t size)
{
  struct iovec here = {(void *)(uintptr_t)data, size}, there = {(void *)(uintptr_t)at, size};
  return process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}
