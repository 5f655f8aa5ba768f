/* A program ends by exit (the agent's destructor runs then), by quick_exit, or by
 * _exit under either name. */
#include "exit.h"

#include "hooks.h"
#include "series.h"
#include "snapshot.h"
#include "state.h"
#include "sys.h"

#include <stdlib.h>
#include <unistd.h>

/* The process that is ending: a child forked by an exit handler has an end of its
 * own. */
static _Atomic(int) ending;

void hd_exit_take_last(const char *reason)
{
  if (!hd_is_on() || hd_self.busy || !hd_series_is_own_process())
    return;
  atomic_store(&ending, hd_series.pid);
  hd_snapshot_close(reason, false);
}

static void take_last(void)
{
  hd_exit_take_last("exit");
}

bool hd_exit_has_begun(void)
{
  return atomic_load(&ending) == hd_series.pid;
}

void hd_exit_start(void)
{
  static bool asked;
  if (!asked)
    at_quick_exit(take_last);
  asked = true;
}

__attribute__((destructor)) static void at_exit(void)
{
  take_last();
}

static _Noreturn void leave(int status)
{
  take_last();
  for (;;)
    hd_sys1(SYS_exit_group, status);
}

HD_EXPORT void _exit(int status)
{
  leave(status);
}

HD_EXPORT void _Exit(int status)
{
  leave(status);
}
