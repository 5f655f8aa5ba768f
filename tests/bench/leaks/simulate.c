/* Simulates the heap of a long-running process and writes what a sampling recorder
 * would have written: native snapshots, and the truth beside them.
 *
 *   simulate SEED SCENARIO POINTS DIRECTORY RATE AGES
 *
 * SCENARIO is hard (93 sites that mislead, 7 that leak 4 to 100 MB in the window),
 * typical (a quarter of the former, the latter three times as large) or clean (what
 * misleads in hard, and no leak); about 2,000 sites in all. AGES is 1 or 0: whether
 * the recorder gives the ages of live objects.
 *
 * DIRECTORY/truth has a line a site: number, kind, whether it leaks, its true growth
 * in bytes, the true rate of its leak in bytes an hour. */
#include "random.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SITES = 2000, MOST_POINTS = 256, MOST_PARTS = 4, MOST_BANDS = 64 };
enum { MISLEADING = 93, MISLEADING_TYPICAL = 23 };

#define KINDS(KIND)                                                                                \
  KIND(STATIC, still) KIND(BUSY, busy) KIND(CACHE, cache) KIND(FILL, fill) KIND(LOAD, load)        \
  KIND(SAWTOOTH, sawtooth) KIND(STEP, step) KIND(TWO_STEPS, two_steps) KIND(CHURN, churn)          \
  KIND(WALK, walk) KIND(DECLINE, decline) KIND(LINEAR, linear) KIND(BURSTS, bursts)                \
  KIND(LATE, late) KIND(PER_REQUEST, per_request) KIND(SLOW, slow) KIND(TINY, tiny)                \
  KIND(IN_CHURN, in_churn)

enum kind {
#define KIND(id, name) id,
  KINDS(KIND)
#undef KIND
  KIND_COUNT
};

static const char *const kind_names[] = {
#define KIND(id, name) #name,
    KINDS(KIND)
#undef KIND
};

/* Objects of one size that live and die alike. */
struct part {
  double size, turnover; /* bytes; share of the live ones that is replaced a minute at load 1 */
  double level[MOST_POINTS]; /* live bytes */
  double cohorts[MOST_POINTS + 1]; /* sampled live objects by the interval they came in; 0: before */
  double live, allocated; /* sampled, raw */
};

struct site {
  enum kind kind;
  bool leaks;
  double rate; /* of the leak, true, bytes an hour */
  double begins; /* of a late leak, in the window */
  int parts;
  struct part part[MOST_PARTS];
};

static struct heap {
  struct rng rng;
  int points, sites;
  double rate;
  bool ages;
  double minutes[MOST_POINTS]; /* since the first snapshot */
  double u[MOST_POINTS];
  double load[MOST_POINTS];    /* in the interval that ends there */
  double done[MOST_POINTS];    /* the load's integral, 0 to 1 */
  struct site site[SITES];
} heap;

static const double MB = 1048576, already_running = 600; /* minutes before the first snapshot */

/* --- the courses -------------------------------------------------------------------- */

static void make_time(void)
{
  double at = 0, noise = 0, sum = 0, swing = between(&heap.rng, 0, .5);
  double cycles = between(&heap.rng, .5, 3), phase = between(&heap.rng, 0, 2 * M_PI);
  for (int i = 0; i < heap.points; i++) {
    heap.minutes[i] = at;
    at += 10 * between(&heap.rng, .8, 1.2) * (uniform(&heap.rng) < .03 ? 3 : 1);
  }
  double last = heap.minutes[heap.points - 1];
  for (int i = 0; i < heap.points; i++) {
    heap.u[i] = heap.minutes[i] / last;
    noise = .6 * noise + .08 * normal(&heap.rng);
    heap.load[i] = exp(swing * sin(2 * M_PI * cycles * heap.u[i] + phase) + noise);
    if (i)
      sum += heap.load[i] * (heap.u[i] - heap.u[i - 1]);
    heap.done[i] = sum;
  }
  for (int i = 0; i < heap.points; i++) {
    heap.done[i] /= sum;
    heap.load[i] /= sum;
  }
}

