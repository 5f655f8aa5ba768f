#include "attach/inject.h"

#include "attach/choice.h"
#include "attach/errand.h"
#include "attach/image.h"
#include "attach/refusal.h"
#include "attach/safe.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)

enum {
  STOP_MS = 10000, /* for a thread to stop, or for a system call in its place: on a busy machine */
  LOOK_NS = 20000, /* at what came of the errand */
  LEAST_PAUSE_MS = 1,
  MOST_PAUSE_MS = 20,
  REFRESH_MS = 1000 /* after which its modules are read again, then twice as long */
};

/* What came of one thread. */
enum outcome {
  DONE,
  NOT_HERE, /* another thread, or another time */
  FAILED    /* and `error` says why */
};

struct job {
  const struct hd_injection *injection;
  struct hd_injected *injected;
  struct hd_error *error;
  struct hd_maps maps;
  struct hd_image *image;
  struct hd_errand_functions functions;
  uint64_t instruction; /* that makes a system call */
  char unsafe[96];      /* why the last thread was not safe */
  bool good;
  /* Of the thread that is stopped. */
  struct hd_thread thread;
  struct hd_thread_state state;
  struct hd_code_stack stack;
};

static enum outcome fail(struct job *job, const char *text)
{
  hd_fail_input(job->error, "%s", text);
  return FAILED;
}

static int64_t until(int64_t ms)
{
  return hd_monotonic_ns() + ms * NS_PER_MS;
}

/* --- one thread --------------------------------------------------------------------------- */

static void let_go(struct job *job)
{
  struct hd_injected *injected = job->injected;
  hd_thread_release(&job->thread);
  injected->stopped_ns = job->thread.stopped_ns ? hd_monotonic_ns() - job->thread.stopped_ns : 0;
  if (injected->stopped_ns > injected->longest_ns)
    injected->longest_ns = injected->stopped_ns;
}

/* glibc's thread-local storage begins with its own address, twice (tcbhead_t): a thread that
 * something else has made has none, and no function of libc works there. */
static bool is_of_libc(const struct job *job)
{
  uint64_t head[3], at = job->state.registers.fs_base;
  return at && hd_memory_read(job->thread.tid, at, head, sizeof head) && head[0] == at &&
         head[2] == at;
}

static struct hd_call call_of(const struct user_regs_struct *registers)
{
  int64_t number = (int64_t)registers->orig_rax;
  return (struct hd_call){number >= 0 ? number : -1, (int)registers->rsi};
}

static bool is_safe(struct job *job)
{
  const char *why = NULL;
  if (!is_of_libc(job))
    why = "a thread that the C library has not made";
  else if (!hd_image_stack(job->image, job->thread.tid, &job->stack))
    why = "a place that its stack does not tell";
  else if (hd_stack_is_safe(&job->stack, call_of(&job->state.registers), &why))
    return true;
  snprintf(job->unsafe, sizeof job->unsafe, "%s", why);
  return false;
}

/* These say EINTR where others are begun anew, unseen, after a stop. The kernel does that
 * for them, too, where it is asked to: with -ERESTARTNOHAND, and a handler of a signal still
 * makes it EINTR. */
static bool begin_anew(struct user_regs_struct *registers)
{
  static const int calls[] = {
      SYS_epoll_wait,      SYS_epoll_pwait,  SYS_epoll_pwait2,  SYS_semop,  SYS_semtimedop,
      SYS_rt_sigtimedwait, SYS_io_getevents, SYS_io_pgetevents, SYS_read,   SYS_readv,
      SYS_recvfrom,        SYS_recvmsg,      SYS_recvmmsg,      SYS_accept, SYS_accept4,
      SYS_sendto,          SYS_sendmsg,      SYS_write};
  bool one = false;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    one |= calls[i] == (int64_t)registers->orig_rax;
  if (!one || (int64_t)registers->rax != -EINTR)
    return false;
  registers->rax = (uint64_t)-514;
  return true;
}

