/* forker MODE...: processes in all the ways in which they begin and end.
 *
 *   exit N         ends with that status
 *   fork           a child that leaks 100 blocks of 64 bytes and ends with 3; the
 *                  parent leaks 50 of 128 and ends with 0 if the child did that
 *   exec PROG ARG  leaks 10 blocks of 32 bytes and becomes another program
 *   segv, abort    ends by that signal
 *   quick          _exit(5) without any exit handler
 *   signals FILE   says "ready", writes the number of each signal that it gets to
 *                  FILE as a line, ends with 7 on SIGTERM,
 *                  with 4 when none came for 20 seconds
 *   environment    prints LD_PRELOAD and all HEAPDIFF_ variables
 *   descriptors    prints the number of open descriptors past 2 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void *volatile last;

static __attribute__((noinline)) void leak(int count, size_t size)
{
  for (int i = 0; i < count; i++)
    last = malloc(size);
}

static int fork_and_leak(void)
{
  int status;
  pid_t child = fork();
  if (child == 0) {
    leak(100, 64);
    exit(3);
  }
  leak(50, 128);
  if (child < 0 || waitpid(child, &status, 0) != child)
    return 4;
  return WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 0 : 5;
}

static int take_signals(const char *path)
{
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
  printf("ready %ld\n", (long)getpid());
  fflush(stdout);
  for (;;) {
    const struct timespec patience = {20, 0}; /* outlives no test that failed */
    int number = sigtimedwait(&all, NULL, &patience);
    if (number < 0)
      return 4;
    dprintf(fd, "%d\n", number);
    if (number == SIGTERM)
      return 7;
  }
}

static int print_environment(void)
{
  for (char **entry = environ; *entry; entry++)
    if (strncmp(*entry, "LD_PRELOAD=", 11) == 0 || strncmp(*entry, "HEAPDIFF_", 9) == 0)
      puts(*entry);
  return 0;
}

static int count_descriptors(void)
{
  int count = 0;
  DIR *open_files = opendir("/proc/self/fd");
  if (!open_files)
    return 4;
  for (struct dirent *entry; (entry = readdir(open_files));)
    count += atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(open_files);
  closedir(open_files);
  printf("%d\n", count);
  return 0;
}

int main(int argc, char **argv)
{
  const char *mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "exit") == 0 && argc > 2)
    return atoi(argv[2]);
  if (strcmp(mode, "fork") == 0)
    return fork_and_leak();
  if (strcmp(mode, "exec") == 0 && argc > 2) {
    leak(10, 32);
    execvp(argv[2], argv + 2);
    return 6;
  }
  if (strcmp(mode, "segv") == 0)
    raise(SIGSEGV);
  if (strcmp(mode, "abort") == 0)
    abort();
  if (strcmp(mode, "quick") == 0)
    _exit(5);
  if (strcmp(mode, "signals") == 0 && argc > 2)
    return take_signals(argv[2]);
  if (strcmp(mode, "environment") == 0)
    return print_environment();
  if (strcmp(mode, "descriptors") == 0)
    return count_descriptors();
  fprintf(stderr, "usage: forker exit N|fork|exec PROG...|segv|abort|quick|signals FILE|"
                  "environment|descriptors\n");
  return 2;
}