static double course(enum kind kind, double amount, const double p[4], int i)
{
  double u = heap.u[i];
  switch (kind) {
  case CACHE: return amount * (1 - exp(-u / p[0]));
  case FILL: return amount * fmin(u / p[0], 1);
  case LOAD: return amount * heap.load[i];
  case SAWTOOTH: return amount * fmod(u / p[0] + p[1], 1);
  case STEP: return u > p[0] ? amount : 0;
  case TWO_STEPS: return (u > p[0] ? amount * p[2] : 0) + (u > p[1] ? amount * (1 - p[2]) : 0);
  case DECLINE: return amount * (1 - p[0] * u);
  case LATE: return amount * fmax(0, u - p[0]) / (1 - p[0]);
  case PER_REQUEST: return amount * heap.done[i];
  case LINEAR:
  case SLOW:
  case TINY:
  case IN_CHURN: return amount * u;
  default: return amount;
  }
}

static void add_part(struct site *site, double size, double turnover)
{
  struct part *part = &site->part[site->parts++];
  part->size = fmax(8, floor(size));
  part->turnover = turnover;
}

/* The course of a kind, beside what the site holds all the time. Returns its first
 * parameter. */
static double set_course(struct part *part, enum kind kind, double amount, double always)
{
  struct rng *rng = &heap.rng;
  double p[4] = {between(rng, .05, .5), between(rng, 0, 1), between(rng, .2, .8), 0}, walk = 0;
  if (kind == FILL)
    p[0] = between(rng, .15, .8);
  if (kind == SAWTOOTH)
    p[0] = between(rng, .12, .7);
  if (kind == STEP || kind == TWO_STEPS)
    p[0] = between(rng, .05, .95);
  if (kind == DECLINE)
    p[0] = between(rng, .3, .9);
  if (kind == LATE)
    p[0] = between(rng, .2, .6);
  for (int i = 0; i < heap.points; i++) {
    if (kind == WALK) {
      walk += i ? normal(rng) * amount / 6 : 0;
      part->level[i] = fmax(always + amount + walk, 0);
    } else if (kind == CHURN || kind == BUSY) {
      walk = .5 * walk + .08 * normal(rng);
      part->level[i] = (always + amount) * exp(walk);
    } else {
      part->level[i] = always + course(kind, amount, p, i);
    }
  }
  return p[0];
}

static void set_bursts(struct part *part, double amount, double always)
{
  double at[8], size[8], sum = 0;
  int bursts = 3 + (int)between(&heap.rng, 0, 6);
  bursts = bursts > 8 ? 8 : bursts;
  for (int b = 0; b < bursts; b++) {
    at[b] = (b + uniform(&heap.rng)) / bursts;
    size[b] = log_between(&heap.rng, .5, 2);
    sum += size[b];
  }
  for (int i = 0; i < heap.points; i++) {
    part->level[i] = always;
    for (int b = 0; b < bursts; b++)
      part->level[i] += at[b] < heap.u[i] ? amount * size[b] / sum : 0;
  }
}

static double object_size(void)
{
  return log_between(&heap.rng, 24, 65536);
}

/* A site's objects have one size, or some of a few. */
static void spread(struct site *site, enum kind kind, double amount, double always,
                   double turnover)
{
  int sizes = uniform(&heap.rng) < .25 ? 3 : 1;
  double shares[3] = {1, 0, 0};
  if (sizes == 3) {
    shares[0] = between(&heap.rng, .3, .7);
    shares[1] = (1 - shares[0]) * between(&heap.rng, .3, .7);
    shares[2] = 1 - shares[0] - shares[1];
  }
  add_part(site, kind == TINY ? between(&heap.rng, 16, 64) : object_size(), turnover);
  struct part *first = &site->part[site->parts - 1];
  if (kind == BURSTS)
    set_bursts(first, amount, always);
  else
    site->begins = set_course(first, kind, amount, always);
  for (int s = 1; s < sizes; s++) {
    add_part(site, object_size(), turnover);
    for (int i = 0; i < heap.points; i++)
      site->part[site->parts - 1].level[i] = first->level[i] * shares[s];
  }
  for (int i = 0; i < heap.points; i++)
    first->level[i] *= shares[0];
}

static struct site *add_site(enum kind kind)
{
  struct site *site = &heap.site[heap.sites++];
  site->kind = kind;
  return site;
}

