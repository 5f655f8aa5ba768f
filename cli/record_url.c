#include "record_url.h"

#include "ending.h"
#include "messages.h"
#include "numbers.h"

#include <heapdiff/record_url.h>
#include <heapdiff/session.h>

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define LONGEST_MS (1000 * INT64_C(86400000))

const struct option_row record_url_rows[] = {
    {NUMBER_AT(struct record_url_args, count), .name = "count", .metavar = "N", .least = 1,
     .help = "end after so many snapshots"},
    {DURATION_AT(struct record_url_args, lasting), .name = "for", .metavar = "DURATION", .least = 1,
     .most = LONGEST_MS, .help = "end after so long (default: at Ctrl-C)"},
    {DURATION_AT(struct record_url_args, fetch_timeout), .name = "fetch-timeout",
     .metavar = "DURATION", .least = 1, .most = 86400000, .standard = "30s",
     .help = "of a URL: how long the server may stall before it is given up for this time"},
    OPTION_ROWS_END,
};

static void print_line(const struct hd_url_point *point)
{
  char elapsed[NUMBER_TEXT], heap[NUMBER_TEXT], text[NUMBER_TEXT * 3];
  int length = 0;
  format_elapsed(elapsed, point->elapsed_ns);
  format_size(heap, point->heap);
  text[0] = '\0';
  if (point->heap >= 0)
    length = snprintf(text, sizeof text, "   heap %9s", heap);
  if (point->goroutines >= 0)
    snprintf(text + length, sizeof text - (size_t)length, "   goroutines %6" PRId64,
             point->goroutines);
  message("%7s%s", elapsed, text);
}

static void on_event(void *context, const struct hd_url_event *event)
{
  const struct record_url_common *common = context;
  char gap[NUMBER_TEXT];
  switch (event->kind) {
  case HD_URL_SNAPSHOT:
    if (common->lines)
      print_line(&event->point);
    break;
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

int record_url(const struct command *command, const struct record_url_args *args,
               const struct record_url_common *common, int argc, char **argv)
{
  struct hd_url_record_options options = {
      .url = argv[0],
      .directory = common->directory,
      .interval_ms = common->interval_ms,
      .count = (uint64_t)args->count,
      .for_ms = args->lasting.milliseconds,
      .keep = (uint64_t)common->keep,
      .keep_bytes = common->keep_bytes,
      .urls = url_options(&args->urls),
      .on_event = on_event,
      .context = (void *)(uintptr_t)common,
  };
  struct hd_url_record_result result;
  struct hd_error error = HD_ERROR_INIT;
  if (argc > 1)
    return command_misused(command, "one URL is recorded, and options come before it: '%s'",
                           argv[1]);
  options.urls.timeout_ms = args->fetch_timeout.milliseconds;
  options.urls.stop = ending_came;
  ending_watch();
  signal(SIGPIPE, SIG_IGN); /* it goes on when nobody reads its messages any more */
  bool fine = hd_record_url(&options, &result, &error);
  if (result.unchecked)
    message_warning("--insecure: nobody has checked that the server is who it says: what it sent "
                    "may be forged, and passwords and tokens were sent to whoever it is");
  if (!fine && !result.moments && !result.failed)
    return message_error(&error);
  if (result.failed)
    message_warning("%" PRIu64 " snapshot%s could not be written: %s", result.failed,
                    result.failed == 1 ? "" : "s", strerror(result.failed_errno));
  if (!result.moments)
    return STATUS_INTERNAL;
  if (!common->quiet)
    say_result(&result);
  const char *directory = result.directory;
  hd_remember_paths(&directory, 1);
  return fine ? STATUS_FINE : message_error(&error);
}
