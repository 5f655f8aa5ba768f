/* The things that a snapshot can count, one row each in measures.def. No other
 * code names them one by one. */
#ifndef HD_MODEL_MEASURE_H
#define HD_MODEL_MEASURE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hd_measure {
#define HD_MEASURE(id, ...) HD_##id,
#include "model/measures.def"
#undef HD_MEASURE
  HD_MEASURES
};

enum hd_unit { HD_UNIT_BYTES, HD_UNIT_COUNT, HD_UNIT_DURATION };
enum hd_nature { HD_NATURE_GAUGE, HD_NATURE_COUNTER };
enum hd_merge { HD_MERGE_SUM, HD_MERGE_MAX };
enum hd_noise { HD_NOISE_NONE, HD_NOISE_POISSON };

struct hd_measure_info {
  const char *name;
  enum hd_unit unit;
  enum hd_nature nature;
  enum hd_merge merge;
  enum hd_noise noise;
  enum hd_measure sibling, beside;
  const char *kind, *title;
};

extern const struct hd_measure_info hd_measures[HD_MEASURES];

/* Finds a measure by its name; a leading "inuse_" may be left out, as in pprof
 * ("space" is inuse_space). False where there is none. */
bool hd_measure_find(const char *name, size_t length, enum hd_measure *measure);

/* The same of what the user named after --measure: an unknown one is an error of kind
 * usage that lists those there are. */
bool hd_measure_choose(const char *name, enum hd_measure *measure, struct hd_error *error);

/* Two values of one measure as one. */
double hd_measure_join(enum hd_measure measure, double a, double b);

#endif
