#include "base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct part {
  void (*work)(void *context, unsigned part);
  void *context;
  unsigned number;
  pthread_t thread;
  bool threaded;
};

static void *run(void *context)
{
  const struct part *part = context;
  part->work(part->context, part->number);
  return NULL;
}

static void start(struct part *part)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  part->threaded = pthread_create(&part->thread, NULL, run, part) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void hd_parallel(unsigned parts, void (*work)(void *context, unsigned part), void *context)
{
  struct part all[HD_MOST_PARTS];
  unsigned count = parts < HD_MOST_PARTS ? parts : HD_MOST_PARTS;
  for (unsigned i = 0; i < count; i++) {
    all[i] = (struct part){.work = work, .context = context, .number = i};
    if (i > 0)
      start(&all[i]);
  }
  for (unsigned i = 0; i < count; i++)
    if (!all[i].threaded)
      work(context, i);
  for (unsigned i = 0; i < count; i++)
    if (all[i].threaded)
      pthread_join(all[i].thread, NULL);
}
