#include "watch_feed.h"

#include "messages.h"

#include <signal.h>
#include <string.h>

static void *run(void *context)
{
  struct watch_feed *feed = context;
  feed->run(feed);
  watch_feed_change(feed)->ended = true;
  watch_feed_tell(feed);
  return NULL;
}

bool watch_feed_start(struct watch_feed *feed, void (*function)(struct watch_feed *feed),
                      void *context)
{
  sigset_t all, before;
  feed->run = function;
  feed->context = context;
  pthread_mutex_init(&feed->lock, NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int failed = pthread_create(&feed->thread, NULL, run, feed);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  feed->started = !failed;
  if (failed)
    message_of("watch", "cannot start a thread: %s", strerror(failed));
  return !failed;
}

void watch_feed_end(struct watch_feed *feed)
{
  if (!feed->started)
    return;
  pthread_mutex_lock(&feed->lock);
  feed->stopping = true;
  pthread_mutex_unlock(&feed->lock);
  pthread_join(feed->thread, NULL);
  feed->started = false;
}

void watch_feed_ask(struct watch_feed *feed, struct watch_news *news)
{
  pthread_mutex_lock(&feed->lock);
  *news = feed->news;
  pthread_mutex_unlock(&feed->lock);
}

bool watch_feed_stops(void *context)
{
  struct watch_feed *feed = context;
  pthread_mutex_lock(&feed->lock);
  bool stopping = feed->stopping;
  pthread_mutex_unlock(&feed->lock);
  return stopping;
}

struct watch_news *watch_feed_change(struct watch_feed *feed)
{
  pthread_mutex_lock(&feed->lock);
  return &feed->news;
}

void watch_feed_tell(struct watch_feed *feed)
{
  pthread_mutex_unlock(&feed->lock);
}
