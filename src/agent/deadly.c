/* SIGHUP, SIGINT and SIGTERM, where the program leaves them at their default
 * action: a handler takes the last snapshot, then the signal does what it would
 * have done. The program never sees the handler: where it asks, the action is the
 * default one. A program that handles or ignores them is left alone. */
#include "deadly.h"

#include "exit.h"
#include "hooks.h"
#include "next.h"
#include "series.h"
#include "sys.h"

#include <errno.h>
#include <signal.h>

_Atomic(int) hd_deadly_pending;

static const int deadly[] = {SIGHUP, SIGINT, SIGTERM};
enum { DEADLY = sizeof deadly / sizeof *deadly };

typedef int (*sigaction_function)(int, const struct sigaction *, struct sigaction *);
typedef void (*handler_function)(int);
typedef handler_function (*signal_function)(int, handler_function);

static int set_action(int number, const struct sigaction *action, struct sigaction *old)
{
  static _Atomic(sigaction_function) next;
  sigaction_function known = atomic_load(&next);
  if (!known) {
    known = (sigaction_function)(uintptr_t)hd_next_find("sigaction");
    atomic_store(&next, known);
  }
  return known ? known(number, action, old) : (errno = ENOSYS, -1);
}

/* Sent to this very thread: inside the handler it stays pending until that
 * returns, elsewhere it takes effect at once. */
static void die(int number)
{
  const struct sigaction normal = {.sa_handler = SIG_DFL};
  set_action(number, &normal, NULL);
  hd_sys3(SYS_tgkill, hd_getpid(), hd_sys0(SYS_gettid), number);
}

static void handle(int number)
{
  int saved = errno;
  if (hd_self.busy && hd_is_on() && hd_series_is_own_process()) {
    atomic_store(&hd_deadly_pending, number);
  } else {
    hd_exit_take_last("signal");
    die(number);
  }
  errno = saved;
}

void hd_deadly_now(void)
{
  int number = hd_self.busy ? 0 : atomic_exchange(&hd_deadly_pending, 0);
  if (!number)
    return;
  hd_exit_take_last("signal");
  die(number);
}

/* On the program's signal stack, where it has one: Go's stacks are small. */
static struct sigaction guard(void)
{
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
  sigfillset(&action.sa_mask);
  return action;
}

static bool is_guarded(int number)
{
  for (int i = 0; i < DEADLY; i++)
    if (number == deadly[i])
      return hd_is_on() && hd_series_is_own_process();
  return false;
}

void hd_deadly_start(void)
{
  const struct sigaction action = guard();
  for (int i = 0; i < DEADLY; i++) {
    struct sigaction old;
    if (set_action(deadly[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
      set_action(deadly[i], &action, NULL);
  }
}

HD_EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
  const struct sigaction ours = guard(), normal = {.sa_handler = SIG_DFL};
  bool guarded = action && action->sa_handler == SIG_DFL && is_guarded(number);
  int result = set_action(number, guarded ? &ours : action, old);
  if (result == 0 && old && old->sa_handler == handle)
    *old = normal;
  return result;
}

HD_EXPORT handler_function signal(int number, handler_function handler)
{
  signal_function next = (signal_function)(uintptr_t)hd_next_find("signal");
  if (!next)
    return SIG_ERR;
  handler_function old = next(number, handler == SIG_DFL && is_guarded(number) ? handle : handler);
  return old == handle ? SIG_DFL : old;
}
