/* What sampling noise is computed from, kept beside a series: the raw counts of
 * each class of sampled objects (one row, object size and rate), and the ages of
 * live objects where the recorder gives them. Exact records have no class. */
#ifndef HD_ANALYSIS_CLASSES_H
#define HD_ANALYSIS_CLASSES_H

#include "base/index.h"
#include "base/vec.h"
#include "model/profile.h"

struct hd_class {
  uint32_t row;
  uint64_t size, rate;
  double weight; /* objects that a sampled one stands for */
};

struct hd_classes {
  HD_VEC(struct hd_class) items;
  struct hd_index index;
  bool counts_allocs; /* every snapshot so far has how many were ever allocated */
};

/* Raw counts of one class in one snapshot; they stop at UINT32_MAX. */
struct hd_class_counts {
  uint32_t live, alloc;
};

/* Live objects of a row whose age is in [2^log2, 2^(log2+1)) ms. */
struct hd_age_band {
  uint32_t row, log2;
  uint32_t class; /* + 1; 0 of an exact record */
  uint32_t count; /* raw */
  double bytes, objects;
};

/* A snapshot's part: counts by class (may be shorter: the rest is 0). */
struct hd_class_point {
  struct hd_class_counts *items;
  size_t count, capacity;
  HD_VEC(struct hd_age_band) ages;
};

/* The classes of a row that were met last: a call site has few. */
enum { HD_RECENT_CLASSES = 3 };
struct hd_recent_class {
  uint32_t size, class; /* + 1; 0 none. Sizes past 32 bits are not remembered */
};

/* Whether objects of a size that stand for so many each are of a class; what was counted of
 * a record. */
bool hd_is_sampled(uint64_t size, double weight);
struct hd_class_counts hd_class_counts_of(const struct hd_profile *profile, size_t record);
void hd_class_count(struct hd_class_counts *counts, struct hd_class_counts more);
/* The number of a class of a row, + 1, which is added where it is new; 0 on want of memory. */
uint32_t hd_class_of(struct hd_classes *classes, const struct hd_class *key,
                     struct hd_recent_class recent[HD_RECENT_CLASSES]);
/* Room for the counts of `count` classes, of 0. False on want of memory. */
bool hd_class_point_grow(struct hd_class_point *point, size_t count);
/* `raw` objects of an age, as sampled; of a record that stands for `weight` each. */
struct hd_age_band hd_age_band_of(uint32_t log2, uint64_t raw, uint64_t size, double weight);

/* Adds a record of a profile, of which `row` is the row. *next_age walks through the
 * profile's ages, which stand in the order of their records. False on want of memory. */
bool hd_classes_add(struct hd_classes *classes, struct hd_class_point *point,
                    const struct hd_profile *profile, size_t record, uint32_t row,
                    struct hd_recent_class recent[HD_RECENT_CLASSES], size_t *next_age);
/* Adds one snapshot's classes, of rows that are rows[] here, to others. `counted`: the
 * snapshot has records. False on want of memory. */
bool hd_classes_merge(struct hd_classes *classes, struct hd_class_point *point,
                      const struct hd_classes *other, const struct hd_class_point *counts,
                      const uint32_t *rows, bool counted);
void hd_classes_deinit(struct hd_classes *classes);
void hd_class_point_deinit(struct hd_class_point *point);

struct hd_class_counts hd_class_counts_at(const struct hd_class_point *point, size_t class);

#endif
