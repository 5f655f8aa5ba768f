#include "record_said.h"

#include "messages.h"
#include "numbers.h"

#include <inttypes.h>
#include <stdio.h>
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

/* What cannot be measured, an addition and a comparison an allocation, is in the
 * manual. */
static void say_costs(const struct hd_record_result *result)
{
  char memory[NUMBER_TEXT], spent[NUMBER_TEXT], cpu[NUMBER_TEXT], share[NUMBER_TEXT] = "";
  double spent_s = result->recording_s + result->writing_s;
  if (!result->agent_memory)
    return;
  format_size(memory, (int64_t)result->agent_memory);
  format_seconds(spent, spent_s);
  format_seconds(cpu, result->cpu_s);
  if (spent_s < result->cpu_s)
    snprintf(share, sizeof share, " (%.1f%%)", 100 * spent_s / result->cpu_s);
  message("cost: %s of %s CPU%s for %" PRIu64 " sample%s and the snapshots, %s of memory", spent,
          cpu, share, result->samples, result->samples == 1 ? "" : "s", memory);
}

void record_say_summary(const struct hd_record_result *result, const char *how)
{
  char processes[64] = "", kept[64] = "";
  if (result->processes > 1)
    snprintf(processes, sizeof processes, " of %" PRIu64 " processes", result->processes);
  if (result->thinned)
    snprintf(kept, sizeof kept, ", thinned out to %" PRIu64 ",",
             result->snapshots - result->thinned);
  message("%s%s%" PRIu64 " snapshot%s%s%s in %s%s%s%s", how ? how : "", how ? "; " : "",
          result->snapshots, result->snapshots == 1 ? "" : "s", processes, kept, result->directory,
          result->moved_to[0] ? " (the recording before is in " : "", result->moved_to,
          result->moved_to[0] ? ")" : "");
  say_costs(result);
  message("next: heapdiff top");
}

int record_own_failure(int exit_code, const struct hd_error *error)
{
  message_error(error);
  bool known = exit_code >= HD_RECORD_FAILED && exit_code <= HD_RECORD_NOT_FOUND;
  return known ? exit_code : HD_RECORD_FAILED;
}
