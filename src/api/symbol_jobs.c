/* Modules are independent: large ones are symbolized by several threads, each with a
 * symbolizer (and so with libdw handles) of its own. Who does which is left to chance, and
 * what comes out does not depend on it. */
#include "api/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
  MAX_THREADS = 64,
  LARGE = 256, /* addresses from which on a module is worth a thread */
};

struct queue {
  const struct hd_session *session;
  struct hd_symbol_job *jobs;
  size_t count;
  atomic_size_t next;
};

struct worker {
  struct queue *queue;
  struct hd_symbolizer *symbolizer;
  pthread_t thread;
};

static void *work(void *context)
{
  struct worker *worker = context;
  for (;;) {
    size_t i = atomic_fetch_add(&worker->queue->next, 1);
    if (i >= worker->queue->count)
      return NULL;
    struct hd_symbol_job *job = &worker->queue->jobs[i];
    hd_session_say(worker->queue->session, "looking up symbols in", job->path);
    job->error = (struct hd_error)HD_ERROR_INIT;
    job->fine = hd_symbolize(worker->symbolizer, job->path, job->build_id, job->places,
                             job->offsets, job->count, &job->batch, &job->error);
  }
}

static size_t thread_count(const struct hd_session *session, const struct hd_symbol_job *jobs,
                           size_t count)
{
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  size_t most = session->options.jobs ? session->options.jobs
                : processors > 0      ? (size_t)processors : 1;
  size_t large = 0;
  for (size_t i = 0; i < count; i++)
    large += jobs[i].count >= LARGE;
  if (most > MAX_THREADS)
    most = MAX_THREADS;
  return large < 2 ? 1 : large < most ? large : most;
}

/* The symbolizer of worker `i`, made when it is first needed; NULL when memory is short. */
static struct hd_symbolizer *symbolizer_of(struct hd_session *session, size_t i)
{
  if (i == 0)
    return session->symbolizer;
  if (i <= session->helpers.count)
    return session->helpers.items[i - 1];
  struct hd_symbol_options options = hd_session_symbol_options(session);
  struct hd_symbolizer *made;
  if (!hd_symbolizer_create(&options, &made, NULL))
    return NULL;
  if (hd_vec_push(&session->helpers, made))
    return made;
  hd_symbolizer_destroy(made);
  return NULL;
}

bool hd_session_run_jobs(struct hd_session *session, struct hd_symbol_job *jobs, size_t count,
                         struct hd_error *error)
{
  struct queue queue = {.session = session, .jobs = jobs, .count = count};
  struct worker workers[MAX_THREADS];
  size_t wanted = thread_count(session, jobs, count), running = 1;
  workers[0] = (struct worker){&queue, session->symbolizer, 0};
  /* Fewer threads than wanted are slower, not wrong. */
  for (; running < wanted; running++) {
    struct worker *worker = &workers[running];
    *worker = (struct worker){&queue, symbolizer_of(session, running), 0};
    if (!worker->symbolizer || pthread_create(&worker->thread, NULL, work, worker) != 0)
      break;
  }
  work(&workers[0]);
  for (size_t i = 1; i < running; i++)
    pthread_join(workers[i].thread, NULL);
  for (size_t i = 0; i < count; i++) {
    if (jobs[i].fine)
      continue;
    if (error && error->kind == HD_ERROR_NONE)
      *error = jobs[i].error;
    return false;
  }
  return true;
}
