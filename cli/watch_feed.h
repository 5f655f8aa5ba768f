/* What fills a directory while it is watched, in a thread of its own: a service that is
 * followed, and whatever else is recorded by a call of the library that ends when it is
 * asked to. */
#ifndef HEAPDIFF_CLI_WATCH_FEED_H
#define HEAPDIFF_CLI_WATCH_FEED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* How it goes, for the status line and the end. */
struct watch_news {
  uint64_t snapshots;      /* that came; before the first one the directory is not its own */
  bool unwritten;          /* the last one could not be written */
  time_t away_since;       /* 0: it is there */
  char why[1024];          /* it is away */
  uint64_t gaps, missed;   /* that are over, and the snapshots that lie in them */
  uint64_t restarts;
  time_t restarted;        /* the last time */
  char since_restart[256]; /* the first file since then, "" there was no restart */
  bool ended;
  char error[1024];        /* that ended it, "" none */
};

struct watch_feed {
  void (*run)(struct watch_feed *feed); /* until watch_feed_stops */
  void *context;                        /* of `run` */
  pthread_t thread;
  pthread_mutex_t lock; /* of what follows */
  bool started, stopping;
  struct watch_news news;
};

/* Sets run and context, and starts the thread, which gets no signals. False: said. */
bool watch_feed_start(struct watch_feed *feed, void (*run)(struct watch_feed *feed),
                      void *context);
/* Asks the thread to end, and waits for that. */
void watch_feed_end(struct watch_feed *feed);
/* What there is to know, now. */
void watch_feed_ask(struct watch_feed *feed, struct watch_news *news);

/* For `run`: whether it is to end (a stop function whose context is the feed). */
bool watch_feed_stops(void *feed);
/* For `run`: the news, to be changed, until watch_feed_tell. */
struct watch_news *watch_feed_change(struct watch_feed *feed);
void watch_feed_tell(struct watch_feed *feed);

#endif
