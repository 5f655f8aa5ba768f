/* Which snapshots are kept in the course of long recordings. */
#include "config.h"
#include "retention.h"

#include <stdio.h>
#include <string.h>

enum { TIMES = 3000, MOST = 200 };

struct hd_config hd_config;

static struct {
  uint64_t sequence, moment, bytes;
} there[MOST];
static size_t count;

static void add(uint64_t sequence, uint64_t moment, uint64_t bytes, bool asked)
{
  uint64_t gone;
  there[count].sequence = sequence;
  there[count].moment = moment;
  there[count++].bytes = bytes;
  hd_retention_add(sequence, moment, bytes, asked);
  while (hd_retention_next(&gone)) {
    size_t i = 0;
    while (i < count && there[i].sequence != gone)
      i++;
    if (i == count) {
      printf("%lu was not there\n", (unsigned long)gone);
      count = 0;
      return;
    }
    memmove(&there[i], &there[i + 1], (count - i - 1) * sizeof there[0]);
    count--;
  }
}

static double worst_gap(void)
{
  double mean = (double)(there[count - 1].moment - there[0].moment) / (double)(count - 1), worst = 0;
  for (size_t i = 1; i < count; i++) {
    double gap = (double)(there[i].moment - there[i - 1].moment) / mean;
    worst = gap > worst ? gap : worst;
  }
  return worst;
}

/* Snapshots at about every second, some of them triggered in between. */
static int keeps(uint64_t keep)
{
  unsigned random = 1;
  double sum = 0, worst = 0;
  uint64_t measured = 0;
  memset(&hd_config, 0, sizeof hd_config);
  hd_config.set.keep = keep;
  hd_retention_forked();
  count = 0;
  for (uint64_t t = 0; t < TIMES; t++) {
    random = random * 1664525u + 1013904223u;
    add(t, t * 1000 + (random >> 16) % 1000, 100, false);
    if (!count || there[0].sequence != 0 || there[count - 1].sequence != t || count > keep)
      return 1;
    if (t < 3 * keep)
      continue;
    double gap = worst_gap();
    sum += gap;
    measured++;
    worst = gap > worst ? gap : worst;
  }
  printf("keep %lu: the longest gap is %.2f of the mean on average, %.2f at worst\n",
         (unsigned long)keep, sum / (double)measured, worst);
  return count != keep || (keep > 2 && (sum / (double)measured > 1.7 || worst > 2.5));
}

static int bounded_by_size(void)
{
  memset(&hd_config, 0, sizeof hd_config);
  hd_config.set.keep_bytes = 10000;
  hd_retention_forked();
  count = 0;
  for (uint64_t t = 0; t < 500; t++) {
    uint64_t bytes = 0, size = 100 + t; /* each is larger than the one before */
    add(t, t * 1000, size, false);
    for (size_t i = 0; i < count; i++)
      bytes += there[i].bytes;
    if (bytes > 10000 || (t > 100 && bytes < 10000 - 2 * size))
      return 1;
  }
  hd_retention_undo(); /* leaves room for one of that size */
  count--;
  add(500, 500000, 100 + 499, false);
  add(501, 501000, 1000000, false); /* the first and the last stay, whatever their size */
  return count != 2 || there[0].sequence != 0 || there[1].sequence != 501;
}

/* Every hundredth is asked for: those stay while there are others. */
static int keeps_what_was_asked_for(void)
{
  memset(&hd_config, 0, sizeof hd_config);
  hd_config.set.keep = 20;
  hd_retention_forked();
  count = 0;
  for (uint64_t t = 0; t < 1000; t++)
    add(t, t * 1000, 100, t % 100 == 50);
  size_t asked = 0;
  for (size_t i = 0; i < count; i++)
    asked += there[i].sequence % 100 == 50;
  if (count != 20 || asked != 10 || there[0].sequence != 0 || there[19].sequence != 999)
    return 1;
  for (uint64_t t = 1000; t < 1100; t++) /* and when there are none they are thinned out */
    add(t, t * 1000, 100, true);
  return count != 20 || there[0].sequence != 0 || there[19].sequence != 1099 ||
         there[1].sequence % 100 != 50;
}

int main(void)
{
  int failed = keeps(2) + keeps(3) + keeps(4) + keeps(10) + keeps(100) + bounded_by_size() +
               keeps_what_was_asked_for();
  printf("failed: %d\n", failed);
  return failed != 0;
}
