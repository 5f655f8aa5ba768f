/* A program that notices what was done to it: each way to wait or to compute, over and over,
 * with what it must give. Ends with 0 on SIGTERM, with 1 and a line where something was
 * wrong. With "interruptible" behind the way, EINTR is no fault.
 *
 *   visited WAY [interruptible]
 *   visited load LIBRARY */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 16, BLOCKS = 50, MARK = 33 };

static volatile sig_atomic_t ended;
static bool interruptible;
static const char *library;

static void on_term(int number)
{
  (void)number;
  ended = 1;
}

static int wrong(const char *what, int result)
{
  if (ended || (interruptible && result < 0 && errno == EINTR))
    return 0;
  printf("%s gave %d: %s\n", what, result, strerror(errno));
  exit(1);
}

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void sleeps(void)
{
  struct timespec time = {0, 30000000};
  double start = now();
  errno = MARK;
  int result = nanosleep(&time, NULL);
  if (result || errno != MARK)
    wrong("nanosleep", result);
  else if (now() - start < 0.03)
    wrong("a sleep that was too short", 0);
}

static void polls(void)
{
  int result = poll(NULL, 0, 30);
  if (result)
    wrong("poll", result);
}

static void selects(void)
{
  struct timeval time = {0, 30000};
  int result = select(0, NULL, NULL, NULL, &time);
  if (result)
    wrong("select", result);
}

static void waits_for_events(void)
{
  static int fd = -1;
  struct epoll_event event;
  fd = fd < 0 ? epoll_create1(EPOLL_CLOEXEC) : fd;
  int result = epoll_wait(fd, &event, 1, 30);
  if (result)
    wrong("epoll_wait", result);
}

static void waits_for_a_condition(void)
{
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 30000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&mutex);
  int result = pthread_cond_timedwait(&condition, &mutex, &until);
  pthread_mutex_unlock(&mutex);
  if (result != ETIMEDOUT)
    wrong("pthread_cond_timedwait", result);
}

/* Vector registers and rounding: always the same sum. */
static void computes(void)
{
  static double first;
  double sum[4] = {0};
  for (int i = 1; i < 20000; i++)
    for (int k = 0; k < 4; k++)
      sum[k] += 1.0 / (i + k);
  double all = sum[0] + sum[1] * 2 + sum[2] * 3 + sum[3] * 4;
  if (first == 0)
    first = all;
  if (memcmp(&first, &all, sizeof all) != 0)
    wrong("a sum that differs", 0);
}

static void allocates(void)
{
  unsigned char *blocks[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) {
    size_t size = (size_t)(i * 37) % 3000 + 1;
    blocks[i] = malloc(size);
    if (!blocks[i])
      exit(1);
    memset(blocks[i], i, size);
  }
  for (int i = 0; i < BLOCKS; i++) {
    if (blocks[i][0] != i)
      wrong("a block that changed", blocks[i][0]);
    free(blocks[i]);
  }
}

/* With a pause now and then, to leave others some of the processor. */
static void *allocate_always(void *unused)
{
  const struct timespec pause = {0, 500000};
  while (!ended) {
    for (int i = 0; i < 10; i++)
      allocates();
    nanosleep(&pause, NULL);
  }
  return unused;
}

static void joins(void)
{
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, allocate_always, NULL) != 0)
      exit(1);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
}

static void loads(void)
{
  void *opened = library ? dlopen(library, RTLD_NOW) : NULL;
  if (!opened)
    wrong("dlopen", 0);
  dlclose(opened);
}

int main(int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*once)(void);
  } ways[] = {{"sleep", sleeps},
              {"poll", polls},
              {"select", selects},
              {"epoll", waits_for_events},
              {"condition", waits_for_a_condition},
              {"compute", computes},
              {"allocate", allocates},
              {"join", joins},
              {"load", loads}};
  struct sigaction action = {.sa_handler = on_term};
  sigaction(SIGTERM, &action, NULL);
  library = argc > 2 ? argv[2] : NULL;
  interruptible = argc > 2 && strcmp(argv[2], "interruptible") == 0;
  for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++) {
    if (strcmp(ways[i].name, argv[1]) != 0)
      continue;
    puts("ready");
    fflush(stdout);
    while (!ended)
      ways[i].once();
    return 0;
  }
  return 2;
}
