/* Folding and judging in the background, while nobody asks: what the next questions need is
 * there when they come. One thread works through a short list. It touches a fold that it works
 * on, and reads the snapshots and the pool, which do not change meanwhile: hd_ahead_stop comes
 * before anything that changes them. */
#include "api/kept_state.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

struct wanted {
  struct kept_fold *fold;
  struct hd_kept_judging judging;
};

struct hd_ahead {
  const struct hd_kept_set *kept;
  struct folder folder; /* the thread's */
  pthread_t thread;
  pthread_mutex_t lock; /* of all that follows */
  pthread_cond_t changed;
  struct wanted wanted[MAX_FOLDS];
  size_t count;
  struct kept_fold *working; /* NULL: it waits */
  bool again;                /* that one was wanted meanwhile, and may be to be judged otherwise */
  bool asked; /* just now: the next question may follow at once, as in a script */
  bool held, quitting;       /* held: it is to leave what it does, and to wait */
};

static bool is_held(void *context)
{
  struct hd_ahead *ahead = context;
  pthread_mutex_lock(&ahead->lock);
  bool held = ahead->held || ahead->quitting;
  pthread_mutex_unlock(&ahead->lock);
  return held;
}

/* Its place in the list; its count: it is not in it. */
static size_t place_in(const struct hd_ahead *ahead, const struct kept_fold *fold)
{
  size_t i = 0;
  while (i < ahead->count && ahead->wanted[i].fold != fold)
    i++;
  return i;
}

static void take_out(struct hd_ahead *ahead, const struct kept_fold *fold)
{
  size_t i = place_in(ahead, fold);
  if (i == ahead->count)
    return;
  for (ahead->count--; i < ahead->count; i++)
    ahead->wanted[i] = ahead->wanted[i + 1];
}

/* At the end where it is not there yet. */
static void want(struct hd_ahead *ahead, struct wanted wanted)
{
  size_t i = place_in(ahead, wanted.fold);
  if (i == MAX_FOLDS)
    return;
  ahead->wanted[i] = wanted;
  ahead->count += i == ahead->count;
}

/* One fold; what was left is still wanted. An error comes again when somebody asks. */
static void work_on(struct hd_ahead *ahead, struct wanted wanted)
{
  struct hd_stop stop = {is_held, ahead};
  struct hd_error error = HD_ERROR_INIT;
  bool stopped;
  ahead->again = false;
  pthread_mutex_unlock(&ahead->lock);
  if (hd_kept_fold_on(ahead->kept, wanted.fold, &ahead->folder, &stop, &stopped, &error) &&
      wanted.judging.wanted) {
    hd_kept_fold_judge(wanted.fold, &wanted.judging, &stop);
    stopped = is_held(ahead);
  }
  pthread_mutex_lock(&ahead->lock);
  if (!stopped && !ahead->again)
    take_out(ahead, wanted.fold);
}

/* Or until something changes. */
static void wait_a_moment(struct hd_ahead *ahead)
{
  enum { MOMENT_NS = 20000000, SECOND_NS = 1000000000 };
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += MOMENT_NS;
  until.tv_sec += until.tv_nsec / SECOND_NS;
  until.tv_nsec %= SECOND_NS;
  pthread_cond_timedwait(&ahead->changed, &ahead->lock, &until);
}

static void *work(void *context)
{
  struct hd_ahead *ahead = context;
  pthread_mutex_lock(&ahead->lock);
  while (!ahead->quitting) {
    if (ahead->held || !ahead->count) {
      pthread_cond_wait(&ahead->changed, &ahead->lock);
      continue;
    }
    if (ahead->asked) {
      ahead->asked = false;
      wait_a_moment(ahead);
      continue;
    }
    ahead->working = ahead->wanted[0].fold;
    work_on(ahead, ahead->wanted[0]);
    ahead->working = NULL;
    pthread_cond_broadcast(&ahead->changed);
  }
  pthread_mutex_unlock(&ahead->lock);
  return NULL;
}

