/* A library to open and close; built twice under different names. */
#include "site.h"

#include <stdlib.h>

/* What sets the two builds apart. */
extern const char plugin_name[];
const char plugin_name[] = PLUGIN;

SITE void *plugin_alloc(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

void plugin_free(void *block);
SITE void plugin_free(void *block)
{
  free(block);
}
