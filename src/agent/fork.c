#include "fork.h"

#include "live.h"
#include "modules.h"
#include "sampling.h"
#include "series.h"
#include "snapshot.h"
#include "tables.h"
#include "ticker.h"

#include <pthread.h>

/* Set in the parent when its thread could not take the locks because a signal
 * handler forks in the middle of the agent. */
static bool unlocked_fork;

static void become_child(void)
{
  hd_live_reset_locks();
  hd_lock_reset(&hd_tables_lock);
  hd_snapshot_forked();
  hd_modules_forked();
  hd_sampling_forked();
  hd_series_forked();
  hd_ticker_forked();
}

static void prepare(void)
{
  if (!hd_is_on())
    return;
  unlocked_fork = hd_self.busy;
  if (unlocked_fork)
    return;
  hd_live_lock(-1);
  hd_lock_take(&hd_tables_lock);
  hd_self.holds_all = true;
}

static void in_parent(void)
{
  if (!hd_self.holds_all)
    return;
  hd_self.holds_all = false;
  hd_lock_release(&hd_tables_lock);
  hd_live_unlock();
}

static void in_child(void)
{
  if (hd_self.holds_all) {
    hd_self.holds_all = false;
    become_child();
  } else if (unlocked_fork) {
    atomic_store(&hd_state, HD_OFF);
  }
}

/* Without room for the handlers a child is found by its cleared page. */
void hd_fork_start(void)
{
  pthread_atfork(prepare, in_parent, in_child);
}

bool hd_fork_adopt(void)
{
  if (!hd_live_is_unlocked() || !hd_lock_is_free(&hd_tables_lock)) {
    atomic_store(&hd_state, HD_OFF);
    return false;
  }
  become_child();
  return true;
}