/* What the stopped thread is. False: it is gone. */
static bool save(struct job *job)
{
  if (!hd_thread_save(&job->thread, &job->state))
    return false;
  return !begin_anew(&job->state.registers) ||
         hd_thread_set_registers(&job->thread, &job->state.registers);
}

static bool map(struct job *job, uint64_t at, uint64_t size, int protection, int flags,
                int64_t *result)
{
  uint64_t arguments[6] = {
      at,         size, (uint64_t)protection, (uint64_t)(MAP_PRIVATE | MAP_ANONYMOUS | flags),
      UINT64_MAX, 0};
  return hd_thread_syscall(&job->thread, job->instruction, SYS_mmap, arguments, until(STOP_MS),
                           result);
}

/* The errand's memory, 0 where there is none to be had; errno says why. */
static uint64_t map_errand(struct job *job)
{
  int64_t base, code;
  if (!map(job, 0, HD_ERRAND_SIZE, PROT_READ | PROT_WRITE, 0, &base) || (base < 0 && base > -4096))
    return errno = base < 0 ? (int)-base : ESRCH, 0;
  /* Never writable and executable: some services may not have that (MemoryDenyWriteExecute
   * in systemd.exec(5)). */
  if (map(job, (uint64_t)base, HD_ERRAND_CODE, PROT_READ | PROT_EXEC, MAP_FIXED, &code) &&
      code == base)
    return (uint64_t)base;
  return errno = code < 0 ? (int)-code : ESRCH, 0;
}

static void unmap_errand(struct job *job, uint64_t base)
{
  int64_t result;
  uint64_t arguments[6] = {base, HD_ERRAND_SIZE};
  hd_thread_syscall(&job->thread, job->instruction, SYS_munmap, arguments, until(STOP_MS), &result);
}

static enum outcome explain_answer(struct job *job, const struct hd_errand_answer *answer)
{
  char text[512];
  if (answer->function) {
    if (!answer->result)
      return DONE;
    hd_fail_input(job->error, "the agent cannot start in the process: %s",
                  strerror((int)answer->result));
    return FAILED;
  }
  /* The text ends before or where its page does. */
  size_t length = 0;
  while (answer->text && length + 1 < sizeof text &&
         hd_memory_read(job->injection->pid, answer->text + length, text + length, 1) &&
         text[length])
    length++;
  text[length] = '\0';
  hd_fail_input(job->error, "the agent cannot be loaded into the process: %s",
                length ? text : "its dynamic loader does not say why");
  return FAILED;
}

enum journey { BACK, STILL_AWAY, LOST, CRASHED };

/* Waits until the errand is done; then the thread is stopped again. */
static enum journey travel(struct job *job, uint64_t base, struct hd_errand_answer *answer)
{
  int64_t end = until((int64_t)job->injection->call_ms);
  if (!hd_thread_resume(&job->thread))
    return LOST;
  while (hd_monotonic_ns() < end) {
    int value;
    switch (hd_thread_wait(&job->thread, hd_monotonic_ns() + LOOK_NS, &value)) {
    case HD_WAIT_GONE: return LOST;
    case HD_WAIT_SIGNAL: hd_errand_read(job->thread.tid, base, answer); return CRASHED;
    case HD_WAIT_STOPPED:
      if (!hd_thread_resume(&job->thread))
        return LOST;
      break;
    case HD_WAIT_RUNNING: break;
    }
    if (!hd_errand_read(job->thread.tid, base, answer))
      return LOST;
    if (answer->done)
      return hd_thread_interrupt(&job->thread, until(STOP_MS)) ? BACK : STILL_AWAY;
  }
  hd_thread_interrupt(&job->thread, until(STOP_MS));
  return STILL_AWAY;
}

/* The thread stands in the errand's code, or where it crashed; or, where all that took long,
 * it has gone back by itself already: then it stays where it is. */
static void come_back(struct job *job, uint64_t base, enum journey journey)
{
  struct user_regs_struct registers;
  if (journey == BACK && hd_thread_registers(&job->thread, &registers) &&
      !hd_errand_holds(base, registers.rip) && !save(job))
    return;
  unmap_errand(job, base);
  hd_thread_restore(&job->thread, &job->state);
}

