/* Chains that are much alike: a function was renamed, or put in or left out between. */
#include "analysis/match.h"

#include <math.h>
#include <stdlib.h>

/* So many of either side are held against each other, those that hold most; and so many
 * frames of each, those next to the site. */
enum { MOST_ROWS = 400, MOST_FRAMES = 128 };
/* Of another function a site holds about as much, or it is another site: at least this
 * share of the larger value. */
static const double comparable = .25;
/* A renamed function is nearly the same. */
static const double renamed = .9;

/* Which functions a side has: [string] */
struct known {
  bool *before, *after;
};

struct likeness {
  const struct hd_matching *matching;
  struct known known;
};

static void mark(const struct hd_side *side, bool *has)
{
  for (size_t i = 0; i < side->chain.count; i++)
    has[hd_side_frame_at(side->frames, side->chain.items[i])->function] = true;
}

static double frame_likeness(const struct likeness *of, uint32_t before, uint32_t after)
{
  const struct hd_side_frame *x = hd_side_frame_at(of->matching->before->frames, before);
  const struct hd_side_frame *y = hd_side_frame_at(of->matching->after->frames, after);
  if (x->function == y->function)
    return 1;
  bool moved = x->file && x->file == y->file && !of->known.after[x->function] &&
               !of->known.before[y->function];
  return moved ? renamed : 0;
}

/* Twice the longest common subsequence by the length of both; the root, which all have in
 * common, is one more of each. */
static double chain_likeness(const struct likeness *of, uint32_t before, uint32_t after)
{
  const struct hd_side_row *x = &of->matching->before->rows.items[before];
  const struct hd_side_row *y = &of->matching->after->rows.items[after];
  const uint32_t *p = of->matching->before->chain.items + x->first;
  const uint32_t *q = of->matching->after->chain.items + y->first;
  size_t m = x->count < MOST_FRAMES ? x->count : MOST_FRAMES;
  size_t n = y->count < MOST_FRAMES ? y->count : MOST_FRAMES;
  double best[MOST_FRAMES + 1] = {0};
  for (size_t i = 0; i < m; i++) {
    double corner = 0;
    for (size_t j = 0; j < n; j++) {
      double above = best[j + 1];
      double both = corner + frame_likeness(of, p[i], q[j]);
      best[j + 1] = fmax(fmax(above, best[j]), both);
      corner = above;
    }
  }
  return 2 * (best[n] + 1) / (double)(m + n + 2);
}

static bool in_chain(const struct hd_side *side, uint32_t row, uint32_t function)
{
  const struct hd_side_row *item = &side->rows.items[row];
  for (uint32_t i = 0; i < item->count; i++)
    if (hd_side_frame_at(side->frames, side->chain.items[item->first + i])->function == function)
      return true;
  return false;
}

static bool hold_as_much(const struct likeness *of, uint32_t before, uint32_t after)
{
  double x = hd_side_amount_of(of->matching->before, before, of->matching->measure).value;
  double y = hd_side_amount_of(of->matching->after, after, of->matching->measure).value;
  return fmin(x, y) >= comparable * fmax(x, y);
}

/* Whether the sites may be one: of one function or a renamed one, or one function has
 * come between the other and its callee, or has gone from there, with what is there. */
static bool may_be_one(const struct likeness *of, uint32_t before, uint32_t after)
{
  const struct hd_side *x = of->matching->before, *y = of->matching->after;
  uint32_t p = x->chain.items[x->rows.items[before].first];
  uint32_t q = y->chain.items[y->rows.items[after].first];
  if (frame_likeness(of, p, q) > 0)
    return true;
  return hold_as_much(of, before, after) &&
         (in_chain(y, after, hd_side_frame_at(x->frames, p)->function) ||
          in_chain(x, before, hd_side_frame_at(y->frames, q)->function));
}

struct ranked {
  uint32_t row;
  double value;
};

