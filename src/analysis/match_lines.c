/* Chains that differ by lines alone, told apart by the order of these. */
#include "analysis/match.h"

#include <math.h>
#include <string.h>

/* A group whose table of alignments would be larger is matched by equal lines, and the
 * rest in its order. */
enum { MOST_CELLS = 4 << 20 };
/* Lines that differ cost so much of what stays: equal lines win where all else is equal. */
static const double moved_line = .25;

static bool same_lines(const struct hd_matching *matching, uint32_t before, uint32_t after)
{
  const struct hd_side_row *x = &matching->before->rows.items[before];
  const struct hd_side_row *y = &matching->after->rows.items[after];
  return x->count == y->count &&
         memcmp(matching->before->chain.items + x->first, matching->after->chain.items + y->first,
                x->count * sizeof(uint32_t)) == 0;
}

static double value_of(const struct hd_side *side, uint32_t row, enum hd_measure measure)
{
  return hd_side_amount_of(side, row, measure).value;
}

static void pair(const struct hd_matching *matching, uint32_t before, uint32_t after,
                 enum hd_match_level level)
{
  bool same = same_lines(matching, before, after);
  hd_match_pair(matching, before, after, same ? HD_MATCH_LINES : level);
}

/* Where both sides have the same lines, or too many: each finds its own. */
static size_t pair_equal(const struct hd_matching *matching, const struct hd_match_rows *rows,
                         bool really)
{
  size_t equal = 0;
  for (size_t i = 0, j = 0; i < rows->befores; i++)
    for (size_t k = j; k < rows->afters; k++)
      if (same_lines(matching, rows->before[i], rows->after[k])) {
        if (really)
          pair(matching, rows->before[i], rows->after[k], HD_MATCH_LINES);
        equal++;
        j = k + 1;
        break;
      }
  return equal;
}

static void pair_in_order(const struct hd_matching *matching, const struct hd_match_rows *rows,
                          enum hd_match_level level)
{
  for (size_t i = 0, j = 0; i < rows->befores; i++) {
    if (matching->match->after[rows->before[i]])
      continue;
    while (j < rows->afters && matching->match->before[rows->after[j]])
      j++;
    if (j < rows->afters)
      pair(matching, rows->before[i], rows->after[j], level);
  }
}

static double cost_of(const struct hd_matching *matching, uint32_t before, uint32_t after)
{
  double x = value_of(matching->before, before, matching->measure);
  double y = value_of(matching->after, after, matching->measure);
  double cost = sqrt(fabs(x - y));
  if (!same_lines(matching, before, after))
    cost += moved_line * sqrt(fmax(fmin(x, y), 0));
  return cost;
}

struct table {
  size_t columns;
  double *cost;  /* [before * columns + after]: of what comes before both */
  uint8_t *step; /* how it was reached */
};

enum step { PAIRED, GONE, NEW };

static double *cell(const struct table *table, size_t i, size_t j)
{
  return &table->cost[i * table->columns + j];
}

static void fill(const struct hd_matching *matching, const struct hd_match_rows *rows,
                 struct table *table)
{
  for (size_t i = 0; i <= rows->befores; i++)
    for (size_t j = 0; j <= rows->afters; j++) {
      double best = i || j ? INFINITY : 0;
      enum step step = PAIRED;
      if (i && j) {
        best =
            *cell(table, i - 1, j - 1) + cost_of(matching, rows->before[i - 1], rows->after[j - 1]);
      }
      if (i) {
        double left = fabs(value_of(matching->before, rows->before[i - 1], matching->measure));
        double gone = *cell(table, i - 1, j) + sqrt(left);
        step = gone < best ? GONE : step;
        best = fmin(best, gone);
      }
      if (j) {
        double come = fabs(value_of(matching->after, rows->after[j - 1], matching->measure));
        double new = *cell(table, i, j - 1) + sqrt(come);
        step = new < best ? NEW : step;
        best = fmin(best, new);
      }
      *cell(table, i, j) = best;
      table->step[i * table->columns + j] = (uint8_t)step;
    }
}

static bool align(const struct hd_matching *matching, const struct hd_match_rows *rows,
                  enum hd_match_level level)
{
  size_t i = rows->befores, j = rows->afters, cells = (i + 1) * (j + 1);
  HD_SCOPED_FREE double *cost = hd_alloc_zeroed(cells, sizeof *cost);
  HD_SCOPED_FREE uint8_t *step = hd_alloc_zeroed(cells, sizeof *step);
  struct table table = {j + 1, cost, step};
  if (!cost || !step)
    return false;
  fill(matching, rows, &table);
  while (i || j) {
    enum step taken = step[i * table.columns + j];
    if (taken == PAIRED)
      pair(matching, rows->before[i - 1], rows->after[j - 1], level);
    i -= taken != NEW;
    j -= taken != GONE;
  }
  return true;
}

bool hd_match_align(const struct hd_matching *matching, const struct hd_match_rows *rows,
                    enum hd_match_level level)
{
  bool large = (rows->befores + 1) > MOST_CELLS / (rows->afters + 1);
  bool same = rows->befores == rows->afters && pair_equal(matching, rows, false) == rows->befores;
  if (rows->befores == 1 && rows->afters == 1) {
    pair(matching, rows->before[0], rows->after[0], level);
    return true;
  }
  if (!large && !same)
    return align(matching, rows, level);
  pair_equal(matching, rows, true);
  pair_in_order(matching, rows, level);
  return true;
}
