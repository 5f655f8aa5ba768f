#include "fork.h"

#include "control.h"
#include "costs.h"
#include "got.h"
#include "live.h"
#include "mappings.h"
#include "modules.h"
#include "pressure.h"
#include "recording.h"
#include "retention.h"
#include "sampling.h"
#include "series.h"
#include "snapshot.h"
#include "status.h"
#include "sys.h"
#include "tables.h"
#include "ticker.h"
#include "trigger.h"
#include "waits.h"

#include <pthread.h>
#include <sys/mman.h>

/* Set in the parent when its thread could not take the locks because a signal
 * handler forks in the middle of the agent. */
static bool unlocked_fork;
/* A child of a dormant process that did nothing yet. */
static bool unsettled;

/* The thread that holds all locks for its fork, by the address of its hd_self. */
static _Atomic(struct hd_thread *) holder;

/* How often locks were taken from a forking thread: shared with the children, as
 * a child's copy of anything else may be older than the tables'. */
static _Atomic(uint64_t) unshared_yields;
static _Atomic(uint64_t) *yields = &unshared_yields;
static uint64_t yields_before;

static bool give_back(struct hd_thread *owner)
{
  if (!owner || !atomic_compare_exchange_strong(&holder, &owner, NULL))
    return false;
  hd_mappings_unlock();
  hd_lock_release(&hd_tables_lock);
  hd_live_unlock();
  return true;
}

void hd_fork_yield(void)
{
  struct hd_thread *owner = atomic_load(&holder);
  if (!owner)
    return;
  atomic_fetch_add(yields, 1);
  give_back(owner);
}

static void become_child(void)
{
  hd_got_forked();
  hd_live_reset_locks();
  hd_lock_reset(&hd_tables_lock);
  hd_mappings_reset_locks();
  hd_snapshot_forked();
  hd_modules_forked();
  hd_sampling_forked();
  hd_series_forked();
  hd_retention_forked();
  hd_control_forked();
  hd_trigger_forked();
  hd_pressure_forked();
  hd_costs_forked();
  hd_status_forked();
  hd_ticker_forked();
}

static void prepare(void)
{
  unlocked_fork = false;
  hd_self.holds_loader = hd_got_lock();
  if (!hd_is_on())
    return;
  unlocked_fork = hd_self.busy;
  if (unlocked_fork)
    return;
  hd_live_lock(-1);
  hd_lock_take(&hd_tables_lock);
  hd_mappings_lock();
  yields_before = atomic_load(yields);
  hd_self.holds_all = true;
  atomic_store(&holder, &hd_self);
}

static void in_parent(void)
{
  if (hd_self.holds_loader)
    hd_got_unlock();
  hd_self.holds_loader = false;
  if (!hd_self.holds_all)
    return;
  hd_self.holds_all = false;
  give_back(&hd_self);
}

/* Whether a child that records nothing may be asked to later. */
static void sleep_on(void)
{
  if (!hd_recording_is_possible || hd_is_on())
    return;
  unsettled = true;
  hd_control_forked();
  hd_trigger_forked();
  hd_waits_forked();
}

static void in_child(void)
{
  hd_got_forked();
  hd_self.holds_loader = false;
  if (hd_self.holds_all) {
    hd_self.holds_all = false;
    if (atomic_load(&holder) == &hd_self && atomic_load(yields) == yields_before)
      become_child();
    else
      atomic_store(&hd_state, HD_OFF);
    atomic_store(&holder, NULL);
    sleep_on();
  } else if (unlocked_fork) {
    atomic_store(&hd_state, HD_OFF);
  } else {
    sleep_on();
  }
}

void hd_fork_settle(void)
{
  if (!unsettled)
    return;
  unsettled = false;
  become_child();
}

/* Without room for the handlers a child is found by its cleared page. */
void hd_fork_start(void)
{
  static bool started;
  if (started)
    return;
  started = true;
  long page = hd_sys6(SYS_mmap, 0, sizeof *yields, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page > 0)
    yields = (_Atomic(uint64_t) *)page;
  pthread_atfork(prepare, in_parent, in_child);
}

void hd_fork_end(bool is_child)
{
  if (is_child)
    in_child();
  else
    in_parent();
}

bool hd_fork_adopt(void)
{
  if (!hd_live_is_unlocked() || !hd_lock_is_free(&hd_tables_lock) || !hd_mappings_are_unlocked()) {
    atomic_store(&hd_state, HD_OFF);
    return false;
  }
  become_child();
  return true;
}
