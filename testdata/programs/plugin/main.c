/* plugin [--truth FILE]: opens libplugin_a.so beside it, lets it leak, closes it,
 * and does the same with libplugin_b.so, which is of the same size and so as a
 * rule is mapped where the first one was. Known answer: both leaks, each under
 * its own library's name. Prints whether the addresses were the same. */
#include "../truth.h"
#include "plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char names[2][64];

/* The address at which its function was, NULL on failure. */
static void *open_and_leak(const char *directory, char letter, char *name, size_t size)
{
  char path[PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/libplugin_%c.so", directory, letter);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void *symbol = library ? dlsym(library, PLUGIN_RUN) : NULL;
  if (!symbol) {
    fprintf(stderr, "plugin: %s\n", dlerror());
    return NULL;
  }
  plugin_run run;
  struct plugin_answer answer;
  memcpy(&run, &symbol, sizeof run);
  run(&answer, name, size);
  truth_expect(answer.function, answer.line, answer.bytes, answer.objects);
  dlclose(library);
  return symbol;
}

int main(int argc, char **argv)
{
  char directory[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
  if (argc == 3 && strcmp(argv[1], "--truth") == 0 && truth_start(argv[2]) != 0)
    return 3;
  if (length <= 0)
    return 4;
  directory[length] = '\0';
  *strrchr(directory, '/') = '\0';
  void *a = open_and_leak(directory, 'a', names[0], sizeof names[0]);
  void *b = open_and_leak(directory, 'b', names[1], sizeof names[1]);
  if (!a || !b)
    return 4;
  printf("%s\n", a == b ? "same address" : "other address");
  return truth_finish() == 0 ? 0 : 3;
}
