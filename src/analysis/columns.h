/* The measures of a snapshot or a series, as columns of a row of values. */
#ifndef HD_ANALYSIS_COLUMNS_H
#define HD_ANALYSIS_COLUMNS_H

#include "model/measure.h"

struct hd_columns {
  size_t count;
  enum hd_measure measures[HD_MEASURES];
  bool add_up; /* all do; of others the largest counts */
};

static inline struct hd_columns hd_columns_of(const bool has[HD_MEASURES])
{
  struct hd_columns columns = {.add_up = true};
  for (int i = 0; i < HD_MEASURES; i++) {
    if (!has[i])
      continue;
    columns.measures[columns.count++] = (enum hd_measure)i;
    columns.add_up &= hd_measures[i].merge == HD_MERGE_SUM;
  }
  return columns;
}

/* Values into an entry. Inlined by force, as it is where most of folding's time goes. */
static inline __attribute__((always_inline)) void hd_columns_join(const struct hd_columns *columns,
                                                                  double *restrict entry,
                                                                  const double *restrict values)
{
  size_t count = columns->count;
  if (columns->add_up && count == 4) { /* as heaps have */
    for (size_t i = 0; i < 4; i++)
      entry[i] += values[i];
  } else if (columns->add_up)
    for (size_t i = 0; i < count; i++)
      entry[i] += values[i];
  else
    for (size_t i = 0; i < count; i++)
      entry[i] = hd_measure_join(columns->measures[i], entry[i], values[i]);
}

#endif
