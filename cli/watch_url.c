#include "watch_url.h"

#include "messages.h"
#include "record_url_said.h"
#include "record_words.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 512 };

/* What the thread that follows it is given, and leaves. */
struct following {
  struct hd_url_record_options options;
  struct hd_url_record_result result;
  struct hd_error error;
  bool fine;
  bool says;       /* what happens is said, as there is no screen that shows it */
  bool restarting; /* the next snapshot is the first of another life */
  struct watch_feed feed;
};

/* The page is in front: there is little room, and the user has named it. */
static const char *without_page(const char *text)
{
  const char *colon = strstr(text, ": ");
  return colon && memchr(text, '/', (size_t)(colon - text)) ? colon + 2 : text;
}

static void take_snapshot(struct following *following, struct watch_news *news, const char *file)
{
  news->unwritten = !file;
  if (!file)
    return;
  news->snapshots++;
  if (following->restarting)
    snprintf(news->since_restart, sizeof news->since_restart, "%s", file);
  following->restarting = false;
}

static void on_event(void *context, const struct hd_url_event *event)
{
  struct following *following = context;
  if (following->says)
    record_url_say_event(event);
  struct watch_news *news = watch_feed_change(&following->feed);
  switch (event->kind) {
  case HD_URL_SNAPSHOT: take_snapshot(following, news, event->file); break;
  case HD_URL_AWAY:
    news->away_since = time(NULL);
    snprintf(news->why, sizeof news->why, "%s", without_page(event->text));
    break;
  case HD_URL_BACK:
    news->away_since = 0;
    news->gaps++;
    news->missed += event->missed;
    break;
  case HD_URL_RESTARTED:
    following->restarting = true;
    news->restarts++;
    news->restarted = time(NULL);
    break;
  case HD_URL_INCOMPLETE: break; /* one profile is asked for */
  }
  watch_feed_tell(&following->feed);
}

static void follow(struct watch_feed *feed)
{
  struct following *following = feed->context;
  following->fine = hd_record_url(&following->options, &following->result, &following->error);
  struct watch_news *news = watch_feed_change(feed);
  if (!following->fine)
    snprintf(news->error, sizeof news->error, "%s", following->error.text);
  watch_feed_tell(feed);
}

static int end_of(const struct following *following)
{
  const struct hd_url_record_result *result = &following->result;
  if (!result->moments && !result->failed && watch_ended_by())
    return 128 + watch_ended_by();
  return record_url_say_end(result, following->fine, &following->error, false);
}

int watch_url(struct watch_args *args, const char *url)
{
  char shown[SHOWN];
  const struct record_standards standards = record_standards();
  struct following following = {
      .options =
          {
              .url = url,
              .directory = args->output,
              .measure = args->measure ? args->measure : "inuse_space",
              .interval_ms = args->interval.milliseconds,
              .keep = (uint64_t)standards.keep,
              .keep_bytes = standards.max_size,
              .urls = url_options(&args->input.urls),
              .on_event = on_event,
              .context = &following,
          },
      .error = HD_ERROR_INIT,
      .says = !watch_has_screen(),
  };
  following.options.urls.timeout_ms = args->input.symbols.fetch_timeout.milliseconds;
  following.options.urls.stop = watch_feed_stops;
  following.options.urls.stop_context = &following.feed;
  hd_url_show(url, shown, sizeof shown);
  int failed = watch_look_at_feed(&following.feed, follow, &following, args, shown);
  int status = failed == STATUS_INTERNAL ? failed : end_of(&following);
  return failed ? failed : status;
}
