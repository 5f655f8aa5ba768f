/* The leak: a cache that only grows. */
#include "../truth.h"
#include "service.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct entry {
  struct entry *next;
  char *key;
  char *value;
  size_t size;
};

static struct entry **buckets;
static size_t count;

static uint32_t hash_of(const char *key)
{
  uint32_t hash = 2166136261u;
  for (; *key; key++)
    hash = (hash ^ (unsigned char)*key) * 16777619u;
  return hash;
}

static struct entry **slot_for(const char *key)
{
  if (!buckets)
    buckets = COUNTED(calloc(BUCKETS, sizeof *buckets), BUCKETS * sizeof *buckets);
  struct entry **slot = &buckets[hash_of(key) % BUCKETS];
  while (*slot && strcmp((*slot)->key, key) != 0)
    slot = &(*slot)->next;
  return slot;
}

/* Values of eight sizes, 256 to 1,824 bytes, as pages of a site would be. */
void cache_put(const char *key, unsigned request)
{
  struct entry **slot = slot_for(key);
  if (*slot)
    return;
  size_t size = 256 + 224 * (request % 8);
  struct entry *e = COUNTED(malloc(sizeof *e), sizeof *e);
  if (!e)
    return;
  e->next = NULL;
  e->key = COUNTED(strdup(key), strlen(key) + 1);
  e->size = size;
  e->value = COUNTED(malloc(size), size); /* nobody ever frees it */
  if (e->value)
    memset(e->value, (int)request, size);
  *slot = e;
  count++;
}

size_t cache_count(void)
{
  return count;
}
