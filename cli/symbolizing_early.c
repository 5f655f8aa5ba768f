#include "symbolizing_early.h"

#include "common_args.h"

#include <heapdiff/symbolize.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct early_path {
  struct early_path *next;
  char text[];
};

static bool is_ended(void *context)
{
  struct symbolizing_early *early = context;
  pthread_mutex_lock(&early->mutex);
  bool end = early->end;
  pthread_mutex_unlock(&early->mutex);
  return end;
}

/* A session each: they keep what they have read. The next finds the names in the cache. */
static void symbolize_one(struct symbolizing_early *early, const char *path)
{
  hd_session *session = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_session_options options = input_options(&(struct input_args){0});
  struct hd_symbolize_options work = {.stop = is_ended, .context = early};
  struct hd_symbolize_result result;
  if (hd_session_create(&options, &session, &error))
    hd_symbolize_snapshots(session, &path, 1, &work, &result, &error);
  hd_session_destroy(session);
}

/* NULL: the end. */
static struct early_path *next_path(struct symbolizing_early *early)
{
  pthread_mutex_lock(&early->mutex);
  while (!early->first && !early->end)
    pthread_cond_wait(&early->more, &early->mutex);
  struct early_path *path = early->end ? NULL : early->first;
  if (path)
    early->first = path->next;
  pthread_mutex_unlock(&early->mutex);
  return path;
}

static void *work(void *context)
{
  struct early_path *path;
  while ((path = next_path(context))) {
    symbolize_one(context, path->text);
    free(path);
  }
  return NULL;
}

static void start(struct symbolizing_early *early)
{
  sigset_t all, before;
  pthread_mutex_init(&early->mutex, NULL);
  pthread_cond_init(&early->more, NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  early->started = pthread_create(&early->thread, NULL, work, early) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  early->failed = !early->started;
}

void symbolizing_early_add(struct symbolizing_early *early, const char *path)
{
  size_t size = strlen(path) + 1;
  struct early_path *added;
  if (!early->started && !early->failed)
    start(early);
  if (early->failed || !(added = malloc(sizeof *added + size)))
    return;
  added->next = NULL;
  memcpy(added->text, path, size);
  pthread_mutex_lock(&early->mutex);
  if (early->first)
    early->last->next = added;
  else
    early->first = added;
  early->last = added;
  pthread_cond_signal(&early->more);
  pthread_mutex_unlock(&early->mutex);
}

void symbolizing_early_end(struct symbolizing_early *early)
{
  if (!early->started)
    return;
  pthread_mutex_lock(&early->mutex);
  early->end = true;
  pthread_cond_signal(&early->more);
  pthread_mutex_unlock(&early->mutex);
  pthread_join(early->thread, NULL);
  while (early->first) {
    struct early_path *path = early->first;
    early->first = path->next;
    free(path);
  }
}
