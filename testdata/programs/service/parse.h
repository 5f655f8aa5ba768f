/* A pool of line buffers that was made too large and is given back. */
#ifndef PARSE_H
#define PARSE_H

#include "../truth.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BUFFERS = 512, LINE_BUFFERS_KEPT = 128, LINE_SIZE = 4096 };

struct line_pool {
  char *buffers[LINE_BUFFERS];
  size_t count; /* that are there */
};

/* The buffer number `i`, filled with the line. Always inlined: its call site is
 * found only through the inlining information. */
static inline __attribute__((always_inline)) char *parse_line(struct line_pool *pool, size_t i,
                                                              const char *line, size_t length)
{
  if (i >= pool->count) {
    pool->buffers[i] = COUNTED(malloc(LINE_SIZE), LINE_SIZE);
    pool->count = i + 1;
  }
  char *buffer = pool->buffers[i];
  if (buffer && length < LINE_SIZE) {
    memcpy(buffer, line, length);
    buffer[length] = '\0';
  }
  return buffer;
}

static inline void line_pool_shrink(struct line_pool *pool)
{
  if (pool->count > LINE_BUFFERS_KEPT) {
    pool->count--;
    COUNTED_FREE(pool->buffers[pool->count]);
  }
}

#endif
