#include "gate/verdicts.h"

#include "gate/chance.h"

#include <stdlib.h>

/* Of the growth from the first to the last point. */
static double chance_of(const struct hd_judges *judges, uint32_t row)
{
  const struct hd_row_noise *noise = &judges->noise[row];
  struct hd_level went, came;
  hd_levels_of_difference(judges->rows[row].growth, noise->moved, noise->variance, &went, &came);
  return hd_chance(&went, &came, 0);
}

static int by_growth(const void *left, const void *right)
{
  const struct hd_gate_verdict *a = left, *b = right;
  double x = a->judgement.growth, y = b->judgement.growth;
  if (x < y || x > y)
    return x < y ? 1 : -1;
  return (a->row > b->row) - (a->row < b->row);
}

static bool find(struct hd_gate_verdicts *verdicts, const struct hd_judges *judges, double p,
                 struct hd_error *error)
{
  const struct hd_series *series = verdicts->series;
  for (size_t row = 0; row < series->rows.count; row++) {
    const struct hd_judgement *of = &judges->rows[row];
    struct hd_gate_verdict found = {.row = (uint32_t)row, .judgement = *of};
    found.before = hd_series_flat(series, 0, row, verdicts->measure);
    found.after = hd_series_flat(series, series->points.count - 1, row, verdicts->measure);
    if (!(verdicts->wanted >> of->verdict & 1))
      continue;
    bool grows = of->verdict == HD_VERDICT_LEAKING || of->verdict == HD_VERDICT_GROWING;
    if (grows && !of->by_age && chance_of(judges, (uint32_t)row) > p)
      continue;
    if (!hd_vec_push(&verdicts->found, found))
      return hd_fail_memory(error);
  }
  if (verdicts->found.count)
    qsort(verdicts->found.items, verdicts->found.count, sizeof *verdicts->found.items, by_growth);
  return true;
}

bool hd_gate_verdicts_find(struct hd_gate_verdicts *verdicts, double error_rate,
                           struct hd_error *error)
{
  struct hd_judges judges;
  if (!verdicts->series)
    return true;
  if (!hd_judges_init(&judges, verdicts->series, verdicts->measure, error))
    return false;
  size_t grown = 1;
  for (size_t row = 0; row < verdicts->series->rows.count; row++)
    grown += judges.rows[row].growth > 0;
  bool fine = find(verdicts, &judges, error_rate / (double)grown, error);
  hd_judges_deinit(&judges);
  return fine;
}

void hd_gate_verdicts_deinit(struct hd_gate_verdicts *verdicts)
{
  hd_vec_deinit(&verdicts->found);
}
