/* Churn: much is allocated, nothing stays. */
#include "../truth.h"
#include "service.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN_SESSIONS = 8, SESSION_SIZE = 2048 };

static char *sessions[OPEN_SESSIONS];

void session_open(unsigned request)
{
  char **session = &sessions[request % OPEN_SESSIONS];
  COUNTED_FREE(*session);
  *session = COUNTED(calloc(1, SESSION_SIZE), SESSION_SIZE);
}

size_t respond(const char *line, size_t length)
{
  size_t size = 512 + length * 4;
  char *page = COUNTED(malloc(size), size);
  if (!page)
    return 0;
  memset(page, ' ', size);
  memcpy(page, line, length);
  size_t sum = 0;
  for (size_t i = 0; i < size; i += 64)
    sum += (unsigned char)page[i];
  COUNTED_FREE(page);
  return sum;
}
