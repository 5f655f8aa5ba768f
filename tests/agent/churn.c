/* `churn SECONDS PLUGIN PLUGIN [AGENT]`: threads that allocate, threads that open and
 * close libraries, and one that forks, all the time; with the agent's file, it is
 * attached first. What each did at the end. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALLOCATING = 3, OPENING = 2, KEPT = 64, BLOCKS = 20, CHILD_SECONDS = 60 };

static atomic_bool over;
static char **plugins;
static long opened[OPENING], forked;

static void fail(const char *what)
{
  fprintf(stderr, "%s\n", what);
  abort();
}

static void *allocate(void *unused)
{
  void *kept[KEPT] = {0};
  for (unsigned i = 0; !over; i++) {
    free(kept[i % KEPT]);
    kept[i % KEPT] = malloc(i % 700);
    if (i % 50 == 0)
      kept[i % KEPT] = realloc(kept[i % KEPT], 5000);
  }
  for (int i = 0; i < KEPT; i++)
    free(kept[i]);
  return unused;
}

/* Half of what the library allocates is freed here, and in every way of binding. */
static void use(const char *path, unsigned round)
{
  void *library = dlopen(path, (round % 2 ? RTLD_LAZY : RTLD_NOW) | RTLD_LOCAL |
                                   (round % 5 == 0 ? RTLD_DEEPBIND : 0));
  if (!library)
    fail(dlerror());
  void *(*take)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_alloc");
  void (*give)(void *) = (void (*)(void *))dlsym(library, "plugin_free");
  void *blocks[BLOCKS];
  for (size_t i = 0; i < BLOCKS; i++)
    blocks[i] = take(100 + i);
  for (size_t i = 0; i < BLOCKS; i++)
    (i % 2 ? give : free)(blocks[i]);
  dlclose(library);
}

static void *open_and_close(void *number)
{
  long *count = number;
  for (unsigned i = 0; !over; i++, ++*count)
    use(plugins[count - opened], i);
  return NULL;
}

static void *make_children(void *unused)
{
  for (; !over; forked++) {
    int status;
    pid_t child = fork();
    if (child == 0) {
      alarm(CHILD_SECONDS); /* one that hangs is an error, too */
      free(malloc(30));
      usleep(100);
      _exit(0);
    }
    waitpid(child, &status, 0);
    if (status)
      fail("a child did not end as it should");
    usleep(1000);
  }
  return unused;
}

int main(int argc, char **argv)
{
  pthread_t threads[ALLOCATING + OPENING + 1];
  int count = 0;
  if (argc < 4)
    return 2;
  plugins = argv + 2;
  if (argc > 4) {
    void *agent = dlopen(argv[4], RTLD_NOW | RTLD_LOCAL);
    int (*attach)(void) = agent ? (int (*)(void))dlsym(agent, "heapdiff_agent_attach") : NULL;
    if (!attach || attach() != 0)
      fail("not attached");
  }
  for (int i = 0; i < ALLOCATING; i++)
    pthread_create(&threads[count++], NULL, allocate, NULL);
  for (int i = 0; i < OPENING; i++)
    pthread_create(&threads[count++], NULL, open_and_close, &opened[i]);
  pthread_create(&threads[count++], NULL, make_children, NULL);
  sleep((unsigned)atoi(argv[1]));
  over = true;
  while (count > 0)
    pthread_join(threads[--count], NULL);
  printf("%ld %ld %ld\n", opened[0], opened[1], forked);
  return 0;
}
