/* CPU time and memory of judging and ranking 100,000 call sites over 60 snapshots,
 * reading left out. Not a test: it only measures.
 *
 *   cc -O2 -Isrc -Iinclude tests/bench/rank.c build/release/libheapdiff.a -ldw -lelf \
 *     -ljansson -lxxhash -lpcre2-8 -lz -liberty -lm -flto -o /tmp/rank && /tmp/rank
 */
#include "analysis/top.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SITES = 100000, SNAPSHOTS = 60, RATE = 524288, SIZE = 1024 };

static uint64_t state = 1;

static unsigned below(unsigned limit)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % limit;
}

static double cpu_seconds(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
         (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

static long peak_kb(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/* A snapshot in which every site is there: some grow, some are level, some churn. */
static struct hd_profile *snapshot(int point)
{
  struct hd_profile *profile;
  struct hd_error error = HD_ERROR_INIT;
  if (!hd_profile_create(&profile, &error))
    exit(1);
  for (int m = HD_INUSE_SPACE; m <= HD_ALLOC_OBJECTS; m++)
    hd_profile_declare(profile, (enum hd_measure)m);
  profile->meta.rate = RATE;
  double weight = RATE / (double)SIZE;
  uint32_t file;
  hd_profile_string(profile, "s.c", 3, &file, &error);
  for (unsigned i = 0; i < SITES; i++) {
    char name[32];
    uint32_t function, location, stack;
    int length = snprintf(name, sizeof name, "site_%u", i);
    hd_profile_string(profile, name, (size_t)length, &function, &error);
    struct hd_frame frame = {.function = function, .file = file, .line = i + 1};
    hd_profile_add_location(profile, 0, 0, &frame, 1, false, &location, &error);
    hd_profile_add_stack(profile, &location, 1, false, &stack, &error);
    double live = i % 3 == 0 ? 5 + point + below(3) : 10 + below(i % 3 == 1 ? 2 : 9);
    double alloc = 20 + 12. * point + below(3);
    double values[HD_MEASURES] = {[HD_INUSE_OBJECTS] = live * weight,
                                  [HD_INUSE_SPACE] = live * weight * SIZE,
                                  [HD_ALLOC_OBJECTS] = alloc * weight,
                                  [HD_ALLOC_SPACE] = alloc * weight * SIZE};
    struct hd_record record = {.stack = stack, .size = SIZE, .rate = RATE, .weight = weight};
    if (!hd_profile_add_record(profile, record, values, &error))
      exit(1);
  }
  hd_profile_freeze(profile);
  return profile;
}

static void fold(struct hd_series *series, int point)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_import import = {0};
  struct hd_profile *profile = snapshot(point);
  struct hd_point made = {.path = "x", .boot_id = "b", .mono_ns = (point + 1) * 60000000000};
  made.rss = -1;
  if (!hd_pool_import(series->pool, profile, NULL, &import, &error))
    exit(1);
  for (size_t i = 0; i < series->pool->locations.count; i++)
    if (!series->pool->locations.items[i].settled)
      hd_pool_resolve(series->pool, (uint32_t)i + 1, NULL, 0, &error);
  if (!hd_series_add(series, profile, import.locations, NULL, made, &error))
    exit(1);
  hd_import_deinit(&import);
  hd_profile_destroy(profile);
}

int main(void)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_filters filters = {0};
  struct hd_pool *pool;
  struct hd_series series;
  struct hd_view *view;
  struct hd_top_options options = {.measure = HD_INUSE_SPACE, .sort = HD_SORT_DEFAULT, .keep = 20};
  if (!hd_pool_create(&pool, &error))
    return 1;
  hd_series_init(&series, pool, &filters, HD_BY_SITE);
  for (int point = 0; point < SNAPSHOTS; point++)
    fold(&series, point);
  double matrix = (double)SITES * SNAPSHOTS * ((double)series.columns * sizeof(double) +
                                               sizeof(struct hd_class_counts));
  long before_kb = peak_kb();
  double before = cpu_seconds();
  if (!hd_view_create("x", HD_VIEW_GRID, &view, &error) ||
      !hd_top_build(&series, &options, view, &error))
    return 1;
  printf("%d sites x %d snapshots judged and ranked: %.2f s CPU; peak %ld MB, of it the series "
         "%.0f MB, for ranking %ld MB\n", SITES, SNAPSHOTS, cpu_seconds() - before,
         peak_kb() / 1024, matrix / 1048576, (peak_kb() - before_kb) / 1024);
  hd_view_destroy(view);
  hd_series_deinit(&series);
  hd_pool_destroy(pool);
  return 0;
}