static int by_value(const void *left, const void *right)
{
  const struct ranked *a = left, *b = right;
  if (a->value < b->value || a->value > b->value)
    return a->value < b->value ? 1 : -1;
  return (a->row > b->row) - (a->row < b->row);
}

/* The largest that have no partner; NULL on want of memory. */
static struct ranked *left_over(const struct hd_side *side, const uint32_t *matched,
                                enum hd_measure measure, size_t *count)
{
  struct ranked *rows = hd_alloc_zeroed(side->rows.count, sizeof *rows);
  *count = 0;
  for (size_t i = 0; rows && i < side->rows.count; i++)
    if (!matched[i])
      rows[(*count)++] = (struct ranked){(uint32_t)i, hd_side_amount_of(side, i, measure).value};
  if (rows && *count)
    qsort(rows, *count, sizeof *rows, by_value);
  *count = *count < MOST_ROWS ? *count : MOST_ROWS;
  return rows;
}

/* Likeness first; among equals, how near the values are. */
static double score_of(const struct likeness *of, const struct ranked *before,
                       const struct ranked *after)
{
  static const double tie = 1e-3;
  double alike = chain_likeness(of, before->row, after->row);
  double sum = fabs(before->value) + fabs(after->value);
  if (alike < HD_LEAST_SIMILARITY - 1e-9 || !may_be_one(of, before->row, after->row))
    return 0;
  return alike + tie * (sum > 0 ? 1 - fabs(before->value - after->value) / sum : 1);
}

/* The best of each, again and again until no two are each other's best. */
static void pair_best(const struct likeness *of, const double *scores, const struct ranked *before,
                      size_t befores, const struct ranked *after, size_t afters)
{
  const struct hd_match *match = of->matching->match;
  for (bool any = true; any;) {
    any = false;
    for (size_t i = 0; i < befores; i++) {
      size_t best = afters, back = befores;
      for (size_t j = 0; !match->after[before[i].row] && j < afters; j++)
        if (!match->before[after[j].row] && scores[i * afters + j] > 0 &&
            (best == afters || scores[i * afters + j] > scores[i * afters + best]))
          best = j;
      for (size_t k = 0; best < afters && k < befores; k++)
        if (!match->after[before[k].row] &&
            (back == befores || scores[k * afters + best] > scores[back * afters + best]))
          back = k;
      if (best == afters || back != i)
        continue;
      hd_match_pair(of->matching, before[i].row, after[best].row, HD_MATCH_SIMILAR);
      any = true;
    }
  }
}

static bool match_ranked(const struct likeness *of, const struct ranked *before, size_t befores,
                         const struct ranked *after, size_t afters)
{
  HD_SCOPED_FREE double *scores = hd_alloc_zeroed(befores * afters, sizeof *scores);
  if (!scores)
    return false;
  for (size_t i = 0; i < befores; i++)
    for (size_t j = 0; j < afters; j++)
      scores[i * afters + j] = score_of(of, &before[i], &after[j]);
  pair_best(of, scores, before, befores, after, afters);
  return true;
}

bool hd_match_similar(const struct hd_matching *matching)
{
  size_t strings = matching->before->frames->strings->items.count + 1, befores, afters;
  HD_SCOPED_FREE bool *in_before = hd_alloc_zeroed(strings, sizeof *in_before);
  HD_SCOPED_FREE bool *in_after = hd_alloc_zeroed(strings, sizeof *in_after);
  HD_SCOPED_FREE struct ranked *before =
      left_over(matching->before, matching->match->after, matching->measure, &befores);
  HD_SCOPED_FREE struct ranked *after =
      left_over(matching->after, matching->match->before, matching->measure, &afters);
  if (!in_before || !in_after || !before || !after)
    return false;
  struct likeness likeness = {matching, {in_before, in_after}};
  mark(matching->before, in_before);
  mark(matching->after, in_after);
  return !befores || !afters || match_ranked(&likeness, before, befores, after, afters);
}
