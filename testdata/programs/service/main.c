/* leaky-service [--seconds S] [--pace ROUNDS_PER_SECOND] [--rounds N]
 *               [--settle MS] [--truth FILE]
 *
 * Runs for S seconds (default 10) at a pace (default 100 rounds a second, 0: as
 * fast as it goes), or exactly N rounds. --settle waits before the first round:
 * a snapshot taken meanwhile holds nothing of this program's. The figures depend
 * on the number of rounds alone, never on time. */
#include "parse.h"
#include "service.h"

#include <stdio.h>
#include <time.h>

enum { REQUESTS_PER_ROUND = 100 };

struct settings {
  double seconds, pace;
  long rounds; /* 0: until the seconds are over */
  long settle_ms;
  const char *truth;
};

static struct line_pool pool;

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sleep_until(double when)
{
  double left = when - now();
  if (left <= 0)
    return;
  struct timespec time = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
  nanosleep(&time, NULL);
}

static __attribute__((noinline)) size_t serve(unsigned request)
{
  char line[64];
  int length = snprintf(line, sizeof line, "GET /item/%08u", request);
  char *parsed = parse_line(&pool, request % LINE_BUFFERS_KEPT, line, (size_t)length);
  if (!parsed)
    return 0;
  session_open(request);
  cache_put(parsed + 4, request);
  log_append(request);
  return respond(parsed, (size_t)length);
}

static __attribute__((noinline)) void fill_pool(void)
{
  for (size_t i = 0; i < LINE_BUFFERS; i++)
    parse_line(&pool, i, "warm", 4);
}

static size_t run(const struct settings *settings)
{
  unsigned request = 0;
  size_t sum = 0;
  double start = now();
  for (long round = 0;
       settings->rounds ? round < settings->rounds : now() - start < settings->seconds; round++) {
    for (int i = 0; i < REQUESTS_PER_ROUND; i++)
      sum += serve(request++);
    index_load();
    if (round % 2)
      line_pool_shrink(&pool);
    if (settings->pace > 0)
      sleep_until(start + (double)(round + 1) / settings->pace);
  }
  return sum;
}

static int read_settings(int argc, char **argv, struct settings *settings)
{
  for (int i = 1; i < argc; i += 2) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!value)
      return -1;
    if (strcmp(name, "--seconds") == 0)
      settings->seconds = atof(value);
    else if (strcmp(name, "--pace") == 0)
      settings->pace = atof(value);
    else if (strcmp(name, "--rounds") == 0)
      settings->rounds = atol(value);
    else if (strcmp(name, "--settle") == 0)
      settings->settle_ms = atol(value);
    else if (strcmp(name, "--truth") == 0)
      settings->truth = value;
    else
      return -1;
  }
  return 0;
}

int main(int argc, char **argv)
{
  struct settings settings = {.seconds = 10, .pace = 100};
  if (read_settings(argc, argv, &settings) != 0) {
    fprintf(stderr, "usage: leaky-service [--seconds S] [--pace R] [--rounds N] [--settle MS] "
                    "[--truth FILE]\n");
    return 2;
  }
  if (settings.truth && truth_start(settings.truth) != 0)
    return 3;
  sleep_until(now() + (double)settings.settle_ms / 1000);
  fill_pool();
  size_t sum = run(&settings);
  printf("%zu entries in the cache (checksum %zu)\n", cache_count(), sum);
  return truth_finish() == 0 ? 0 : 3;
}
