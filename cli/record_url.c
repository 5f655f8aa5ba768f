#include "record_url.h"

#include "ending.h"
#include "messages.h"
#include "numbers.h"
#include "record_url_said.h"

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
  if (event->kind == HD_URL_SNAPSHOT && common->lines)
    print_line(&event->point);
  record_url_say_event(event);
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
  return record_url_say_end(&result, fine, &error, common->quiet);
}