static enum outcome explain_journey(struct job *job, enum journey journey)
{
  switch (journey) {
  case STILL_AWAY:
    return fail(job, "the dynamic loader of the process did not come back in time, and the process "
                     "was let go in it: its thread goes on when that is done; try again later");
  case CRASHED:
    return fail(job, "the agent crashed while it started, and was left; the process goes on "
                     "without it");
  default: return fail(job, "the process ended while it was attached to");
  }
}

static enum outcome send(struct job *job)
{
  struct hd_errand_answer answer = {0};
  if (!hd_thread_hold_signals(&job->thread))
    return NOT_HERE;
  uint64_t base = map_errand(job);
  if (!base) {
    int why = errno;
    hd_thread_restore(&job->thread, &job->state);
    if (why == ESRCH)
      return fail(job, "the process ended while it was attached to");
    hd_fail_input(job->error, "the process may not map memory for the agent: %s%s", strerror(why),
                  why == EACCES || why == EPERM
                      ? "; a security policy (SELinux, seccomp) forbids it: start the program "
                        "with heapdiff record --dormant instead"
                      : "");
    return FAILED;
  }
  const struct hd_injection *injection = job->injection;
  if (!hd_errand_write(&job->thread, base, &job->functions, injection->library, injection->function,
                       &job->state)) {
    int why = errno;
    unmap_errand(job, base);
    hd_thread_restore(&job->thread, &job->state);
    hd_fail_input(job->error, "its memory cannot be written: %s", strerror(why));
    return FAILED;
  }
  struct user_regs_struct registers = hd_errand_registers(base, &job->state);
  enum journey journey =
      hd_thread_set_registers(&job->thread, &registers) ? travel(job, base, &answer) : LOST;
  if (journey == STILL_AWAY || journey == LOST)
    return explain_journey(job, journey);
  if (journey == CRASHED && answer.errno_at)
    hd_memory_write(job->thread.tid, answer.errno_at, &answer.kept_errno, sizeof answer.kept_errno);
  enum outcome outcome =
      journey == BACK ? explain_answer(job, &answer) : explain_journey(job, journey);
  come_back(job, base, journey);
  return outcome;
}

/* What the kernel says no to of one thread it says no to of all. */
static enum outcome explain_seize(struct job *job, int why)
{
  struct hd_trace_rules rules = hd_trace_rules_read();
  if (why == ESRCH)
    return NOT_HERE;
  hd_trace_refused(&rules, why, job->error);
  return FAILED;
}

static enum outcome try_thread(struct job *job, pid_t tid)
{
  enum outcome outcome = NOT_HERE;
  if (!hd_thread_seize(&job->thread, tid))
    return explain_seize(job, errno);
  job->injected->looks++;
  if (hd_thread_interrupt(&job->thread, until((int64_t)job->injection->timeout_ms))) {
    if (save(job) && is_safe(job))
      outcome = send(job);
  } else if (job->thread.seized) {
    outcome = fail(job, "a thread of it does not stop: it waits where the kernel does not let it "
                        "go; try again later");
  }
  let_go(job);
  return outcome;
}

/* --- all of them ---------------------------------------------------------------------------- */

static void forget_image(struct job *job)
{
  hd_image_destroy(job->image);
  hd_maps_deinit(&job->maps);
  job->image = NULL;
}

static bool read_image(struct job *job)
{
  forget_image(job);
  if (!hd_maps_read(job->injection->pid, &job->maps, job->error) ||
      !hd_image_create(job->injection->pid, &job->maps, &job->image, job->error))
    return false;
  struct hd_errand_functions *functions = &job->functions;
  functions->dlopen = hd_image_function(job->image, "dlopen");
  functions->dlsym = hd_image_function(job->image, "dlsym");
  functions->dlerror = hd_image_function(job->image, "dlerror");
  functions->errno_location = hd_image_function(job->image, "__errno_location");
  job->instruction = hd_image_syscall(job->image);
  if (functions->dlopen && functions->dlsym && functions->dlerror && functions->errno_location &&
      job->instruction)
    return true;
  return hd_fail_input(job->error, "its C library has no dlopen: glibc before 2.34 has it in "
                                   "libdl.so.2, with which the program is not linked; start the "
                                   "program with heapdiff record instead");
}

