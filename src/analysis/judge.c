#include "analysis/judge.h"

#include "analysis/headline.h"
#include "base/parallel.h"

#include <math.h>

/* A step's variance is at least this share of one sampled object's square: a course
 * that never moved is not known better than that. */
static const double least_noise = .05;
static const double most_kept = .1; /* by a site that churns */
static const double last_third = 2. / 3;
static const double retention_power = .25, least_retention = 1e-4;
static const double ns_per_hour = 3600e9;
/* An hour's rate from less would be a guess. */
static const double shortest_ns = 1e9;

static double value_at(const struct hd_series *series, size_t point, size_t row,
                       enum hd_measure measure)
{
  return hd_series_flat(series, point, row, measure);
}

/* --- retention ---------------------------------------------------------------------- */

static double share(double kept, double allocated)
{
  return allocated > 0 ? fmin(fmax(kept / allocated, 0), 1) : -1;
}

void hd_retention(const struct hd_series *series, size_t row, double *kappa, double *rho)
{
  size_t last = series->points.count - 1;
  *kappa = *rho = -1;
  if (!series->has[HD_INUSE_OBJECTS] || !series->has[HD_ALLOC_OBJECTS])
    return;
  double live = value_at(series, last, row, HD_INUSE_OBJECTS);
  double alloc = value_at(series, last, row, HD_ALLOC_OBJECTS);
  *rho = share(live, alloc);
  *kappa = share(live - value_at(series, 0, row, HD_INUSE_OBJECTS),
                 alloc - value_at(series, 0, row, HD_ALLOC_OBJECTS));
}

bool hd_judges_waits(const struct hd_judges *judges, size_t row, struct hd_waits *waits)
{
  if (!judges->clock.steps)
    return false;
  *waits = hd_waits_of(judges->series, &judges->clock, row);
  return true;
}

/* Of a leak, beside what the course shows: kept of what was allocated, or never woken. */
static double odds_of(const struct hd_judges *judges, size_t row)
{
  double kappa, rho;
  struct hd_waits waits;
  if (hd_judges_waits(judges, row, &waits))
    return hd_waits_odds(&waits);
  hd_retention(judges->series, row, &kappa, &rho);
  if (kappa < 0 || rho < 0)
    return 1;
  return pow(fmax(kappa * rho, least_retention), retention_power);
}

/* --- what all rows share ------------------------------------------------------------ */

static bool rise(const double *times, size_t count)
{
  for (size_t i = 1; i < count; i++)
    if (times[i] <= times[i - 1])
      return false;
  return true;
}

/* Of the points, from the first. Where the time of some is not known or does not rise,
 * how far the program was; else evenly spread. */
static bool take_times(struct hd_judges *judges, struct hd_error *error)
{
  const struct hd_point *points = judges->series->points.items;
  size_t count = judges->series->points.count, last = count - 1;
  double *times = judges->times = hd_alloc_zeroed(count, sizeof *times);
  if (!times)
    return hd_fail_memory(error);
  for (size_t i = 1; i <= last; i++)
    times[i] = (double)hd_points_elapsed(&points[0], &points[i]);
  double whole = times[last];
  if (whole >= shortest_ns)
    judges->hours = whole / ns_per_hour;
  if (rise(times, count))
    return true;
  for (size_t i = 1; i <= last; i++)
    times[i] = (double)points[i].progress - (double)points[0].progress;
  if (rise(times, count))
    return true;
  for (size_t i = 0; i <= last; i++)
    times[i] = (whole > 0 ? whole : 1) * (double)i / (double)last;
  return true;
}

static bool make_design(struct hd_judges *judges, struct hd_error *error)
{
  const struct hd_series *series = judges->series;
  size_t count = series->points.count;
  judges->shaped =
      count >= HD_LEAST_POINTS && hd_measures[judges->measure].nature == HD_NATURE_GAUGE;
  if (!judges->shaped)
    return true;
  HD_SCOPED_FREE double *allocated = hd_alloc_zeroed(count, sizeof *allocated);
  if (!allocated)
    return hd_fail_memory(error);
  for (size_t i = 0; i < count; i++)
    allocated[i] = series->points.items[i].total[HD_ALLOC_SPACE];
  return hd_design_init(&judges->design, judges->times,
                        series->has[HD_ALLOC_SPACE] ? allocated : NULL, count, error);
}

/* The size of an exact row's objects, from which its least noise comes. */
static double object_worth(const struct hd_judges *judges, size_t row)
{
  const struct hd_series *series = judges->series;
  enum hd_measure objects = hd_measures[judges->measure].sibling;
  if (hd_measures[judges->measure].unit != HD_UNIT_BYTES || !series->has[objects])
    return 1;
  for (size_t i = series->points.count; i-- > 0;) {
    double count = value_at(series, i, row, objects);
    if (count > 0)
      return fmax(value_at(series, i, row, judges->measure) / count, 1);
  }
  return 1;
}

