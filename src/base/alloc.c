#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool (*allow_hook)(void);

void hd_alloc_set_hook(bool (*allow)(void))
{
  allow_hook = allow;
}

static bool allowed(void)
{
  return !allow_hook || allow_hook();
}

void *hd_alloc(size_t size)
{
  return allowed() ? malloc(size ? size : 1) : NULL;
}

void *hd_alloc_zeroed(size_t count, size_t size)
{
  return allowed() ? calloc(count ? count : 1, size ? size : 1) : NULL;
}

void *hd_realloc(void *block, size_t size)
{
  return allowed() ? realloc(block, size ? size : 1) : NULL;
}

void hd_free(void *block)
{
  free(block);
}

char *hd_strdup(const char *text)
{
  size_t size = strlen(text) + 1;
  char *copy = hd_alloc(size);
  if (copy)
    memcpy(copy, text, size);
  return copy;
}

void hd_free_scoped(void *pointer_to_block)
{
  void *block;
  memcpy(&block, pointer_to_block, sizeof block);
  hd_free(block);
}
