#include "record_said.h"

#include "messages.h"

#include <inttypes.h>
#include <string.h>

void record_say_losses(const struct hd_record_result *result)
{
  if (result->failed)
    message_warning("%" PRIu64 " snapshot%s could not be written: %s", result->failed,
                    result->failed == 1 ? "" : "s",
                    result->failed_errno ? strerror(result->failed_errno) : "unknown reason");
  if (result->dropped)
    message_warning("%" PRIu64 " sampled allocations are missing: the agent had no room for them; "
                    "a larger --rate takes fewer samples",
                    result->dropped);
  if (result->signal_taken)
    message_warning("the program handles the signal that --signal names itself, so it asked for no "
                    "snapshot: name another one");
  if (result->logged)
    message_warning("the agent has something to say: see %s/heapdiff-agent.log", result->directory);
  if (result->processes == 0)
    message_warning("nothing was recorded: the agent was in no process; is the program statically "
                    "linked, set-user-ID, or does it clear LD_PRELOAD?");
  else if (result->snapshots == 0)
    message_warning("no snapshot has been written; processes that the program started may still "
                    "run and write to %s",
                    result->directory);
}

void record_say_go(const struct hd_record_result *result)
{
  if (result->go)
    message("note: this is a Go program, of which only the C memory is recorded: Go's own heap is "
            "in its net/http/pprof, which `heapdiff record HOST:PORT` fetches");
}

int record_own_failure(int exit_code, const struct hd_error *error)
{
  message_error(error);
  bool known = exit_code >= HD_RECORD_FAILED && exit_code <= HD_RECORD_NOT_FOUND;
  return known ? exit_code : HD_RECORD_FAILED;
}