/* Half of what the net movement of sampled objects makes, by step; the other half is
 * left to what the shapes do not explain. */
static bool take_step_noise(struct hd_judges *judges, struct hd_error *error)
{
  const struct hd_series *series = judges->series;
  size_t rows = series->rows.count, steps = series->points.count - 1;
  HD_SCOPED_FREE struct hd_row_noise *step = hd_alloc_zeroed(rows, sizeof *step);
  HD_SCOPED_FREE struct hd_row_noise *sum = hd_alloc_zeroed(rows, sizeof *sum);
  judges->step_noise = hd_alloc_zeroed(rows, sizeof *judges->step_noise);
  if (!step || !sum || !judges->step_noise)
    return hd_fail_memory(error);
  for (size_t i = 0; i < steps; i++) {
    if (!hd_noise_between(series, judges->measure, i, i + 1, step, error))
      return false;
    for (size_t row = 0; row < rows; row++) {
      sum[row].squares += step[row].squares;
      sum[row].sampled += step[row].sampled;
      sum[row].variance += step[row].variance;
      sum[row].net += fabs(step[row].net);
    }
  }
  for (size_t row = 0; row < rows; row++) {
    double worth = object_worth(judges, row);
    double square = sum[row].sampled > 0 ? sum[row].squares / sum[row].sampled : worth * worth;
    double unseen = sum[row].squares > 0 ? sum[row].variance / sum[row].squares : 0;
    judges->step_noise[row] =
        square * fmax(.5 * unseen * sum[row].net / (double)steps, least_noise);
  }
  return true;
}

static bool take_significance(struct hd_judges *judges, struct hd_error *error)
{
  const struct hd_series *series = judges->series;
  size_t rows = series->rows.count, last = series->points.count - 1;
  judges->noise = hd_alloc_zeroed(rows, sizeof *judges->noise);
  judges->q = hd_alloc_zeroed(rows, sizeof *judges->q);
  judges->rows = hd_alloc_zeroed(rows, sizeof *judges->rows);
  HD_SCOPED_FREE double *differences = hd_alloc_zeroed(rows, sizeof *differences);
  if (!judges->noise || !judges->q || !judges->rows || !differences)
    return hd_fail_memory(error);
  for (size_t row = 0; row < rows; row++)
    differences[row] =
        value_at(series, last, row, judges->measure) - value_at(series, 0, row, judges->measure);
  return hd_noise_between(series, judges->measure, 0, last, judges->noise, error) &&
         hd_significance(judges->noise, differences, rows, judges->q, error);
}

static bool take_waits(struct hd_judges *judges, struct hd_error *error)
{
  return !hd_waits_known(judges->series, judges->measure) ||
         hd_wait_clock_init(&judges->clock, judges->series, error);
}

static bool take_generations(struct hd_judges *judges, struct hd_error *error)
{
  const struct hd_series *series = judges->series;
  size_t rows = series->rows.count;
  struct hd_generations *old = &judges->generations;
  if (!judges->shaped || judges->hours <= 0)
    return true;
  if (!hd_generations_init(old, series, judges->measure, judges->times, &judges->aged, error))
    return false;
  if (!judges->aged)
    return true;
  HD_SCOPED_FREE double *differences = hd_alloc_zeroed(rows, sizeof *differences);
  judges->old_q = hd_alloc_zeroed(rows, sizeof *judges->old_q);
  if (!differences || !judges->old_q)
    return hd_fail_memory(error);
  for (size_t row = 0; row < rows; row++)
    differences[row] = old->values[(row + 1) * old->points - 1] - old->values[row * old->points];
  return hd_significance(old->noise, differences, rows, judges->old_q, error) &&
         hd_design_init(&judges->old_design, judges->times + old->first, NULL, old->points, error);
}

/* --- one row ------------------------------------------------------------------------- */

bool hd_judges_trend(struct hd_judges *judges, size_t row, struct hd_trend *trend)
{
  if (!judges->shaped)
    return false;
  struct hd_course course = {judges->values, judges->step_noise[row],
                             sqrt(judges->noise[row].variance), odds_of(judges, row)};
  for (size_t i = 0; i < judges->series->points.count; i++)
    judges->values[i] = value_at(judges->series, i, row, judges->measure);
  hd_trend_fit(&judges->design, &course, judges->memory, trend);
  return true;
}

