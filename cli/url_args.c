#include "url_args.h"

#include "ending.h"
#include "messages.h"
#include "numbers.h"

#define LONGEST_MS (1000 * INT64_C(86400000))

const struct option_row url_rows[] = {
    {TEXT_AT(struct url_args, user), .name = "user", .metavar = "NAME:PASSWORD",
     .help = "log in with this; ~/.netrc keeps it off the command line"},
    {LIST_AT(struct url_args, headers), .name = "header", .metavar = "HEADER",
     .help = "send 'Name: value' with each request, or those in a file, as @FILE; may be repeated"},
    {TEXT_AT(struct url_args, ca_cert), .name = "ca-cert", .metavar = "FILE", .path = true,
     .help = "trust the certificates in this file (PEM), and no others"},
    {FLAG_AT(struct url_args, insecure), .name = "insecure",
     .help = "take any certificate: whoever is on the way can read and forge"},
    {FLAG_AT(struct url_args, gc), .name = "gc",
     .help = "have a Go service collect its garbage before each snapshot"},
    {SIZE_AT(struct url_args, max_body), .name = "max-body", .metavar = "SIZE", .least = 1,
     .standard = "256MiB", .help = "refuse an answer that is larger"},
    OPTION_ROWS_END,
};

const struct option_row url_series_rows[] = {
    {DURATION_AT(struct url_args, every), .name = "every", .metavar = "DURATION", .least = 1,
     .most = LONGEST_MS, .help = "of a URL, take a snapshot so often; without --for, two of them"},
    {DURATION_AT(struct url_args, lasting), .name = "for", .metavar = "DURATION", .least = 1,
     .most = LONGEST_MS, .help = "go on for so long; without --every, one at each end"},
    OPTION_ROWS_END,
};

static bool is_series(const struct url_args *args)
{
  return args->every.milliseconds || args->lasting.milliseconds;
}

bool url_args_given(const struct url_args *args)
{
  return args->user || args->headers.count || args->ca_cert || args->insecure || args->gc;
}

struct hd_url_options url_options(const struct url_args *args)
{
  return (struct hd_url_options){
      .user = args->user,
      .headers = args->headers.items,
      .header_count = args->headers.count,
      .ca_cert = args->ca_cert,
      .insecure = args->insecure,
      .gc = args->gc,
      .max_body = args->max_body,
      .every_ms = args->every.milliseconds,
      .for_ms = args->lasting.milliseconds,
      .stop = is_series(args) ? ending_came : NULL,
  };
}

bool url_series_begin(const struct command *command, const struct url_args *args, char **words,
                      int count, int *status)
{
  int urls = 0;
  char lasting[NUMBER_TEXT];
  for (int i = 0; i < count; i++)
    urls += hd_is_url(words[i]);
  if (!is_series(args))
    return true;
  if (!urls) {
    *status = command_misused(command, "--every and --for are for URLs, and none is named");
    return false;
  }
  if (urls > 1) {
    *status = command_misused(command, "--every and --for are for one URL, and %d are named", urls);
    return false;
  }
  uint64_t ms = args->lasting.milliseconds ? args->lasting.milliseconds : args->every.milliseconds;
  format_elapsed(lasting, (int64_t)ms * 1000000);
  message("taking snapshots for %s; Ctrl-C ends that and shows what there is by then", lasting);
  ending_watch();
  return true;
}
