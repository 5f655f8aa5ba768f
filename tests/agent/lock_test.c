/* A lock under more threads than there are processors: what it keeps is never touched by
 * two at once, each gets it, and a wait with a limit ends. */
#include "fork.h"
#include "lock.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { THREADS = 6, TURNS = 20000, EVERY = 16 };

static struct hd_lock lock;
static volatile unsigned long kept, shadow;
static _Atomic(unsigned) torn;

void hd_fork_yield(void)
{
}

static void *take_turns(void *unused)
{
  for (int i = 0; i < TURNS; i++) {
    hd_lock_take(&lock);
    if (kept != shadow)
      atomic_fetch_add(&torn, 1);
    kept = kept + 1;
    if (i % EVERY == 0)
      sched_yield(); /* the others come to wait */
    shadow = shadow + 1;
    hd_lock_release(&lock);
  }
  return unused;
}

int main(void)
{
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, take_turns, NULL);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  if (torn || kept != (unsigned long)THREADS * TURNS || !hd_lock_is_free(&lock)) {
    printf("%lu turns, %u torn\n", kept, torn);
    return 1;
  }
  hd_lock_take(&lock);
  if (hd_lock_take_within(&lock, 5)) {
    puts("a lock that is held was taken");
    return 1;
  }
  hd_lock_release(&lock); /* as one that may be waited for */
  return hd_lock_take_within(&lock, 0) ? 0 : 1;
}
