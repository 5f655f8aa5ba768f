/* System calls without libc's wrappers: no errno to disturb, no cancellation
 * point, and nothing that another preloaded library could have replaced. All
 * return what the kernel returns: a negative error number on failure. */
#ifndef HD_AGENT_SYS_H
#define HD_AGENT_SYS_H

#ifndef __x86_64__
#error "the agent knows only x86-64 yet: its system calls and its unwinder are written for it"
#endif

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* SYS_close_range, SYS_rt_sigprocmask and others take the size of the kernel's
 * signal set, which is not libc's. */
enum { HD_KERNEL_SIGSET_BYTES = 8 };

static inline long hd_sys6(long number, long a, long b, long c, long d, long e, long f)
{
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#define hd_sys0(n) hd_sys6((n), 0, 0, 0, 0, 0, 0)
#define hd_sys1(n, a) hd_sys6((n), (long)(a), 0, 0, 0, 0, 0)
#define hd_sys2(n, a, b) hd_sys6((n), (long)(a), (long)(b), 0, 0, 0, 0)
#define hd_sys3(n, a, b, c) hd_sys6((n), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define hd_sys4(n, a, b, c, d) hd_sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define hd_sys5(n, a, b, c, d, e)                                                                  \
  hd_sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static inline int hd_getpid(void)
{
  return (int)hd_sys0(SYS_getpid);
}

#endif
