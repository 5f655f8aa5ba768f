#include "attach/safe.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

/* Functions of libc within which, or below which, nothing may be called. A name that ends
 * in * stands for all that begin so. */
/* clang-format off */
static const char *const busy[] = {
    "malloc*", "calloc", "realloc*", "free", "cfree", "memalign", "aligned_alloc",
    "posix_memalign", "__posix_memalign", "valloc", "pvalloc", "mallinfo*", "mallopt", "mcheck*",
    "mtrace", "__libc_malloc", "__libc_calloc", "__libc_realloc*", "__libc_free",
    "__libc_memalign", "__libc_valloc", "__libc_pvalloc", "__libc_freeres", "fork", "vfork",
    "_Fork", "__fork", "__vfork", "__libc_fork", "clone", "__clone", "clone3", "posix_spawn*",
    "system", "__libc_system", "popen", "_IO_p*open", "pthread_create*", "pthread_exit",
    "thrd_create", "thrd_exit", "pthread_setattr_default_np", "timer_create", "exit", "_exit",
    "_Exit", "quick_exit", "abort", "__assert*", "__cxa_finalize", "__cxa_atexit",
    "__cxa_at_quick_exit", "on_exit", "atexit", "dlopen", "dlmopen", "dlclose", "dlsym", "dlvsym",
    "dlerror", "dladdr*", "dlinfo", "dl_iterate_phdr", "__libc_dl*", "_dl_*", "__tls_get_addr*",
    "setlocale", "newlocale", "freelocale", "duplocale", "uselocale", "bindtextdomain",
    "bind_textdomain_codeset", "textdomain", "dcgettext", "dcngettext", "dgettext", "gettext",
    "ngettext", "iconv_open", "setuid", "setgid", "seteuid", "setegid", "setreuid", "setregid",
    "setresuid", "setresgid", "setgroups", "initgroups",
};
/* clang-format on */

/* Below these a thread waits for a lock of the program's, by the same operation with which
 * malloc waits for its own. */
static const char *const waiting[] = {
    "pthread_mutex_*lock",  "__pthread_mutex_*lock", "mtx_*lock",
    "pthread_barrier_wait", "aio_suspend*",
};

static bool is_among(const char *name, const char *const *patterns, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const char *pattern = patterns[i], *star = strchr(pattern, '*');
    size_t head = star ? (size_t)(star - pattern) : strlen(pattern);
    const char *tail = star ? star + 1 : "";
    size_t length = strlen(name), end = strlen(tail);
    bool fits = strncmp(name, pattern, head) == 0 && length >= head + end &&
                strcmp(name + length - end, tail) == 0;
    if (fits && (star || length == head))
      return true;
  }
  return false;
}

#define IS_AMONG(name, patterns) is_among(name, patterns, sizeof(patterns) / sizeof *(patterns))

bool hd_syscall_waits(int64_t syscall)
{
  /* clang-format off */
  static const int calls[] = {
      SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv,
      SYS_pwritev, SYS_fsync, SYS_fdatasync, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6,
      SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_nanosleep, SYS_clock_nanosleep,
      SYS_pause, SYS_accept, SYS_accept4, SYS_connect, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg,
      SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_sendfile, SYS_splice, SYS_wait4, SYS_waitid,
      SYS_rt_sigtimedwait, SYS_rt_sigsuspend, SYS_flock, SYS_io_getevents, SYS_io_pgetevents,
      SYS_io_uring_enter, SYS_mq_timedreceive, SYS_mq_timedsend, SYS_msgrcv, SYS_msgsnd,
      SYS_semop, SYS_semtimedop,
  };
  /* clang-format on */
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (calls[i] == syscall)
      return true;
  return false;
}

/* NULL: nothing against it. */
static const char *module_speaks_against(enum hd_module_kind kind, struct hd_call call)
{
  switch (kind) {
  case HD_CODE_LOADER: return "the dynamic loader";
  case HD_CODE_ALLOCATOR: return "its memory allocator";
  /* What of it is the allocator nobody can tell, but for waits that no allocator has; for a
   * lock some sleep. */
  case HD_CODE_PROGRAM_ALLOCATOR:
    return hd_syscall_waits(call.number) && call.number != SYS_nanosleep &&
                   call.number != SYS_clock_nanosleep
               ? NULL
               : "the program, which has its memory allocator linked into it";
  default: return NULL;
  }
}

/* Condition variables, semaphores, joins and rwlocks wait by FUTEX_WAIT_BITSET; malloc,
 * and the loader, which lock nothing but plain locks, by FUTEX_WAIT. */
static bool is_no_lock(struct hd_call call)
{
  return call.number == SYS_futex && (call.operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

/* Frames `from` on are of libc, the innermost of them interrupted rather than called out of.
 * A function that libc does not export, between the interruption and who called libc, may
 * be any part of malloc: free() ends in a jump to one. */
static bool run_is_known(const struct hd_code_stack *stack, size_t from, struct hd_call call)
{
  bool innermost = from == 0, known = true;
  bool waits = innermost && (hd_syscall_waits(call.number) || is_no_lock(call));
  for (size_t i = from; i < stack->count && stack->frames[i].kind == HD_CODE_LIBC; i++) {
    const char *name = stack->frames[i].function;
    if (i > from && stack->frames[i].interrupted)
      break;
    known &= name != NULL;
    waits |= innermost && call.number == SYS_futex && name && IS_AMONG(name, waiting);
  }
  return waits || (known && (!innermost || call.number != SYS_futex));
}

bool hd_stack_is_safe(const struct hd_code_stack *stack, struct hd_call call, const char **why)
{
  bool outside = false; /* of libc: somebody who called it was found */
  for (size_t i = 0; i < stack->count; i++) {
    const struct hd_code_frame *frame = &stack->frames[i];
    *why = module_speaks_against(frame->kind, call);
    if (!*why && frame->kind == HD_CODE_LIBC && frame->function && IS_AMONG(frame->function, busy))
      *why = frame->function;
    if (!*why && frame->kind == HD_CODE_LIBC && frame->interrupted && !run_is_known(stack, i, call))
      *why = "a function of the C library that has no name";
    if (*why)
      return false;
    outside |= frame->kind != HD_CODE_LIBC;
  }
  *why = "a place that its stack does not tell";
  return outside || stack->whole;
}
