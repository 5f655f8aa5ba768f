/* SIGHUP, SIGINT and SIGTERM, where the program leaves them at their default
 * action: a handler takes the last snapshot, then the signal does what it would
 * have done. The signal that asks for a snapshot, where there is one, wakes the
 * agent's thread and does nothing else. The program never sees these handlers:
 * where it asks, the action is the default one. A program that handles or ignores
 * a signal has it for itself. */
#include "deadly.h"

#include "exit.h"
#include "hooks.h"
#include "log.h"
#include "next.h"
#include "series.h"
#include "status.h"
#include "sys.h"
#include "trigger.h"

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

/* In a vfork's child the word belongs to the parent, which was not asked. */
static void ask(int number)
{
  (void)number;
  if (hd_is_on() && hd_series_is_own_process())
    hd_trigger_raise(HD_EVENT_SIGNAL);
}

/* The agent's handler of a signal, NULL none. */
static handler_function handler_of(int number)
{
  for (int i = 0; i < DEADLY; i++)
    if (number == deadly[i])
      return handle;
  return number && (uint64_t)number == hd_config.set.signal ? ask : NULL;
}

/* On the program's signal stack, where it has one: Go's stacks are small. A system
 * call that is interrupted to ask for a snapshot goes on. */
static struct sigaction guard(int number)
{
  handler_function handler = handler_of(number);
  int restart = handler == ask ? SA_RESTART : 0;
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | restart};
  sigfillset(&action.sa_mask);
  return action;
}

static bool is_guarded(int number)
{
  return handler_of(number) && hd_is_on() && hd_series_is_own_process();
}

static bool is_ours(handler_function handler)
{
  return handler == handle || handler == ask;
}

static _Atomic(bool) taken_noted;

/* The program takes the signal that was to ask for snapshots: it is the program's. */
static void note_taken(int number)
{
  if ((uint64_t)number != hd_config.set.signal || !hd_is_on() || !hd_series_is_own_process() ||
      atomic_exchange(&taken_noted, true))
    return;
  hd_status_signal_taken();
  hd_log_line("the program handles the signal itself that was to ask for snapshots, so it asks "
              "for none",
              "");
}

/* Was ignored before the agent took it. */
static _Atomic(bool) was_ignored;

static void start_guarding(int number)
{
  const struct sigaction action = guard(number);
  struct sigaction old;
  if (set_action(number, NULL, &old) != 0)
    return;
  /* One that was ignored before the program began is free to be asked with. */
  bool ignored = old.sa_handler == SIG_IGN && action.sa_handler == ask && !hd_series.is_late;
  if (old.sa_handler == SIG_DFL || ignored)
    set_action(number, &action, NULL);
  else if (action.sa_handler == ask && hd_series.is_late)
    note_taken(number);
  if (ignored)
    atomic_store(&was_ignored, true);
}

static void stop_guarding(int number)
{
  struct sigaction now, normal = {.sa_handler = SIG_DFL};
  if (set_action(number, NULL, &now) != 0 || !is_ours(now.sa_handler))
    return;
  if (now.sa_handler == ask && atomic_exchange(&was_ignored, false))
    normal.sa_handler = SIG_IGN;
  set_action(number, &normal, NULL);
}

void hd_deadly_stop(void)
{
  for (int i = 0; i < DEADLY; i++)
    stop_guarding(deadly[i]);
  if (hd_config.set.signal)
    stop_guarding((int)hd_config.set.signal);
}

void hd_deadly_start(void)
{
  atomic_store(&taken_noted, false);
  for (int i = 0; i < DEADLY; i++)
    start_guarding(deadly[i]);
  if (hd_config.set.signal)
    start_guarding((int)hd_config.set.signal);
}

HD_EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
  const struct sigaction ours = guard(number), normal = {.sa_handler = SIG_DFL};
  bool guarded = action && action->sa_handler == SIG_DFL && is_guarded(number);
  int result = set_action(number, guarded ? &ours : action, old);
  if (result == 0 && old && is_ours(old->sa_handler))
    *old = normal;
  if (result == 0 && action && !guarded)
    note_taken(number);
  return result;
}

HD_EXPORT handler_function signal(int number, handler_function handler)
{
  signal_function next = (signal_function)(uintptr_t)hd_next_find("signal");
  if (!next)
    return SIG_ERR;
  bool guarded = handler == SIG_DFL && is_guarded(number);
  handler_function old = next(number, guarded ? handler_of(number) : handler);
  if (old != SIG_ERR && !guarded)
    note_taken(number);
  return is_ours(old) ? SIG_DFL : old;
}
