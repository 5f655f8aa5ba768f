/* malloc and free in pairs, over a window of 128 blocks of 16 to 271 bytes.
 *
 *   pairs loop PAIRS THREADS     once, on each thread
 *   pairs slices PAIRS LIVE [alone]
 *                                keeps LIVE blocks of 1 MB, untouched, then runs PAIRS
 *                                pairs for every byte on standard input and prints the
 *                                CPU nanoseconds of each turn. Another thread sleeps, so
 *                                that libc takes its locks in every case, unless alone
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW = 128, MAX_THREADS = 64, LARGE = 1 << 20 };

static long pairs;

static void *work(void *unused)
{
  void *kept[WINDOW] = {0};
  uint32_t random = 1;
  for (long i = 0; i < pairs; i++) {
    random = random * 1664525u + 1013904223u;
    free(kept[i % WINDOW]);
    kept[i % WINDOW] = malloc(16 + (random >> 24));
  }
  for (int i = 0; i < WINDOW; i++)
    free(kept[i]);
  return unused;
}

static double cpu_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *sleep_on(void *unused)
{
  for (;;)
    pause();
  return unused;
}

static int run_slices(long live, int alone)
{
  pthread_t other;
  if (!alone)
    pthread_create(&other, NULL, sleep_on, NULL);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TOP_PAD, 64 << 20);
  for (long i = 0; i < live; i++)
    if (!malloc(LARGE))
      return 1;
  char turn;
  work(NULL);
  while (read(STDIN_FILENO, &turn, 1) == 1) {
    double before = cpu_ns();
    work(NULL);
    printf("%.0f\n", cpu_ns() - before);
    fflush(stdout);
  }
  return 0;
}

int main(int argc, char **argv)
{
  if (argc < 4)
    return 2;
  pairs = atol(argv[2]);
  if (strcmp(argv[1], "slices") == 0)
    return run_slices(atol(argv[3]), argc > 4);
  pthread_t threads[MAX_THREADS];
  int count = atoi(argv[3]);
  for (int i = 0; i < count && i < MAX_THREADS; i++)
    pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < count && i < MAX_THREADS; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