static void add_misleading(void)
{
  static const enum kind kinds[] = {CACHE, CACHE, FILL, FILL, LOAD, LOAD, SAWTOOTH, SAWTOOTH,
                                    STEP, STEP, TWO_STEPS, CHURN, CHURN, WALK, DECLINE};
  struct rng *rng = &heap.rng;
  enum kind kind = kinds[next64(rng) % (sizeof kinds / sizeof *kinds)];
  double amount = log_between(rng, 4, 300) * MB;
  double turnover = kind == CHURN ? log_between(rng, .3, 10) : log_between(rng, .0005, .05);
  spread(add_site(kind), kind, amount, amount * between(rng, 0, .5), turnover);
}

static void add_leak(enum kind kind, double factor)
{
  struct rng *rng = &heap.rng;
  struct site *site = add_site(kind);
  double amount = log_between(rng, 4, 100) * MB * factor, always = amount * between(rng, 0, 1);
  double hours = heap.minutes[heap.points - 1] / 60, first = amount;
  if (kind == SLOW || kind == TINY)
    amount = log_between(rng, 4, 12) * MB * factor;
  if (kind == SLOW)
    always = between(rng, 50, 200) * MB;
  site->leaks = true;
  spread(site, kind, amount, kind == IN_CHURN ? 0 : always, 0);
  if (kind == IN_CHURN) {
    add_part(site, site->part[0].size, log_between(rng, .3, 5));
    set_course(&site->part[site->parts - 1], CHURN, first * between(rng, 1, 3), 0);
  }
  site->rate = amount / hours / (kind == LATE ? 1 - site->begins : 1);
}

static void make_heap(const char *scenario)
{
  bool typical = strcmp(scenario, "typical") == 0, clean = strcmp(scenario, "clean") == 0;
  make_time();
  for (int kind = LINEAR; kind < KIND_COUNT && !clean; kind++)
    add_leak((enum kind)kind, typical ? 3 : 1);
  for (int i = 0; i < (typical ? MISLEADING_TYPICAL : MISLEADING); i++)
    add_misleading();
  while (heap.sites < SITES) {
    struct rng *rng = &heap.rng;
    bool busy = uniform(rng) < .4;
    double amount = 2048 * pow(uniform(rng), -1.1); /* few are large */
    spread(add_site(busy ? BUSY : STATIC), busy ? BUSY : STATIC, fmin(amount, 200 * MB), 0,
           busy ? log_between(rng, .001, 1) : 0);
  }
}

/* --- sampling ------------------------------------------------------------------------- */

/* As the agent counts: a byte more than the size. */
static double chance(const struct part *part)
{
  return -expm1(-(part->size + 1) / heap.rate);
}

/* The objects of a part from one point to the next: those that are replaced die
 * whatever their age, so do those that the level loses. */
static void step(struct part *part, int point)
{
  struct rng *rng = &heap.rng;
  double p = chance(part), now = part->level[point] / part->size;
  if (!point) {
    part->cohorts[0] = part->live = binomial(rng, now, p);
    part->allocated = part->live + binomial(rng, now * part->turnover * already_running, p);
    return;
  }
  double minutes = heap.minutes[point] - heap.minutes[point - 1];
  double before = part->level[point - 1] / part->size;
  double replaced = part->turnover * heap.load[point] * minutes;
  double keep = fmin(exp(-replaced), before > 0 ? now / before : 1);
  double came = now - before * keep, churned = fmax(replaced * (now + before) / 2 - came, 0);
  part->live = 0;
  for (int c = 0; c < point; c++) {
    part->cohorts[c] = binomial(rng, part->cohorts[c], keep);
    part->live += part->cohorts[c];
  }
  part->cohorts[point] = binomial(rng, came, p);
  part->live += part->cohorts[point];
  part->allocated += part->cohorts[point] + binomial(rng, churned, p);
}

/* --- writing ------------------------------------------------------------------------- */

