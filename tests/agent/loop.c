/* Times malloc and free: `loop PAIRS THREADS`, prints CPU nanoseconds a pair. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long pairs;

static void *work(void *unused)
{
  (void)unused;
  enum { KEPT = 128 };
  void *kept[KEPT] = {0};
  unsigned random = 1;
  for (long i = 0; i < pairs; i++) {
    random = random * 1664525u + 1013904223u;
    free(kept[i % KEPT]);
    kept[i % KEPT] = malloc(16 + (random >> 24));
  }
  for (int i = 0; i < KEPT; i++)
    free(kept[i]);
  return NULL;
}

int main(int argc, char **argv)
{
  if (argc < 3)
    return 2;
  pthread_t threads[16];
  int count = atoi(argv[2]);
  pairs = atol(argv[1]);
  if (count < 1 || count > 16 || pairs < 1)
    return 2;
  struct timespec a, b;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  for (int i = 0; i < count; i++)
    pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
  printf("%.2f\n", ns / ((double)pairs * count));
  return 0;
}
