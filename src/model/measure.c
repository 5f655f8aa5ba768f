#include "model/measure.h"

#include <stdio.h>
#include <string.h>

const struct hd_measure_info hd_measures[HD_MEASURES] = {
#define HD_MEASURE(id, name, unit, nature, merge, noise, sibling, beside, kind, title)             \
  [HD_##id] = {name,                                                                               \
               HD_UNIT_##unit,                                                                     \
               HD_NATURE_##nature,                                                                 \
               HD_MERGE_##merge,                                                                   \
               HD_NOISE_##noise,                                                                   \
               HD_##sibling,                                                                       \
               HD_##beside,                                                                        \
               kind,                                                                               \
               title},
#include "model/measures.def"
#undef HD_MEASURE
};

static bool same(const char *have, const char *name, size_t length)
{
  return strlen(have) == length && memcmp(have, name, length) == 0;
}

bool hd_measure_find(const char *name, size_t length, enum hd_measure *measure)
{
  static const char optional[] = "inuse_";
  for (int i = 0; i < HD_MEASURES; i++) {
    const char *have = hd_measures[i].name;
    bool short_form = strncmp(have, optional, sizeof optional - 1) == 0;
    if (same(have, name, length) ||
        (short_form && same(have + sizeof optional - 1, name, length))) {
      *measure = (enum hd_measure)i;
      return true;
    }
  }
  return false;
}

bool hd_measure_choose(const char *name, enum hd_measure *measure, struct hd_error *error)
{
  char names[512];
  size_t used = 0;
  if (hd_measure_find(name, strlen(name), measure))
    return true;
  for (int i = 0; i < HD_MEASURES && used < sizeof names; i++) {
    if (hd_measures[i].merge == HD_MERGE_MAX)
      continue; /* shown beside another alone */
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                             i == 0                 ? ""
                             : i == HD_MEASURES - 1 ? " or "
                                                    : ", ",
                             hd_measures[i].name);
  }
  return hd_fail_usage(error, "--measure takes %s, not '%s'", names, name);
}

double hd_measure_join(enum hd_measure measure, double a, double b)
{
  if (hd_measures[measure].merge == HD_MERGE_SUM)
    return a + b;
  return a > b ? a : b;
}