static void put_ages(FILE *out, const struct part *part, int point)
{
  double bands[MOST_BANDS] = {0};
  bool any = false;
  for (int c = 0; c <= point; c++) {
    double young = c ? heap.minutes[point] - heap.minutes[c] : heap.minutes[point];
    double old = c ? heap.minutes[point] - heap.minutes[c - 1]
                   : heap.minutes[point] + already_running;
    int from = young > 0 ? (int)log2(young * 60000) : 0, to = (int)log2(old * 60000);
    double left = part->cohorts[c];
    for (int k = from; k < to && left > 0; k++) {
      double width = ldexp(1, k + 1) / 60000 - fmax(young, k ? ldexp(1, k) / 60000 : 0);
      double here = binomial(&heap.rng, left, width / (old - fmax(young, ldexp(1, k) / 60000)));
      bands[k] += here;
      left -= here;
    }
    bands[to] += left;
  }
  for (int k = 0; k < MOST_BANDS; k++)
    if (bands[k] > 0) {
      fprintf(out, "%s[%d,%.0f]", any ? "," : ",\"ages\":[", k, bands[k]);
      any = true;
    }
  fputs(any ? "]" : "", out);
}

static bool write_snapshot(const char *directory, int point)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/s.%04d.heapdiff", directory, point);
  FILE *out = fopen(path, "w");
  if (!out)
    return false;
  double ns = heap.minutes[point] * 60e9;
  int records = 0;
  fprintf(out, "{\"heapdiff\":1,\"kind\":\"heap\",\"host\":\"simulated\",\"boot_id\":\"b\","
               "\"pid\":1,\"start_ns\":1000,\"time_ns\":%.0f,\"mono_ns\":%.0f,\"sequence\":%d,"
               "\"program\":\"/simulated\",\"rate\":%.0f,\"measures\":[\"inuse_space\","
               "\"inuse_objects\",\"alloc_space\",\"alloc_objects\"]}\n{\"strings\":[\"s.c\"",
          1.7e18 + ns, 36e12 + ns, point, heap.rate);
  for (int s = 0; s < heap.sites; s++)
    fprintf(out, ",\"site_%d\"", s);
  fputs("]}\n{\"frames\":[", out);
  for (int s = 0; s < heap.sites; s++)
    fprintf(out, "%s[null,%d,[[%d,0,%d,0]]]", s ? "," : "", s + 1, s + 1, s + 1);
  fputs("]}\n", out);
  for (int s = 0; s < heap.sites; s++) {
    fprintf(out, "{\"stack\":[%d],\"records\":[", s);
    for (int i = 0; i < heap.site[s].parts; i++, records++) {
      const struct part *part = &heap.site[s].part[i];
      fprintf(out, "%s{\"size\":%.0f,\"rate\":%.0f,\"live\":%.0f,\"alloc\":%.0f", i ? "," : "",
              part->size, heap.rate, part->live, part->allocated);
      if (heap.ages)
        put_ages(out, part, point);
      fputs("}", out);
    }
    fputs("]}\n", out);
  }
  fprintf(out, "{\"end\":{\"strings\":%d,\"modules\":0,\"frames\":%d,\"stacks\":%d,\"records\":%d}}"
               "\n", heap.sites + 1, heap.sites, heap.sites, records);
  return fclose(out) == 0;
}

static bool write_truth(const char *directory)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/truth", directory);
  FILE *out = fopen(path, "w");
  for (int s = 0; out && s < heap.sites; s++) {
    const struct site *site = &heap.site[s];
    double growth = 0;
    for (int i = 0; i < site->parts; i++)
      growth += site->part[i].level[heap.points - 1] - site->part[i].level[0];
    fprintf(out, "%d %s %d %.0f %.0f\n", s, kind_names[site->kind], site->leaks, growth,
            site->rate);
  }
  return out && fclose(out) == 0;
}

int main(int argc, char **argv)
{
  if (argc != 7 || (heap.points = atoi(argv[3])) < 2 || heap.points > MOST_POINTS) {
    fputs("usage: simulate SEED SCENARIO POINTS DIRECTORY RATE AGES\n", stderr);
    return 2;
  }
  heap.rng.state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15u;
  heap.rate = atof(argv[5]);
  heap.ages = atoi(argv[6]) != 0;
  make_heap(argv[2]);
  for (int point = 0; point < heap.points; point++) {
    for (int s = 0; s < heap.sites; s++)
      for (int i = 0; i < heap.site[s].parts; i++)
        step(&heap.site[s].part[i], point);
    if (!write_snapshot(argv[4], point))
      return 1;
  }
  return write_truth(argv[4]) ? 0 : 1;
}
