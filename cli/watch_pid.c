#include "watch_pid.h"

#include "interrupt.h"
#include "messages.h"
#include "numbers.h"
#include "record_pid.h"
#include "record_words.h"

#include <heapdiff/session.h>

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* What the thread that records it is given, and leaves. */
struct recording_of {
  struct hd_pid_options options;
  struct hd_pid_result result;
  struct hd_error error;
  bool fine;
  bool says; /* there is no screen */
  struct watch_feed feed;
};

bool watch_is_pid(const char *word, int64_t *pid)
{
  return parse_number(word, pid) && *pid > 0 && access(word, F_OK) != 0;
}

static void on_attached(void *context, const struct hd_attached *attached)
{
  const struct recording_of *recording = context;
  if (recording->says)
    record_pid_say_attached(attached);
}

static void on_snapshot(void *context, const struct hd_record_event *event)
{
  struct recording_of *recording = context;
  watch_feed_change(&recording->feed)->snapshots += event->pid == recording->options.pid;
  watch_feed_tell(&recording->feed);
}

static void run(struct watch_feed *feed)
{
  struct recording_of *recording = feed->context;
  recording->fine = hd_record_pid(&recording->options, &recording->result, &recording->error);
  struct watch_news *news = watch_feed_change(feed);
  if (!recording->fine)
    snprintf(news->error, sizeof news->error, "%s", recording->error.text);
  else
    snprintf(news->error, sizeof news->error, "%s",
             recording->result.ended      ? "the process has ended"
             : recording->result.replaced ? "the process has become another program"
                                          : "nothing is recorded any more");
  watch_feed_tell(feed);
}

static int end_of(const struct recording_of *recording)
{
  const struct hd_pid_result *result = &recording->result;
  const struct record_pid_args args = {.pid = recording->options.pid};
  const char *directory = result->record.directory;
  if (!recording->fine && !result->record.snapshots)
    return watch_ended_by() ? 128 + watch_ended_by() : message_error(&recording->error);
  record_pid_say(&args, result, false);
  if (result->record.snapshots)
    hd_remember_paths(&directory, 1);
  return recording->fine ? STATUS_FINE : message_error(&recording->error);
}

int watch_pid(struct watch_args *args, int64_t pid)
{
  char shown[64];
  const struct record_standards standards = record_standards();
  struct recording_of recording = {
      .options = {.pid = pid,
                  .attach_timeout_ms = args->attach_timeout.milliseconds,
                  .record = {.directory = args->output,
                             .interval_ms = args->interval.milliseconds,
                             .rate = args->rate,
                             .keep = (uint64_t)standards.keep,
                             .keep_bytes = standards.max_size,
                             .oom_percent = standards.oom_percent,
                             .on_snapshot = on_snapshot,
                             .context = &recording},
                  .stop = watch_feed_stops,
                  .stop_context = &recording.feed,
                  .on_attached = on_attached},
      .error = HD_ERROR_INIT,
      .says = !watch_has_screen(),
  };
  snprintf(shown, sizeof shown, "process %" PRId64, pid);
  args->input.pid = pid;  /* not one that it starts */
  interrupt_no_sigpipe(); /* the agent is to be taken out of its way in any case */
  int failed = watch_look_at_feed(&recording.feed, run, &recording, args, shown);
  int status = failed == STATUS_INTERNAL ? failed : end_of(&recording);
  return failed ? failed : status;
}
