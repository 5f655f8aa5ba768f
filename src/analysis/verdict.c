#include "analysis/verdict.h"

#include "analysis/significance.h"

#include <math.h>

const char *const hd_verdict_names[] = {
#define HD_VERDICT(id, name) name,
    HD_VERDICTS(HD_VERDICT)
#undef HD_VERDICT
};

static const double significant_trend = .1, growing_trend = .05;
static const double leak_probability = .8;
/* Below this there is nothing to rank by. */
static const double no_leak = .01;
static const double most_drawdown = .5, least_late_rate = .25;
static const double clear = 3, clear_fall = 4; /* standard errors */
static const double sawtooth_range = .3, churn_turnover = 20;

static bool is_leaking(const struct hd_evidence_of *evidence, const struct hd_trend *trend)
{
  return trend->probability >= leak_probability && evidence->growth > 0 &&
         evidence->q < HD_FALSE_DISCOVERY_RATE && trend->mann_kendall < significant_trend &&
         trend->relative_drawdown < most_drawdown && trend->has_rate &&
         trend->rate > trend->rate_error && trend->late_rate > least_late_rate * trend->rate &&
         (trend->best == HD_SHAPE_STAIRS || trend->last_rate > least_late_rate * trend->rate);
}

static bool is_plateau(enum hd_shape_id shape)
{
  return shape == HD_SHAPE_SATURATION || shape == HD_SHAPE_RAMP || shape == HD_SHAPE_STEP ||
         shape == HD_SHAPE_TWO_STEPS || shape == HD_SHAPE_LOAD_STEP || shape == HD_SHAPE_LOAD_RAMP;
}

double hd_growth_ends(const struct hd_trend *trend)
{
  /* 1 - exp(-4) of a saturation has come after four of its times. */
  double times = trend->best == HD_SHAPE_SATURATION ? 4 : 1;
  return is_plateau(trend->best) ? fmin(times * trend->parameters[trend->best], 1) : 0;
}

static bool is_churn(const struct hd_evidence_of *evidence)
{
  return evidence->allocated >= churn_turnover * evidence->live && evidence->live > 0;
}

enum hd_verdict hd_verdict_of(const struct hd_evidence_of *evidence, const struct hd_trend *trend)
{
  double growth = evidence->growth, error = evidence->growth_error;
  if (is_leaking(evidence, trend))
    return HD_VERDICT_LEAKING;
  if (trend->best == HD_SHAPE_DECLINE && growth < 0 && growth < -clear * error)
    return HD_VERDICT_SHRINKING;
  if (trend->relative_drawdown >= most_drawdown && trend->drawdown > clear_fall * error &&
      trend->range > sawtooth_range * evidence->mean)
    return HD_VERDICT_SAWTOOTH;
  bool grew = growth > 0 && evidence->q < HD_FALSE_DISCOVERY_RATE;
  bool over = is_plateau(trend->best) && trend->probability < .5;
  if (over && growth > 0 && growth > clear * error)
    return HD_VERDICT_PLATEAUED;
  if (grew && trend->mann_kendall < growing_trend)
    return HD_VERDICT_GROWING;
  if (over && grew)
    return HD_VERDICT_PLATEAUED;
  return is_churn(evidence) ? HD_VERDICT_CHURN : HD_VERDICT_STEADY;
}

enum hd_verdict hd_verdict_of_few(const struct hd_evidence_of *evidence)
{
  double growth = evidence->growth;
  if (growth > 0 && evidence->q < HD_FALSE_DISCOVERY_RATE)
    return HD_VERDICT_GROWING;
  if (growth < 0 && growth < -clear * evidence->growth_error)
    return HD_VERDICT_SHRINKING;
  return is_churn(evidence) ? HD_VERDICT_CHURN : HD_VERDICT_STEADY;
}

double hd_leak_score(const struct hd_evidence_of *evidence, const struct hd_trend *trend)
{
  double q = evidence->q / HD_FALSE_DISCOVERY_RATE, p = trend->mann_kendall / significant_trend;
  double rate = fmin(trend->rate - trend->rate_error, trend->late_rate);
  if (!(rate > 0) || evidence->growth <= 0 || trend->probability < no_leak)
    return 0;
  return trend->probability * trend->probability / (1 + q * q) / (1 + p * p) * sqrt(rate) *
         (1 - fmin(trend->relative_drawdown, 1));
}

double hd_growth_score(const struct hd_evidence_of *evidence, const double *values, size_t count)
{
  double score = fmax(evidence->growth - evidence->growth_error, 0);
  double low = values[0], high = values[0], fall = 0, least = INFINITY, most = 0;
  if (count < 3 || score <= 0)
    return score;
  for (size_t i = 1; i < count; i++) {
    high = fmax(high, values[i]);
    low = fmin(low, values[i]);
    fall = fmax(fall, high - values[i]);
    least = fmin(least, values[i] - values[i - 1]);
    most = fmax(most, values[i] - values[i - 1]);
  }
  return score * (1 - fall / (high - low)) * sqrt(fmax(0, least) / most);
}
