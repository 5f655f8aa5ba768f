#include "progress.h"

#include "numbers.h"

#include <stdio.h>
#include <time.h>

enum { PATIENCE_MS = 500 };

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool progress_show(void *context, const char *what, uint64_t done, uint64_t total)
{
  static int64_t since; /* 0: nothing is waited for */
  static bool shown;
  char have[NUMBER_TEXT], all[NUMBER_TEXT];
  (void)context;
  if (!what) {
    if (shown)
      fputs("\r\033[K", stderr);
    since = 0;
    shown = false;
    fflush(stderr);
    return true;
  }
  since = since ? since : now_ms();
  if (now_ms() - since < PATIENCE_MS)
    return true;
  format_size(have, (int64_t)done);
  format_size(all, (int64_t)total);
  if (total)
    fprintf(stderr, "\r\033[Kheapdiff: fetching %s: %s of %s", what, have, all);
  else
    fprintf(stderr, "\r\033[Kheapdiff: fetching %s", what);
  fflush(stderr);
  shown = true;
  return true;
}
