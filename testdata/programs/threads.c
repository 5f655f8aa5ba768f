/* threads [--truth FILE] [--rounds N]: four threads, each leaks at a site of its
 * own while it frees what the thread before it allocated. Known answer, for N
 * rounds (default 10,000): thread i leaks N blocks of 32 * (i + 1) bytes in
 * leak_i; hand_over leaks nothing but the last block of each thread. */
#include "truth.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, HANDED_SIZE = 100 };

static long rounds = 10000;
static void *handed[THREADS]; /* what each thread gave to the next */
static void *volatile kept[THREADS];

#define LEAK(i)                                                                                    \
  static int line_##i;                                                                             \
  static __attribute__((noinline)) void leak_##i(void)                                             \
  {                                                                                                \
    kept[i] = malloc(32 * (i + 1)), line_##i = __LINE__;                                           \
  }

/* One line each: a call site is a line. */
LEAK(0)
LEAK(1)
LEAK(2)
LEAK(3)

static void (*const leaks[THREADS])(void) = {leak_0, leak_1, leak_2, leak_3};
static int *const lines[THREADS] = {&line_0, &line_1, &line_2, &line_3};
static const char *const names[THREADS] = {"leak_0", "leak_1", "leak_2", "leak_3"};
static int hand_over_line;

static __attribute__((noinline)) void hand_over(size_t thread)
{
  __atomic_store_n(&hand_over_line, __LINE__ + 1, __ATOMIC_RELAXED);
  void *block = malloc(HANDED_SIZE);
  free(__atomic_exchange_n(&handed[(thread + 1) % THREADS], block, __ATOMIC_ACQ_REL));
}

/* The first ones come in the threads' order: with a seed the samples are the same in each run. */
static void leak_first(size_t thread)
{
  static size_t turn;
  while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != thread)
    sched_yield();
  leaks[thread]();
  __atomic_store_n(&turn, thread + 1, __ATOMIC_RELEASE);
}

static void *work(void *argument)
{
  size_t thread = (size_t)argument;
  for (long i = 0; i < rounds; i++) {
    if (i == 0)
      leak_first(thread);
    else
      leaks[thread]();
    hand_over(thread);
  }
  return NULL;
}

int main(int argc, char **argv)
{
  pthread_t threads[THREADS];
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--rounds") == 0)
      rounds = atol(argv[i + 1]);
    else if (strcmp(argv[i], "--truth") == 0 && truth_start(argv[i + 1]) != 0)
      return 3;
  }
  if (rounds <= 0)
    return 2;
  for (size_t i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
      return 4;
  for (size_t i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  for (size_t i = 0; i < THREADS; i++)
    truth_expect(names[i], *lines[i], (size_t)rounds * 32 * (i + 1), (size_t)rounds);
  truth_expect("hand_over", hand_over_line, THREADS * HANDED_SIZE, THREADS);
  return truth_finish() == 0 ? 0 : 3;
}