static struct hd_ahead *start(struct hd_session *session)
{
  struct hd_ahead *ahead = hd_alloc_zeroed(1, sizeof *ahead);
  sigset_t all, before;
  if (!ahead)
    return NULL;
  ahead->kept = session->kept;
  ahead->folder.jobs = hd_session_jobs(session);
  pthread_mutex_init(&ahead->lock, NULL);
  pthread_cond_init(&ahead->changed, NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int failed = pthread_create(&ahead->thread, NULL, work, ahead);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!failed)
    return ahead;
  pthread_cond_destroy(&ahead->changed);
  pthread_mutex_destroy(&ahead->lock);
  hd_free(ahead);
  return NULL;
}

bool hd_ahead_want(struct hd_session *session, struct kept_fold *fold,
                   const struct hd_kept_judging *judging)
{
  struct hd_kept_set *kept = session->kept;
  if (!kept->ahead)
    kept->ahead = start(session);
  struct hd_ahead *ahead = kept->ahead;
  if (!ahead)
    return false;
  pthread_mutex_lock(&ahead->lock);
  /* Whether it is judged so the thread finds out. */
  bool known = ahead->working != fold && hd_kept_fold_done(kept, fold) && !judging->wanted;
  ahead->asked = true;
  ahead->again |= ahead->working == fold;
  if (!known)
    want(ahead, (struct wanted){fold, *judging});
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->lock);
  return true;
}

/* Until nobody works on `fold` (NULL: on any); false where `stop` ended the waiting. */
static bool wait_for(struct hd_ahead *ahead, const struct kept_fold *fold,
                     const struct hd_stop *stop)
{
  while (ahead->working && (!fold || ahead->working == fold)) {
    if (hd_stop_came(stop))
      return false;
    wait_a_moment(ahead);
  }
  return true;
}

bool hd_ahead_take(struct hd_kept_set *kept, struct kept_fold *fold, const struct hd_stop *stop)
{
  struct hd_ahead *ahead = kept->ahead;
  if (!ahead)
    return true;
  pthread_mutex_lock(&ahead->lock);
  ahead->held = ahead->working != fold;
  bool fine = wait_for(ahead, fold, stop);
  ahead->held = true;
  if (fine)
    take_out(ahead, fold);
  pthread_mutex_unlock(&ahead->lock);
  return fine;
}

void hd_ahead_drop(struct hd_kept_set *kept, struct kept_fold *fold)
{
  struct hd_ahead *ahead = kept->ahead;
  if (!ahead)
    return;
  pthread_mutex_lock(&ahead->lock);
  ahead->held = ahead->working == fold;
  wait_for(ahead, fold, NULL);
  take_out(ahead, fold);
  ahead->held = false;
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->lock);
}

void hd_ahead_go_on(struct hd_kept_set *kept)
{
  struct hd_ahead *ahead = kept->ahead;
  if (!ahead)
    return;
  pthread_mutex_lock(&ahead->lock);
  ahead->held = false;
  ahead->asked = true;
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->lock);
}

void hd_ahead_stop(struct hd_kept_set *kept)
{
  struct hd_ahead *ahead = kept->ahead;
  if (!ahead)
    return;
  pthread_mutex_lock(&ahead->lock);
  ahead->count = 0;
  ahead->held = true;
  wait_for(ahead, NULL, NULL);
  ahead->count = 0;
  ahead->held = false;
  pthread_mutex_unlock(&ahead->lock);
}

void hd_ahead_destroy(struct hd_kept_set *kept)
{
  struct hd_ahead *ahead = kept->ahead;
  if (!ahead)
    return;
  pthread_mutex_lock(&ahead->lock);
  ahead->quitting = true;
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->lock);
  pthread_join(ahead->thread, NULL);
  hd_folder_deinit(&ahead->folder);
  pthread_cond_destroy(&ahead->changed);
  pthread_mutex_destroy(&ahead->lock);
  hd_free(ahead);
  kept->ahead = NULL;
}
