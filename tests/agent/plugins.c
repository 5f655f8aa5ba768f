/* Opens a library, leaks in it, closes it, and does the same with another, which
 * the kernel puts to the same address: `plugins A B`. Prints both addresses. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void use(const char *path, size_t size, int times)
{
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    abort();
  void *(*leak)(size_t) = (void *(*)(size_t))dlsym(handle, "plugin_alloc");
  for (int i = 0; i < times; i++)
    leak(size);
  printf("%p\n", (void *)leak);
  dlclose(handle);
}

int main(int argc, char **argv)
{
  if (argc < 3)
    return 2;
  for (int round = 0; round < 3; round++) {
    use(argv[1], 1000, 10);
    use(argv[2], 70, 3);
  }
  return 0;
}
