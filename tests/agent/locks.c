/* Programs whose locks or threads an agent can get in the way of: `locks MODE`. */
#include "site.h"
#include "taken.h"

#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

SITE void *site_worker(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

/* The first allocation of all is made with libc's locale lock held. */
static locale_t first_locale;
static void make_locale(void)
{
  first_locale = newlocale(LC_ALL_MASK, "POSIX", NULL);
}
__attribute__((section(".preinit_array"), used)) static void (*const early)(void) = make_locale;

static void *work(void *unused)
{
  (void)unused;
  for (int i = 0; i < 100; i++) {
    site_worker(10);
    usleep(1000);
  }
  wait_until_taken(3);
  return NULL;
}

static void at_end(void)
{
  puts("ended");
}

static void *read_lines(void *unused)
{
  (void)unused;
  FILE *file = tmpfile();
  for (int i = 0; i < 200; i++)
    fprintf(file, "%*d\n", i * 10, i);
  for (;; rewind(file)) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0) {
      free(line);
      line = NULL;
      room = 0;
    }
    free(line);
  }
}

static void *flush_all(void *unused)
{
  (void)unused;
  for (;;)
    fflush(NULL);
}

/* fork waits for the list of streams, flushing holds that and waits for a stream,
 * and reading a line holds the stream and allocates. */
static int streams_mode(void)
{
  pthread_t thread;
  pthread_create(&thread, NULL, read_lines, NULL);
  pthread_create(&thread, NULL, flush_all, NULL);
  for (int i = 0; i < 200; i++) {
    pid_t child = fork();
    if (child == 0)
      syscall(SYS_exit_group, 0);
    if (waitpid(child, NULL, 0) != child)
      return 1;
  }
  return 0;
}

/* Long-lived, and no thread of the agent's. */
static int late_mode(void)
{
  pid_t child = fork();
  if (child == 0) {
    usleep(60000);
    site_worker(1);
    site_worker(10);
    exit(0);
  }
  return waitpid(child, NULL, 0) != child;
}

int main(int argc, char **argv)
{
  const char *mode = argc > 1 ? argv[1] : "";
  setlocale(LC_ALL, "C");
  if (!strcmp(mode, "locale"))
    return first_locale == NULL;
  if (!strcmp(mode, "streams"))
    return streams_mode();
  if (!strcmp(mode, "late"))
    return late_mode();
  if (!strcmp(mode, "unshare")) {
    usleep(20000);
    printf("%d\n", unshare(CLONE_NEWUSER));
    work(NULL);
    return 0;
  }
  if (!strcmp(mode, "lone")) {
    pthread_t thread;
    atexit(at_end);
    pthread_create(&thread, NULL, work, NULL);
    pthread_exit(NULL);
  }
  return 2;
}
