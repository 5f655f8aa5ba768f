/* What the tests put into a program instead of the agent: functions that allocate, start a
 * thread, and spoil errno, as the agent may. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static void *stay(void *unused)
{
  pause();
  return unused;
}

__attribute__((visibility("default"))) int visit(void)
{
  pthread_t thread;
  char *block = malloc(100000);
  if (!block)
    return ENOMEM;
  memset(block, 1, 100000);
  free(block);
  int failed = pthread_create(&thread, NULL, stay, NULL);
  errno = EDOM;
  return failed;
}

__attribute__((visibility("default"))) int visit_in_vain(void)
{
  return ENOTSUP;
}

/* Until there is the file that VISIT_UNTIL names; the thread's name tells where it is. */
__attribute__((visibility("default"))) int visit_for_long(void)
{
  struct timespec time = {0, 5000000};
  const char *path = getenv("VISIT_UNTIL");
  prctl(PR_SET_NAME, "visiting");
  while (path && access(path, F_OK) != 0)
    nanosleep(&time, NULL);
  prctl(PR_SET_NAME, "visited before");
  errno = EDOM;
  return 0;
}

__attribute__((visibility("default"))) int visit_and_crash(void)
{
  errno = EDOM;
  __builtin_trap();
  return 0;
}
