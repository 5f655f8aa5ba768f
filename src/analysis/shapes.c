#include "analysis/shapes.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

const struct hd_shape hd_shapes[HD_SHAPES] = {
#define HD_SHAPE(id, name, curve, load, leak, prior, parameters)                                   \
  {name, HD_CURVE_##curve, load, leak, prior, parameters},
#include "analysis/shapes.def"
#undef HD_SHAPE
};

/* With fewer points than this there are fewer curves to choose from, and no shapes
 * with the load in them; with fewer than the other, no stairs. */
enum { MANY_POINTS = 8, LEAST_FOR_STAIRS = 6 };
/* A load that varies less than this (relative standard deviation) explains nothing. */
static const double least_load = .03;

static double dot(const double *a, const double *b, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += a[i] * b[i];
  return sum;
}

/* --- designs ------------------------------------------------------------------------ */

static double curve_at(enum hd_curve curve, double parameter, double u)
{
  switch (curve) {
  case HD_CURVE_SATURATION: return 1 - exp(-u / parameter);
  case HD_CURVE_RAMP: return fmin(u, parameter);
  case HD_CURVE_LATE: return fmax(0, u - parameter);
  default: return u;
  }
}

static void finish_basis(struct hd_design *design, struct hd_basis *basis)
{
  basis->squares = dot(basis->steps, basis->steps, design->steps);
  basis->with_load = design->load ? dot(basis->steps, design->load, design->steps) : 0;
}

static void add_curves(struct hd_design *design, enum hd_curve curve, const double *parameters,
                       size_t count)
{
  for (size_t n = 0; n < count; n++) {
    struct hd_basis *basis = &design->bases[design->basis_count++];
    *basis = (struct hd_basis){.curve = curve, .parameter = parameters[n]};
    basis->steps = design->memory + (design->basis_count + 1) * (design->steps + 1);
    for (size_t i = 0; i < design->steps; i++)
      basis->steps[i] = curve_at(curve, parameters[n], design->u[i + 1]) -
                        curve_at(curve, parameters[n], design->u[i]);
    finish_basis(design, basis);
  }
}

/* The allocation rate of each interval, mean 1 over time, as differences from one
 * to the next; and its integral. The first point has the rate of the interval
 * behind it. */
static void add_load(struct hd_design *design, const double *allocated)
{
  size_t steps = design->steps;
  double whole = allocated[steps] - allocated[0], spread = 0;
  if (!(whole > 0))
    return;
  double *rates = design->memory + (HD_MOST_CURVES + 2) * (steps + 1);
  for (size_t i = 0; i < steps; i++) {
    double rose = (allocated[i + 1] - allocated[i]) / whole,
           width = design->u[i + 1] - design->u[i];
    if (rose < 0)
      return;
    rates[i] = rose / width;
    spread += (rates[i] - 1) * (rates[i] - 1) * width;
  }
  if (sqrt(spread) < least_load)
    return;
  design->load = design->memory + (steps + 1);
  for (size_t i = 0; i < steps; i++)
    design->load[i] = i ? rates[i] - rates[i - 1] : 0;
  design->load_squares = dot(design->load, design->load, steps);
  struct hd_basis *basis = &design->bases[design->basis_count++];
  *basis = (struct hd_basis){.curve = HD_CURVE_WITH_ALLOCATIONS};
  basis->steps = design->memory + (design->basis_count + 1) * (steps + 1);
  for (size_t i = 0; i < steps; i++)
    basis->steps[i] = rates[i] * (design->u[i + 1] - design->u[i]);
  finish_basis(design, basis);
}

#define ADD_CURVES(design, curve, ...)                                                             \
  add_curves(design, curve, (const double[]){__VA_ARGS__},                                         \
             sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

bool hd_design_init(struct hd_design *design, const double *times, const double *allocated,
                    size_t count, struct hd_error *error)
{
  *design = (struct hd_design){.steps = count - 1};
  design->memory = hd_alloc_zeroed(count, (HD_MOST_CURVES + 3) * sizeof(double));
  if (!design->memory)
    return hd_fail_memory(error);
  design->u = design->memory;
  for (size_t i = 0; i < count; i++)
    design->u[i] = (times[i] - times[0]) / (times[count - 1] - times[0]);
  if (allocated)
    add_load(design, allocated);
  ADD_CURVES(design, HD_CURVE_LINEAR, 0);
  if (count < MANY_POINTS) {
    ADD_CURVES(design, HD_CURVE_SATURATION, .15, .4);
    ADD_CURVES(design, HD_CURVE_RAMP, .3, .5, .75);
    ADD_CURVES(design, HD_CURVE_LATE, .25, .5);
  } else {
    ADD_CURVES(design, HD_CURVE_SATURATION, .03, .06, .12, .2, .3, .45, .7);
    ADD_CURVES(design, HD_CURVE_RAMP, .2, .3, .4, .5, .6, .7, .8);
    ADD_CURVES(design, HD_CURVE_LATE, .2, .35, .5, .65);
  }
  return true;
}

void hd_design_deinit(struct hd_design *design)
{
  hd_free(design->memory);
  design->memory = NULL;
}

/* --- fits --------------------------------------------------------------------------- */

struct row {
  const struct hd_design *design;
  const double *differences;
  double squares, with_load;
  double noise;
  double dots[HD_MOST_CURVES];
  double *scratch;
};

/* What the load alone explains, and what that costs. */
static struct hd_fit begin_fit(const struct row *row, const struct hd_shape *shape)
{
  struct hd_fit fit = {.possible = true, .left = row->squares, .cost = 1 + shape->parameters};
  const struct hd_design *design = row->design;
  if (!shape->load)
    return fit;
  /* Growth with the allocations alone has the load in its curve. */
  bool term = shape != &hd_shapes[HD_SHAPE_ALLOCATIONS];
  bool few = design->steps + 1 < MANY_POINTS && shape->curve != HD_CURVE_NONE && term;
  fit.possible = design->load && !few;
  if (fit.possible && term) {
    fit.left -= row->with_load * row->with_load / design->load_squares;
    fit.cost++;
  }
  return fit;
}

static bool has_load_term(const struct hd_shape *shape)
{
  return shape->load && shape != &hd_shapes[HD_SHAPE_ALLOCATIONS];
}

/* The best of a curve's parameters, beside the load where that is in the shape. */
static void fit_curve(const struct row *row, const struct hd_shape *shape, struct hd_fit *fit)
{
  const struct hd_design *design = row->design;
  double best = -1, base = fit->left;
  bool falls = shape == &hd_shapes[HD_SHAPE_DECLINE];
  fit->cost++;
  for (size_t i = 0; i < design->basis_count; i++) {
    const struct hd_basis *basis = &design->bases[i];
    if (basis->curve != shape->curve)
      continue;
    double with = row->dots[i], squares = basis->squares;
    if (has_load_term(shape)) {
      with -= row->with_load * basis->with_load / design->load_squares;
      squares -= basis->with_load * basis->with_load / design->load_squares;
    }
    if (squares <= 0 || (shape->leak && with <= 0) || (falls && with >= 0))
      continue;
    if (with * with / squares <= best)
      continue;
    best = with * with / squares;
    fit->parameter = basis->parameter;
    fit->slope = with / squares;
    fit->leverage = 1 / squares;
  }
  fit->possible &= best >= 0;
  fit->left = base - fmax(best, 0);
}

/* Steps that may be anywhere: the largest differences are explained whole; with the
 * load, of what it leaves. */
static void fit_steps(const struct row *row, const struct hd_shape *shape, struct hd_fit *fit)
{
  const struct hd_design *design = row->design;
  double first = 0, second = 0;
  size_t at = 0, second_at = 0;
  for (size_t i = 0; i < design->steps; i++) {
    double with = row->differences[i], squares = 1;
    if (has_load_term(shape)) {
      with -= row->with_load * design->load[i] / design->load_squares;
      squares -= design->load[i] * design->load[i] / design->load_squares;
    }
    double explained = squares > 1e-9 ? with * with / squares : 0;
    if (explained > first) {
      second = first;
      second_at = at;
      first = explained;
      at = i;
    } else if (explained > second) {
      second = explained;
      second_at = i;
    }
  }
  bool two = shape->curve == HD_CURVE_STEPS_2;
  fit->left -= two ? first + second : first;
  fit->cost += two ? 2 : 1;
  fit->parameter = design->u[(two && second_at > at ? second_at : at) + 1];
}

static int from_largest(const void *left, const void *right)
{
  const double a = *(const double *)left, b = *(const double *)right;
  return (a < b) - (a > b);
}

/* A jump counts from this share of the largest on, from this multiple of the largest
 * fall, and from so many standard deviations of what the jumps leave; so many are
 * looked for. */
static const double least_jump = .15, least_over_fall = 1.5, clear_jump = 4;
static const double least_rise = .5;
static const double cost_of_jump = 1.7;
/* Of many points, two steps and what noise makes of a third jump are no stairs. */
enum { LEAST_JUMPS = 3, LEAST_OF_MANY = 4, POINTS_FOR_MANY = 12, MOST_JUMPS = 7 };

static bool last_jump_is_late(const struct row *row, double least)
{
  for (size_t i = row->design->steps; i-- > 0 && row->design->u[i + 1] > .5;)
    if (row->differences[i] >= least)
      return true;
  return false;
}

/* The jumps that last: all that comes later is above all that was before by this
 * share of the jump. The largest first, in scratch; returns how many. */
static size_t lasting_jumps(const struct row *row)
{
  const double *d = row->differences;
  size_t steps = row->design->steps, count = 0;
  double level = 0, high = 0, low = INFINITY;
  for (size_t i = 0; i < steps; i++)
    level += d[i];
  for (size_t i = steps; i-- > 0;) {
    low = fmin(low, level);
    row->scratch[i] = low;
    level -= d[i];
  }
  for (size_t i = 0; i < steps; i++) {
    double rise = row->scratch[i] - high;
    level += d[i];
    high = fmax(high, level);
    if (d[i] > 0 && rise >= least_rise * d[i])
      row->scratch[count++] = d[i];
  }
  if (count)
    qsort(row->scratch, count, sizeof *row->scratch, from_largest);
  return count;
}

static void fit_stairs(const struct row *row, struct hd_fit *fit)
{
  size_t steps = row->design->steps;
  double fall = 0, left = row->squares, sum = 0, squares = 0, best = INFINITY;
  struct hd_fit found = {0};
  fit->possible = false;
  if (steps + 1 < LEAST_FOR_STAIRS)
    return;
  for (size_t i = 0; i < steps; i++)
    fall = fmax(fall, -row->differences[i]);
  size_t jumps = lasting_jumps(row);
  size_t least = steps + 1 < POINTS_FOR_MANY ? LEAST_JUMPS : LEAST_OF_MANY;
  for (size_t m = 1; m <= MOST_JUMPS && m <= steps / 2 && m <= jumps; m++) {
    double jump = row->scratch[m - 1];
    if (jump < least_jump * row->scratch[0] || jump < least_over_fall * fall)
      break;
    left -= jump * jump;
    sum += jump;
    squares += jump * jump;
    double variance = fmax(left / (double)steps, row->noise);
    if (m < least || !last_jump_is_late(row, jump) ||
        jump * jump < clear_jump * clear_jump * variance)
      continue;
    found = (struct hd_fit){
        true, fmax(left, 0), cost_of_jump * (double)m + 1, (double)m, sum, squares, 0};
    double bic = hd_fit_bic(row->design, &found, row->noise);
    if (bic < best) {
      best = bic;
      *fit = found;
    }
  }
}

void hd_shapes_fit(const struct hd_design *design, const double *differences, double noise,
                   double *scratch, struct hd_fit fits[HD_SHAPES])
{
  struct row row = {.design = design, .differences = differences, .scratch = scratch};
  row.noise = noise;
  row.squares = dot(differences, differences, design->steps);
  row.with_load = design->load ? dot(differences, design->load, design->steps) : 0;
  for (size_t i = 0; i < design->basis_count; i++)
    row.dots[i] = dot(differences, design->bases[i].steps, design->steps);
  for (int i = 0; i < HD_SHAPES; i++) {
    const struct hd_shape *shape = &hd_shapes[i];
    fits[i] = begin_fit(&row, shape);
    if (!fits[i].possible)
      continue;
    switch (shape->curve) {
    case HD_CURVE_NONE: break;
    case HD_CURVE_STEPS_1:
    case HD_CURVE_STEPS_2: fit_steps(&row, shape, &fits[i]); break;
    case HD_CURVE_JUMPS: fit_stairs(&row, &fits[i]); break;
    default: fit_curve(&row, shape, &fits[i]); break;
    }
    fits[i].left = fmax(fits[i].left, 0);
  }
}

double hd_fit_bic(const struct hd_design *design, const struct hd_fit *fit, double noise)
{
  double n = (double)design->steps, variance = fmax(fit->left / n, noise);
  return n * log(variance) + fit->left / variance + fit->cost * log(n);
}
