#include "start.h"

#include "config.h"
#include "deadly.h"
#include "exit.h"
#include "fork.h"
#include "next.h"
#include "sampling.h"
#include "series.h"
#include "snapshot.h"
#include "status.h"
#include "ticker.h"
#include "unwind.h"

#include <errno.h>
#include <unistd.h>

static bool bring_up(void)
{
  hd_next_resolve();
  hd_config_read(environ);
  if (!hd_config.directory[0])
    return false;
  hd_unwind_start();
  hd_series_start();
  hd_status_open(hd_config.status);
  if (!hd_sampling_start(hd_config.rate, hd_config.max_frames, hd_config.seed))
    return false;
  hd_status_count_process();
  hd_fork_start();
  return true;
}

/* The first allocation is made before there is a second thread. */
bool hd_start_early(void)
{
  int state = atomic_load(&hd_state);
  if (state != HD_UNDECIDED || !environ || hd_self.busy)
    return state == HD_ON;
  int saved = errno;
  hd_self.busy = true;
  uint64_t left = hd_mute();
  bool on = bring_up();
  hd_unmute(left);
  hd_self.busy = false;
  errno = saved;
  atomic_store_explicit(&hd_state, on ? HD_ON : HD_OFF, memory_order_release);
  hd_is_passive = !on && !hd_boot_is_used();
  return on;
}

__attribute__((constructor)) static void begin(void)
{
  if (!hd_start_early())
    return;
  uint64_t left = hd_mute();
  hd_exit_start();
  hd_deadly_start();
  hd_unmute(left);
  hd_snapshot_begin();
  if (hd_config.interval_ms)
    hd_ticker_start();
  else
    hd_snapshot_write_start();
}