static bool is_stopped(const struct job *job)
{
  return job->injection->stop && job->injection->stop(job->injection->stop_context);
}

static enum outcome try_all(struct job *job, unsigned round)
{
  hd_choices choices;
  enum outcome outcome = NOT_HERE;
  if (!hd_choices_read(job->injection->pid, round, &choices)) {
    hd_fail_memory(job->error);
    outcome = FAILED;
  } else if (!choices.count) {
    struct hd_process_status status;
    if (!hd_process_status_read(job->injection->pid, &status) || strchr("ZX", status.state))
      outcome = fail(job, "the process ended while it was attached to");
    else
      snprintf(job->unsafe, sizeof job->unsafe, "a wait that cannot be interrupted");
  }
  for (size_t i = 0; outcome == NOT_HERE && i < choices.count && !is_stopped(job); i++)
    outcome = try_thread(job, choices.items[i].tid);
  hd_vec_deinit(&choices);
  return outcome;
}

static void pause_ms(int64_t ms)
{
  struct timespec time = {0, ms * NS_PER_MS};
  nanosleep(&time, NULL);
}

static bool run(struct job *job)
{
  int64_t end = until((int64_t)job->injection->timeout_ms), pause = LEAST_PAUSE_MS;
  int64_t read = hd_monotonic_ns(), fresh = REFRESH_MS;
  if (!read_image(job))
    return false;
  for (unsigned round = 0; !is_stopped(job); round++) {
    enum outcome outcome = try_all(job, round);
    if (outcome != NOT_HERE)
      return outcome == DONE;
    if (hd_monotonic_ns() >= end)
      return hd_fail_input(job->error,
                           "no thread of it came to a place in %" PRIu64 " ms where the agent can "
                           "be loaded; the last one looked at was in %s: try again, with a "
                           "longer --attach-timeout",
                           job->injection->timeout_ms, job->unsafe[0] ? job->unsafe : "no place");
    if (hd_monotonic_ns() - read > fresh * NS_PER_MS) {
      read = hd_monotonic_ns();
      fresh *= 2;
      if (!read_image(job))
        return false;
    }
    pause_ms(pause);
    pause = pause * 2 < MOST_PAUSE_MS ? pause * 2 : MOST_PAUSE_MS;
  }
  return hd_fail_input(job->error, "it was not attached to: interrupted");
}

/* While a thread stands still for this one, nothing is to come first. It sleeps nearly all of
 * the time; where it may not, it does without. */
static void come_first(void)
{
  const struct sched_param first = {.sched_priority = 1};
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* its sleeps are as short as they say */
  sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first);
}

static void *begin(void *context)
{
  struct job *job = context;
  come_first();
  job->good = run(job);
  return NULL;
}

/* In a thread of its own, which no signal interrupts: when it ends, the kernel lets go of
 * whatever is still held, also where that cannot be stopped. */
bool hd_inject(const struct hd_injection *injection, struct hd_injected *injected,
               struct hd_error *error)
{
  pthread_t thread;
  sigset_t all, before;
  struct job *job = hd_alloc_zeroed(1, sizeof *job);
  *injected = (struct hd_injected){0};
  if (!job)
    return hd_fail_memory(error);
  *job = (struct job){.injection = injection, .injected = injected, .error = error};
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int failed = pthread_create(&thread, NULL, begin, job);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed)
    hd_fail_internal(error, "no thread to attach with: %s", strerror(failed));
  else
    pthread_join(thread, NULL);
  bool good = !failed && job->good;
  forget_image(job);
  hd_free(job);
  return good;
}
