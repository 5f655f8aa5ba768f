/* A library that leaks 1000 blocks of 48 bytes and is closed again. */
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>

static void *volatile last;
static int line;

static __attribute__((noinline)) void leak_in_a(void)
{
  last = malloc(48), line = __LINE__;
}

void plugin_main(struct plugin_answer *answer, char *name, size_t size)
{
  for (int i = 0; i < 1000; i++)
    leak_in_a();
  snprintf(name, size, "leak_in_a");
  *answer = (struct plugin_answer){name, line, 1000 * 48, 1000};
}
