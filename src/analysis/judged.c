#include "analysis/judged.h"

#include <string.h>

void hd_judged_drop(struct hd_judged *judged)
{
  hd_judges_deinit(&judged->judges);
  hd_vec_deinit(&judged->numbers);
}

static bool is_of(const struct hd_judged *judged, const struct hd_series *series,
                  enum hd_measure measure)
{
  size_t count = series->points.count;
  bool same = judged->judges.rows && judged->judges.measure == measure &&
              judged->numbers.count == count &&
              judged->at_start == series->points.items[0].at_start &&
              memcmp(judged->has, series->has, sizeof judged->has) == 0;
  for (size_t i = 0; same && i < count; i++)
    same = judged->numbers.items[i] == series->points.items[i].number;
  return same;
}

static bool judge_anew(struct hd_judged *judged, const struct hd_series *series,
                       enum hd_measure measure, struct hd_error *error)
{
  size_t count = series->points.count;
  hd_judged_drop(judged);
  if (!hd_vec_reserve(&judged->numbers, count))
    return hd_fail_memory(error);
  for (size_t i = 0; i < count; i++)
    judged->numbers.items[judged->numbers.count++] = series->points.items[i].number;
  judged->at_start = series->points.items[0].at_start;
  memcpy(judged->has, series->has, sizeof judged->has);
  return hd_judges_init(&judged->judges, series, measure, error);
}

bool hd_judged_take(const struct hd_series *series, enum hd_measure measure, struct hd_judges *own,
                    struct hd_judges **judges, struct hd_error *error)
{
  struct hd_judged *judged = series->judged;
  *own = (struct hd_judges){0};
  *judges = judged ? &judged->judges : own;
  if (!judged)
    return hd_judges_init(own, series, measure, error);
  if (!is_of(judged, series, measure) && !judge_anew(judged, series, measure, error))
    return false;
  judged->judges.series = series; /* those that they were made of may be gone */
  return true;
}
