#include "record_url_said.h"

#include "command.h"
#include "messages.h"
#include "numbers.h"

#include <heapdiff/session.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void record_url_say_event(const struct hd_url_event *event)
{
  char gap[NUMBER_TEXT];
  switch (event->kind) {
  case HD_URL_SNAPSHOT: break;
  case HD_URL_AWAY: message_warning("%s; it is tried again until it is back", event->text); break;
  case HD_URL_BACK:
    format_elapsed(gap, event->gap_ns);
    message("back after a gap of %s: %" PRIu64 " snapshot%s missing", gap, event->missed,
            event->missed == 1 ? "" : "s");
    break;
  case HD_URL_RESTARTED:
    message_warning("the service has restarted: %s; growth counts from here", event->text);
    break;
  case HD_URL_INCOMPLETE: message_warning("%s", event->text); break;
  }
}

static void say_growth(const struct hd_url_record_result *result)
{
  char before[NUMBER_TEXT], after[NUMBER_TEXT], growth[NUMBER_TEXT], text[6 * NUMBER_TEXT] = "";
  int64_t grown = result->last.heap - result->first.heap;
  int length = 0;
  format_size(before, result->first.heap);
  format_size(after, result->last.heap);
  format_size(growth, grown < 0 ? -grown : grown);
  if (result->first.heap >= 0)
    length = snprintf(text, sizeof text, "heap %s -> %s (%s%s)   ", before, after,
                      grown < 0 ? "-" : "+", growth);
  if (result->first.goroutines >= 0)
    snprintf(text + length, sizeof text - (size_t)length,
             "goroutines %" PRId64 " -> %" PRId64 " (%+" PRId64 ")", result->first.goroutines,
             result->last.goroutines, result->last.goroutines - result->first.goroutines);
  message("%s%s", text, result->restarts ? "   since it restarted" : "");
}

static void say_result(const struct hd_url_record_result *result)
{
  bool both = result->last.heap >= 0 && result->last.goroutines >= 0;
  char thinned[64] = "";
  if (result->thinned)
    snprintf(thinned, sizeof thinned, ", %" PRIu64 " of them thinned out,", result->thinned);
  say_growth(result);
  if (result->gaps)
    message("%" PRIu64 " gap%s: %" PRIu64 " snapshot%s missing", result->gaps,
            result->gaps == 1 ? "" : "s", result->missed, result->missed == 1 ? "" : "s");
  if (result->restarts)
    message("the service restarted %" PRIu64 " time%s", result->restarts,
            result->restarts == 1 ? "" : "s");
  message("%" PRIu64 " snapshot%s%s%s in %s%s%s%s", result->moments,
          result->moments == 1 ? "" : "s", both ? " of heap and goroutines" : "", thinned,
          result->directory, result->moved_to[0] ? " (the recording before is in " : "",
          result->moved_to, result->moved_to[0] ? ")" : "");
  message("next: heapdiff top%s", both ? ", and heapdiff top --measure goroutines"
                                  : result->last.heap < 0 ? " --measure goroutines"
                                                          : "");
}

int record_url_say_end(const struct hd_url_record_result *result, bool fine,
                       const struct hd_error *error, bool quiet)
{
  if (result->unchecked)
    message_warning("--insecure: nobody has checked that the server is who it says: what it sent "
                    "may be forged, and passwords and tokens were sent to whoever it is");
  if (!fine && !result->moments && !result->failed)
    return message_error(error);
  if (result->failed)
    message_warning("%" PRIu64 " snapshot%s could not be written: %s", result->failed,
                    result->failed == 1 ? "" : "s", strerror(result->failed_errno));
  if (!result->moments)
    return STATUS_INTERNAL;
  if (!quiet)
    say_result(result);
  const char *directory = result->directory;
  hd_remember_paths(&directory, 1);
  return fine ? STATUS_FINE : message_error(error);
}
