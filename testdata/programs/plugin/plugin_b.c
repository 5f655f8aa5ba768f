/* A library that leaks 700 blocks of 80 bytes and is closed again. */
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>

static void *volatile last;
static int line;

static __attribute__((noinline)) void leak_in_b(void)
{
  last = malloc(80), line = __LINE__;
}

void plugin_main(struct plugin_answer *answer, char *name, size_t size)
{
  for (int i = 0; i < 700; i++)
    leak_in_b();
  snprintf(name, size, "leak_in_b");
  *answer = (struct plugin_answer){name, line, 700 * 80, 700};
}
