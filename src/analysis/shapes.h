/* The shapes that a course of values is held against (shapes.def), as regressions
 * on first differences: a random walk is noise then, and levels do not matter.
 *
 * Time u runs from 0 to 1 over the window. The curves are, as functions of it,
 * 1 - exp(-u/t) (saturation), min(u, c) (ramp), u (linear), max(0, u - c) (late),
 * and the integral of the load (with allocations); the load is the program's
 * allocation rate, mean 1. They are the same for all rows: they are made once, and
 * a row costs some dot products. */
#ifndef HD_ANALYSIS_SHAPES_H
#define HD_ANALYSIS_SHAPES_H

#include "base/error.h"

enum hd_curve {
  HD_CURVE_NONE,
  HD_CURVE_STEPS_1,
  HD_CURVE_STEPS_2,
  HD_CURVE_JUMPS,
  HD_CURVE_SATURATION,
  HD_CURVE_RAMP,
  HD_CURVE_LINEAR,
  HD_CURVE_LATE,
  HD_CURVE_WITH_ALLOCATIONS,
};

enum hd_shape_id {
#define HD_SHAPE(id, ...) HD_SHAPE_##id,
#include "analysis/shapes.def"
#undef HD_SHAPE
  HD_SHAPES
};

struct hd_shape {
  const char *name;
  enum hd_curve curve;
  bool load, leak;
  double prior;
  unsigned parameters;
};

extern const struct hd_shape hd_shapes[HD_SHAPES];

/* Fewer points have no shape. */
enum { HD_LEAST_POINTS = 5, HD_MOST_CURVES = 24 };

/* One curve with one value of its parameter: its differences from point to point. */
struct hd_basis {
  enum hd_curve curve;
  double parameter;
  double *steps;
  double squares, with_load; /* dot products with itself and with the load */
};

struct hd_design {
  size_t steps;     /* points less one */
  double *u;        /* [steps + 1] */
  double *load;     /* differences of the load, NULL: it hardly varies, or is not known */
  double load_squares;
  struct hd_basis bases[HD_MOST_CURVES];
  size_t basis_count;
  double *memory;
};

/* `times` rise (any unit, at least HD_LEAST_POINTS); `allocated` is what the whole
 * program had allocated by then, NULL where that is not known. */
bool hd_design_init(struct hd_design *design, const double *times, const double *allocated,
                    size_t count, struct hd_error *error);
void hd_design_deinit(struct hd_design *design);

/* How well one shape explains the differences of a row. */
struct hd_fit {
  bool possible;
  double left;            /* sum of squares that it leaves */
  double cost;            /* what it has fitted: coefficients, parameters and the variance */
  double parameter;       /* of the curve; of steps, when the last one is done */
  double slope, variance; /* of a leak: growth over the whole window at the rate that it goes on
                           * at, and the part of its variance that is not noise; per unit of noise
                           * variance `leverage` is added */
  double leverage;
};

/* Fits all shapes to differences[0 .. steps-1]. `scratch` has room for as many.
 * `noise` is the least variance that a difference has. */
void hd_shapes_fit(const struct hd_design *design, const double *differences, double noise,
                   double *scratch, struct hd_fit fits[HD_SHAPES]);

/* BIC of a fit less what is the same for all: n ln v + SS/v + k ln n, v the
 * variance that is left, `noise` at least (Schwarz 1978). */
double hd_fit_bic(const struct hd_design *design, const struct hd_fit *fit, double noise);

#endif
