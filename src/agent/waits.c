#include "waits.h"

#include "entry.h"
#include "fork.h"
#include "hook_table.h"
#include "sys.h"
#include "ticker.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* None that a handler of a signal is likely to call, which may have interrupted the
 * allocator: a thread cannot be started there. */
#define WAITS(ROW)                                                                                 \
  ROW(accept)                                                                                      \
  ROW(accept4)                                                                                     \
  ROW(clock_nanosleep)                                                                             \
  ROW(epoll_pwait)                                                                                 \
  ROW(epoll_pwait2)                                                                                \
  ROW(epoll_wait)                                                                                  \
  ROW(msgrcv)                                                                                      \
  ROW(nanosleep)                                                                                   \
  ROW(pause)                                                                                       \
  ROW(poll)                                                                                        \
  ROW(ppoll)                                                                                       \
  ROW(pselect)                                                                                     \
  ROW(pthread_create)                                                                              \
  ROW(pthread_join)                                                                                \
  ROW(read)                                                                                        \
  ROW(recv)                                                                                        \
  ROW(recvfrom)                                                                                    \
  ROW(recvmsg)                                                                                     \
  ROW(select)                                                                                      \
  ROW(sem_timedwait)                                                                               \
  ROW(sem_wait)                                                                                    \
  ROW(sigtimedwait)                                                                                \
  ROW(sigwait)                                                                                     \
  ROW(sigwaitinfo)                                                                                 \
  ROW(sleep)                                                                                       \
  ROW(usleep)

static __attribute__((used)) _Atomic(bool) is_child __asm__("hd_waits_is_child");
static int child;

void hd_waits_forked(void)
{
  child = hd_getpid();
  atomic_store(&is_child, true);
}

/* A vfork's child has its parent's memory, and is none that could have a thread. */
HD_ENTERED void start_thread(void)
{
  if (hd_getpid() != child || !atomic_exchange(&is_child, false))
    return;
  hd_fork_settle();
  hd_ticker_resume();
}

#define SAVE(reg) "push %" reg "\n\t.cfi_adjust_cfa_offset 8\n\t"
#define RESTORE(reg) "pop %" reg "\n\t.cfi_adjust_cfa_offset -8\n\t"

/* It jumps on with everything as it came. */
#define HOOK(name)                                                                                 \
  static __attribute__((used)) void *real_##name __asm__("hd_waits_real_" #name);                  \
  void hd_waits_##name(void);                                                                      \
  __asm__(".pushsection .text\n\t"                                                                 \
          ".globl hd_waits_" #name "\n\t"                                                          \
          ".hidden hd_waits_" #name "\n\t"                                                         \
          ".type hd_waits_" #name ", @function\n"                                                  \
          "hd_waits_" #name ":\n\t"                                                                \
          ".cfi_startproc\n\t"                                                                     \
          "cmpb $0, hd_waits_is_child(%rip)\n\t"                                                   \
          "jne 1f\n\t"                                                                             \
          "jmp *hd_waits_real_" #name "(%rip)\n"                                                   \
          "1:\n\t" SAVE("rdi") SAVE("rsi") SAVE("rdx") SAVE("rcx") SAVE("r8") SAVE("r9")           \
              SAVE("rax") "call start_thread\n\t" RESTORE("rax") RESTORE("r9") RESTORE("r8")       \
                  RESTORE("rcx") RESTORE("rdx") RESTORE("rsi")                                     \
                      RESTORE("rdi") "jmp *hd_waits_real_" #name "(%rip)\n\t"                      \
                                     ".cfi_endproc\n\t"                                            \
                                     ".size hd_waits_" #name ", . - hd_waits_" #name "\n\t"        \
                                     ".popsection");

WAITS(HOOK)

#define ENTRY(function) {#function, (void *)(uintptr_t)hd_waits_##function, &real_##function},

static const struct {
  const char *name;
  void *hook, **real;
} waits[] = {WAITS(ENTRY)};

enum { COUNT = sizeof waits / sizeof *waits };

void hd_waits_each(void (*add)(const char *name, void *hook, void *context), void *context)
{
  for (size_t i = 0; i < COUNT; i++)
    add(waits[i].name, waits[i].hook, context);
}

void hd_waits_resolve(void)
{
  for (size_t i = 0; i < COUNT; i++)
    *waits[i].real = hd_hook_named(waits[i].name)->real;
}
