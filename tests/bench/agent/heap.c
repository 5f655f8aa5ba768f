/* Heaps of a known shape.
 *
 *   heap stacks            65,000 blocks from 16,000 stacks; then a snapshot, timed, while
 *                          another thread allocates: prints its milliseconds of wall time
 *                          and of CPU time
 *   heap live BLOCKS       as many blocks of 1 MB, untouched; prints the resident bytes
 *
 * A snapshot is jemalloc's prof.dump where there is jemalloc, else the one that the agent
 * takes when a program is about to run another: here one that cannot be run.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LEVELS = 14, STACKS = 16000, BLOCKS = 65000, LARGE = 1 << 20, SNAPSHOTS = 5 };

extern int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

static _Atomic(int) ending;

static uint64_t clock_ns(clockid_t clock)
{
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A way through two functions for every number of LEVELS bits. */
__attribute__((noinline)) void *left(int level, unsigned way, size_t size);

__attribute__((noinline)) void *right(int level, unsigned way, size_t size)
{
  void *block = level == LEVELS ? malloc(size)
                : way >> level & 1 ? left(level + 1, way, size) : right(level + 1, way, size);
  __asm__ volatile("" : : "r"(block) : "memory");
  return block;
}

__attribute__((noinline)) void *left(int level, unsigned way, size_t size)
{
  void *block = level == LEVELS ? malloc(size)
                : way >> level & 1 ? left(level + 1, way, size) : right(level + 1, way, size);
  __asm__ volatile("" : : "r"(block) : "memory");
  return block;
}

static void *allocate(void *unused)
{
  while (!atomic_load(&ending)) {
    free(malloc(100));
    usleep(10);
  }
  return unused;
}

static void take_snapshot(void)
{
  char *const nothing[] = {"nothing", NULL};
  if (mallctl)
    mallctl("prof.dump", NULL, NULL, NULL, 0);
  else
    execv("/", nothing);
}

static int time_snapshots(void)
{
  pthread_t other;
  for (unsigned i = 0; i < BLOCKS; i++)
    if (!left(0, i % STACKS, 16 + i % 7 * 16))
      return 1;
  pthread_create(&other, NULL, allocate, NULL);
  for (int i = 0; i < SNAPSHOTS; i++) {
    usleep(20000);
    uint64_t wall = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    take_snapshot();
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
    printf("%.3f %.3f\n", (double)wall / 1e6, (double)cpu / 1e6);
  }
  fflush(stdout);
  atomic_store(&ending, 1);
  pthread_join(other, NULL);
  return 0;
}

static long resident(void)
{
  long size = 0, pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2)
    return 0;
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
  if (argc > 1 && strcmp(argv[1], "stacks") == 0)
    return time_snapshots();
  if (argc < 3)
    return 2;
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TOP_PAD, 64 << 20);
  for (long i = atol(argv[2]); i > 0; i--)
    if (!left(0, (unsigned)i % 500, LARGE))
      return 1;
  printf("%ld\n", resident());
  return 0;
}
