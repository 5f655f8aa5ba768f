#include "attach.h"

#include "fork.h"
#include "hooks.h"
#include "next.h"
#include "recording.h"
#include "series.h"
#include "state.h"
#include "ticker.h"

#include <errno.h>
#include <stdatomic.h>

/* The thread does all the rest, as this one was interrupted anywhere. */
HD_EXPORT int heapdiff_agent_attach(void)
{
  int saved = errno;
  int undecided = HD_UNDECIDED;
  atomic_compare_exchange_strong(&hd_state, &undecided, HD_OFF);
  hd_fork_settle();
  if (!hd_is_on() && !hd_ticker_is_running())
    hd_series_note_process();
  hd_recording_is_possible = true;
  bool runs = hd_ticker_start_now();
  errno = saved;
  return runs ? 0 : EAGAIN;
}

void hd_attach_prepare(void)
{
  if (!hd_recording_is_possible || hd_is_on() || hd_recording_is_dormant())
    return;
  hd_next_resolve();
  hd_fork_start();
  hd_recording_patch();
}
