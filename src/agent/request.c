/* Snapshots that the program itself asks for: include/heapdiff/agent.h finds these
 * by their names, where the agent is there. */
#include "request.h"

#include "hooks.h"
#include "series.h"
#include "snapshot.h"
#include "state.h"

#include <errno.h>

/* Whether this process is being recorded. In a vfork's child it is not: its memory
 * is its parent's. */
HD_EXPORT int heapdiff_agent_recording(void)
{
  return hd_is_on() && hd_series_is_own_process();
}

HD_EXPORT int heapdiff_agent_snapshot(const char *reason)
{
  if (!heapdiff_agent_recording())
    return ENOSYS;
  int saved = errno;
  int error = hd_snapshot_take("request", reason);
  errno = saved;
  return error;
}
