/* Opens a library in a scope of its own, in which it finds libc's functions before
 * a preloaded library's, or another libc: `scopes LIBRARY deepbind|dlmopen`. What the
 * agent does not see there must do no harm. */
#include "site.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 2000 };

static SITE void *site_seen(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

static void *open_library(const char *path, const char *how)
{
  return strcmp(how, "dlmopen") == 0 ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW)
                                     : dlopen(path, RTLD_NOW | RTLD_DEEPBIND);
}

int main(int argc, char **argv)
{
  if (argc < 3)
    return 2;
  void *library = open_library(argv[1], argv[2]);
  if (!library)
    return 3;
  void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_alloc");
  void (*release)(void *) = (void (*)(void *))dlsym(library, "plugin_free");
  int one_libc = strcmp(argv[2], "deepbind") == 0;
  for (int i = 0; i < ROUNDS; i++) {
    void *theirs = allocate(100), *ours = site_seen(100);
    memset(theirs, 1, 100);
    if (one_libc) { /* either side may free what the other one allocated */
      free(theirs);
      release(ours);
      free(site_seen(100));
    } else {
      release(theirs);
      free(ours);
    }
  }
  site_seen(7);
  dlclose(library);
  puts("done");
  return 0;
}
