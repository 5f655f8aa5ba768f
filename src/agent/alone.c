/* What a program may do only while it has a single thread, or with its last one:
 * the agent's thread must not be in the way. */
#include "hooks.h"
#include "next.h"
#include "sys.h"
#include "ticker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

/* A thread that has been joined is still being taken apart in the kernel. */
enum { RETRIES = 200, RETRY_NS = 1000000 };

static bool is_dying_thread(bool stopped, int result, int *retries)
{
  const struct timespec pause = {0, RETRY_NS};
  if (!stopped || result == 0 || errno != EINVAL || ++*retries > RETRIES)
    return false;
  hd_sys2(SYS_nanosleep, &pause, 0);
  return true;
}

HD_EXPORT int unshare(int flags)
{
  int (*next)(int) = (int (*)(int))(uintptr_t)hd_next_find("unshare");
  bool stopped = flags & (CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)
                     ? hd_ticker_stop(false)
                     : false;
  int result, retries = 0;
  do
    result = next ? next(flags) : (errno = ENOSYS, -1);
  while (is_dying_thread(stopped, result, &retries));
  hd_ticker_resume();
  return result;
}

HD_EXPORT int setns(int fd, int kind)
{
  int (*next)(int, int) = (int (*)(int, int))(uintptr_t)hd_next_find("setns");
  bool stopped = hd_ticker_stop(false);
  int result, retries = 0;
  do
    result = next ? next(fd, kind) : (errno = ENOSYS, -1);
  while (is_dying_thread(stopped, result, &retries));
  hd_ticker_resume();
  return result;
}

/* A program whose main thread ends so goes on until its last thread ends, which
 * libc counts: the agent's would be one more, and never ends. */
HD_EXPORT void pthread_exit(void *value)
{
  void (*next)(void *) = (void (*)(void *))(uintptr_t)hd_next_find("pthread_exit");
  if (hd_sys0(SYS_gettid) == hd_getpid())
    hd_ticker_stop(true);
  if (next)
    next(value);
  for (;;)
    hd_sys1(SYS_exit, 0);
}
