#include "analysis/trend.h"

#include "analysis/mann_kendall.h"

#include <math.h>

/* Weights of the shapes by BIC and their priors. */
static void weigh(const struct hd_design *design, const struct hd_course *course,
                  const struct hd_fit fits[HD_SHAPES], struct hd_trend *trend)
{
  double bic[HD_SHAPES], least = INFINITY, sum = 0;
  for (int i = 0; i < HD_SHAPES; i++) {
    bic[i] = fits[i].possible ? hd_fit_bic(design, &fits[i], course->noise) : INFINITY;
    least = fmin(least, bic[i]);
  }
  for (int i = 0; i < HD_SHAPES; i++) {
    double odds = hd_shapes[i].leak ? course->odds : 1;
    trend->weights[i] = odds * hd_shapes[i].prior * exp((least - bic[i]) / 2);
    trend->parameters[i] = fits[i].parameter;
    sum += trend->weights[i];
  }
  for (int i = 0; i < HD_SHAPES; i++) {
    trend->weights[i] /= sum;
    trend->probability += hd_shapes[i].leak ? trend->weights[i] : 0;
    if (trend->weights[i] > trend->weights[trend->best])
      trend->best = (enum hd_shape_id)i;
  }
}

/* The rate by all leak shapes together; its error is theirs, what they differ by,
 * and the sampling's. */
static void rate(const struct hd_design *design, const struct hd_course *course,
                 const struct hd_fit fits[HD_SHAPES], struct hd_trend *trend)
{
  double sum = 0, squares = 0, within = 0, weights = 0, n = (double)design->steps;
  for (int i = 0; i < HD_SHAPES; i++) {
    if (!hd_shapes[i].leak || !fits[i].possible)
      continue;
    double w = trend->weights[i], noise = fmax(fits[i].left / n, course->noise);
    sum += w * fits[i].slope;
    squares += w * fits[i].slope * fits[i].slope;
    within += w * (fits[i].variance + noise * fits[i].leverage);
    weights += w;
  }
  if (!(weights > 0))
    return;
  double growth = course->values[design->steps] - course->values[0];
  trend->has_rate = true;
  trend->rate = sum / weights;
  double between = fmax(squares / weights - trend->rate * trend->rate, 0);
  double sampling = growth > 0 ? trend->rate * course->growth_error / growth : 0;
  trend->rate_error = sqrt(within / weights + between + sampling * sampling);
}

static double largest_fall(const double *values, size_t count, double *range)
{
  double high = values[0], low = values[0], top = values[0], fall = 0;
  for (size_t i = 1; i < count; i++) {
    top = fmax(top, values[i]);
    fall = fmax(fall, top - values[i]);
    high = fmax(high, values[i]);
    low = fmin(low, values[i]);
  }
  *range = high - low;
  return fall;
}

/* Falls: as they are, and relative to the range without what the load explains,
 * where the load is in the shape that fits best. */
static void falls(const struct hd_design *design, const struct hd_course *course,
                  const struct hd_fit fits[HD_SHAPES], const double *differences, double *adjusted,
                  struct hd_trend *trend)
{
  trend->drawdown = largest_fall(course->values, design->steps + 1, &trend->range);
  trend->relative_drawdown = trend->range > 0 ? trend->drawdown / trend->range : 0;
  const struct hd_shape *best = &hd_shapes[trend->best];
  if (!design->load || !best->load)
    return;
  double with = 0, range, slope = best->leak ? fits[trend->best].slope : 0;
  for (size_t i = 0; i < design->steps; i++) {
    double grows = slope * (design->u[i + 1] - design->u[i]);
    with += (differences[i] - grows) * design->load[i];
  }
  adjusted[0] = course->values[0];
  for (size_t i = 0; i < design->steps; i++)
    adjusted[i + 1] = adjusted[i] + differences[i] - with / design->load_squares * design->load[i];
  double fall = largest_fall(adjusted, design->steps + 1, &range);
  trend->relative_drawdown = range > 0 ? fall / range : 0;
}

/* Growth over a window by what came since u, at least one step. */
static double rate_since(const struct hd_design *design, const double *values, double u)
{
  size_t steps = design->steps, from = 0;
  while (from + 1 < steps && design->u[from] < u)
    from++;
  return (values[steps] - values[from]) / (1 - design->u[from]);
}

void hd_trend_fit(const struct hd_design *design, const struct hd_course *course, double *memory,
                  struct hd_trend *trend)
{
  struct hd_fit fits[HD_SHAPES];
  size_t steps = design->steps;
  double *differences = memory, *scratch = memory + steps;
  *trend = (struct hd_trend){.best = HD_SHAPE_FLAT};
  for (size_t i = 0; i < steps; i++)
    differences[i] = course->values[i + 1] - course->values[i];
  hd_shapes_fit(design, differences, course->noise, scratch, fits);
  weigh(design, course, fits, trend);
  rate(design, course, fits, trend);
  falls(design, course, fits, differences, scratch, trend);
  trend->late_rate = rate_since(design, course->values, .5) + trend->rate_error / 2;
  trend->last_rate = rate_since(design, course->values, 2. / 3);
  trend->mann_kendall = hd_mann_kendall(course->values, steps + 1);
}