bool hd_judges_old_trend(struct hd_judges *judges, size_t row, struct hd_trend *trend)
{
  if (!judges->aged)
    return false;
  const struct hd_generations *old = &judges->generations;
  const struct hd_row_noise *noise = &old->noise[row];
  double worth = object_worth(judges, row);
  double square = noise->sampled > 0 ? noise->squares / noise->sampled : worth * worth;
  struct hd_course course = {judges->values, least_noise * square, sqrt(noise->variance), 1};
  for (size_t i = 0; i < old->points; i++)
    judges->values[i] = old->values[row * old->points + i];
  hd_trend_fit(&judges->old_design, &course, judges->memory, trend);
  return true;
}

static double mean_of(const double *values, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += values[i];
  return sum / (double)count;
}

/* In the window, of the row's own kind: bytes of bytes, objects of objects. */
static double allocated_in(const struct hd_judges *judges, size_t row)
{
  const struct hd_series *series = judges->series;
  enum hd_measure measure =
      hd_measures[judges->measure].unit == HD_UNIT_BYTES ? HD_ALLOC_SPACE : HD_ALLOC_OBJECTS;
  if (!series->has[measure])
    return -1;
  return value_at(series, series->points.count - 1, row, measure) -
         value_at(series, 0, row, measure);
}

static void take_rate(struct hd_judgement *judgement, const struct hd_trend *trend, double hours)
{
  judgement->has_rate = hours > 0;
  if (!judgement->has_rate)
    return;
  judgement->rate = trend->rate / hours;
  judgement->rate_error = trend->rate_error / hours;
}

/* Whether the level of a site says nothing because it churns: it gives most of what it
 * allocates back, and if it grew, that was over so early that what is old, which comes
 * later by its age, does no longer rise by it in the last third. */
static bool is_hidden(const struct hd_judges *judges, size_t row, enum hd_verdict verdict,
                      const struct hd_trend *level)
{
  double kappa, rho, window = judges->times[judges->series->points.count - 1];
  double lag = ldexp(1e6, (int)judges->generations.log2) / window;
  hd_retention(judges->series, row, &kappa, &rho);
  return kappa >= 0 && kappa < most_kept && hd_growth_ends(level) + lag < last_third &&
         verdict != HD_VERDICT_SHRINKING && verdict != HD_VERDICT_SAWTOOTH;
}

/* A leak that the level does not show, but the old objects do. */
static void judge_old(struct hd_judges *judges, size_t row, const struct hd_trend *level,
                      struct hd_judgement *judgement)
{
  struct hd_trend trend;
  const struct hd_generations *old = &judges->generations;
  if (!judges->aged || !is_hidden(judges, row, judgement->verdict, level) ||
      judges->old_q[row] >= HD_FALSE_DISCOVERY_RATE || !hd_judges_old_trend(judges, row, &trend))
    return;
  size_t last = old->points - 1;
  struct hd_evidence_of evidence = {
      .growth = judges->values[last] - judges->values[0],
      .growth_error = sqrt(old->noise[row].variance),
      .q = judges->old_q[row],
      .mean = mean_of(judges->values, old->points),
      .allocated = -1,
  };
  if (hd_verdict_of(&evidence, &trend) != HD_VERDICT_LEAKING)
    return;
  double hours = (judges->times[old->first + last] - judges->times[old->first]) / ns_per_hour;
  judgement->by_age = true;
  judgement->verdict = HD_VERDICT_LEAKING;
  judgement->probability = trend.probability;
  judgement->score = hd_leak_score(&evidence, &trend) * sqrt(judges->hours / hours);
  take_rate(judgement, &trend, hours);
}

static void judge(struct hd_judges *judges, size_t row)
{
  size_t count = judges->series->points.count, last = count - 1;
  struct hd_judgement *judgement = &judges->rows[row];
  struct hd_trend trend;
  for (size_t i = 0; i < count; i++)
    judges->values[i] = value_at(judges->series, i, row, judges->measure);
  struct hd_evidence_of evidence = {
      .growth = judges->values[last] - judges->values[0],
      .growth_error = sqrt(judges->noise[row].variance),
      .q = judges->q[row],
      .mean = mean_of(judges->values, count),
      .allocated = allocated_in(judges, row),
      .live = mean_of(judges->values, count),
  };
  *judgement = (struct hd_judgement){.growth = evidence.growth,
                                     .error = evidence.growth_error,
                                     .q = evidence.q,
                                     .sampled = judges->noise[row].sampled,
                                     .probability = -1,
                                     .has_rate = judges->hours > 0};
  if (judges->hours > 0) {
    judgement->rate = evidence.growth / judges->hours;
    judgement->rate_error = evidence.growth_error / judges->hours;
  }
  if (!judges->shaped) {
    judgement->verdict = hd_verdict_of_few(&evidence);
    judgement->score = hd_growth_score(&evidence, judges->values, count);
    return;
  }
  hd_judges_trend(judges, row, &trend);
  judgement->verdict = hd_verdict_of(&evidence, &trend);
  judgement->probability = trend.probability;
  judgement->score = hd_leak_score(&evidence, &trend);
  if (judgement->verdict == HD_VERDICT_LEAKING)
    take_rate(judgement, &trend, judges->hours);
  else
    judge_old(judges, row, &trend, judgement);
}

