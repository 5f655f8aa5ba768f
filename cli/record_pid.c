#include "record_pid.h"

#include "ending.h"
#include "messages.h"
#include "numbers.h"
#include "record_said.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

const struct option_row record_pid_rows[] = {
    {NUMBER_AT(struct record_pid_args, pid), .letter = 'p', .name = "pid", .metavar = "PID",
     .process = true, .least = 1, .most = INT32_MAX,
     .help = "attach to this process; it runs on unharmed"},
    {FLAG_AT(struct record_pid_args, detach), .name = "detach",
     .help = "with --pid: end a recording whose heapdiff is gone"},
    {DURATION_AT(struct record_pid_args, attach_timeout), .name = "attach-timeout",
     .metavar = "DURATION", .least = 1, .most = 86400000, .standard = "10s",
     .help = "how long a moment is waited for in which it can be attached to, and then how long "
             "that may take"},
    {FLAG_AT(struct record_pid_args, dormant), .name = "dormant",
     .help = "start a program so that --pid can wake the agent in it later"},
    OPTION_ROWS_END,
};

/* The agent of a process is a thread of its own: what happens to heapdiff leaves it be. */
struct told {
  struct hd_record_options record;
  bool quiet;
};

void record_pid_say_attached(const struct hd_attached *attached)
{
  char stopped[NUMBER_TEXT];
  format_seconds(stopped, attached->stopped_s);
  if (attached->injected)
    message("attached to %s (%" PRId64 "), stopped for %s; what it allocated before is unknown",
            attached->program, attached->pid, stopped);
  else
    message("woke the agent in %s (%" PRId64 "); what it allocated before is unknown",
            attached->program, attached->pid);
}

static void on_attached(void *context, const struct hd_attached *attached)
{
  const struct told *told = context;
  if (!told->quiet)
    record_pid_say_attached(attached);
}

static void on_snapshot(void *context, const struct hd_record_event *event)
{
  const struct told *told = context;
  told->record.on_snapshot(told->record.context, event);
}

int record_pid(struct hd_pid_options *options, const struct record_pid_args *args, bool quiet,
               struct hd_pid_result *result)
{
  struct told told = {options->record, quiet};
  struct hd_error error = HD_ERROR_INIT;
  options->pid = args->pid;
  options->attach_timeout_ms = args->attach_timeout.milliseconds;
  options->stop = ending_came;
  options->on_attached = on_attached;
  options->record.context = &told;
  options->record.on_snapshot = options->record.on_snapshot ? on_snapshot : NULL;
  ending_watch();
  signal(SIGPIPE, SIG_IGN); /* it goes on when nobody reads its messages any more */
  return hd_record_pid(options, result, &error) ? STATUS_FINE : message_error(&error);
}

static void say_losses(const struct hd_pid_result *result)
{
  record_say_losses(&result->record);
  if (result->fetch_errno)
    message_warning("some snapshots could not be fetched, and stay in %s: %s", result->left,
                    strerror(result->fetch_errno));
}

void record_pid_say(const struct record_pid_args *args, const struct hd_pid_result *result,
                    bool quiet)
{
  char how[96];
  say_losses(result);
  if (quiet)
    return;
  if (result->ended)
    snprintf(how, sizeof how, "process %" PRId64 " has ended", args->pid);
  else if (result->replaced)
    snprintf(how, sizeof how, "process %" PRId64 " has become another program", args->pid);
  else if (result->taken_away)
    snprintf(how, sizeof how, "another heapdiff has detached from process %" PRId64, args->pid);
  else
    snprintf(how, sizeof how, "detached");
  if (result->record.snapshots) {
    record_say_go(&result->record);
    record_say_summary(&result->record, how);
  } else {
    message("%s", how);
  }
}

int record_detach(const struct record_pid_args *args, bool quiet)
{
  struct hd_error error = HD_ERROR_INIT;
  char directory[4096];
  if (!hd_detach(args->pid, directory, &error))
    return message_error(&error);
  if (!quiet)
    message("detached; its snapshots are in %s", directory);
  return STATUS_FINE;
}