/* Rows that a thread judges, with memory of its own. */
struct rows_judge {
  struct hd_judges judges;
  size_t first, end;
  bool stopped;
};

/* A row that never held anything, nor allocated, is told from no other such row. */
static bool is_empty(const struct hd_series *series, size_t row)
{
  for (size_t i = 0; i < series->points.count; i++) {
    const struct hd_values *flat = &series->points.items[i].flat;
    size_t at = row * series->columns, end = at + series->columns;
    for (; at < end && at < flat->count; at++)
      if (flat->items[at] < 0 || flat->items[at] > 0)
        return false;
  }
  return true;
}

static void judge_rows(void *context, unsigned part)
{
  enum { A_WHILE = 512 };
  struct rows_judge *rows = (struct rows_judge *)context + part;
  const struct hd_judgement *empty = NULL;
  bool ages = rows->judges.aged || rows->judges.clock.steps;
  for (size_t row = rows->first; row < rows->end; row++) {
    if (row % A_WHILE == 0 && (rows->stopped = hd_stop_came(&rows->judges.series->stop)))
      return;
    bool is_like = !ages && is_empty(rows->judges.series, row);
    if (is_like && empty) {
      rows->judges.rows[row] = *empty;
      continue;
    }
    judge(&rows->judges, row);
    if (is_like)
      empty = &rows->judges.rows[row];
  }
}

static bool take_memory(struct hd_judges *judges)
{
  size_t count = judges->series->points.count;
  judges->values = hd_alloc_zeroed(count, sizeof *judges->values);
  judges->memory = hd_alloc_zeroed(count, 3 * sizeof *judges->memory);
  return judges->values && judges->memory;
}

/* Some at the same time, where there are many. */
static bool judge_all(struct hd_judges *judges, struct hd_error *error)
{
  enum { WORTH_A_THREAD = 20000 }; /* values */
  const struct hd_series *series = judges->series;
  struct rows_judge parts[HD_MOST_PARTS];
  size_t rows = series->rows.count, wanted = rows * series->points.count / WORTH_A_THREAD;
  unsigned count = series->jobs < HD_MOST_PARTS ? series->jobs : HD_MOST_PARTS;
  bool fine = true, stopped = false;
  count = wanted < count ? (unsigned)wanted : count;
  count = count ? count : 1;
  for (unsigned i = 0; i < count; i++) {
    parts[i] = (struct rows_judge){*judges, rows * i / count, rows * (i + 1) / count, false};
    fine = (i == 0 || take_memory(&parts[i].judges)) && fine;
  }
  if (fine)
    hd_parallel(count, judge_rows, parts);
  for (unsigned i = 0; i < count; i++)
    stopped |= parts[i].stopped;
  for (unsigned i = 1; i < count; i++) {
    hd_free(parts[i].judges.values);
    hd_free(parts[i].judges.memory);
  }
  return stopped ? hd_fail_input(error, "interrupted") : fine || hd_fail_memory(error);
}

bool hd_judges_init(struct hd_judges *judges, const struct hd_series *series,
                    enum hd_measure measure, struct hd_error *error)
{
  *judges = (struct hd_judges){.series = series, .measure = measure};
  bool fine = take_memory(judges) || hd_fail_memory(error);
  fine = fine && take_times(judges, error) && make_design(judges, error) &&
         take_step_noise(judges, error) && take_significance(judges, error) &&
         take_generations(judges, error) && take_waits(judges, error) &&
         judge_all(judges, error);
  if (!fine)
    hd_judges_deinit(judges);
  return fine;
}

void hd_judges_deinit(struct hd_judges *judges)
{
  hd_free(judges->times);
  hd_design_deinit(&judges->design);
  hd_free(judges->noise);
  hd_free(judges->step_noise);
  hd_free(judges->q);
  hd_generations_deinit(&judges->generations);
  hd_design_deinit(&judges->old_design);
  hd_free(judges->old_q);
  hd_wait_clock_deinit(&judges->clock);
  hd_free(judges->values);
  hd_free(judges->memory);
  hd_free(judges->rows);
  *judges = (struct hd_judges){0};
}
