#include "analysis/headline.h"
#include "analysis/top_table.h"

#include <math.h>

static const struct hd_cell nothing = {.kind = HD_CELL_EMPTY};

static int64_t whole(double value)
{
  return value >= 9e18 ? INT64_MAX : value <= -9e18 ? INT64_MIN : (int64_t)llround(value);
}

/* The row's judgement; NULL of a sum or where nothing was judged. */
static const struct hd_judgement *judged(const struct table *table, const struct hd_gain *gain)
{
  return table->judges && !gain->is_sum ? &table->judges->rows[gain->row] : NULL;
}

static struct hd_cell rate_of(const struct table *table, double value, bool sign)
{
  return (struct hd_cell){.kind = HD_CELL_RATE,
                          .sign = sign,
                          .objects = hd_measures[table->gains->measure].unit == HD_UNIT_COUNT,
                          .integer = whole(value)};
}

struct hd_cell hd_top_interval_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_judgement *of = judged(table, gain);
  if (!of || of->error <= 0)
    return nothing;
  struct hd_cell cell =
      hd_measure_cell(table->gains->measure, whole(HD_NORMAL_95 * of->error), false);
  cell.interval = true;
  return cell;
}

struct hd_cell hd_top_rate_cell(struct table *table, const struct hd_gain *gain)
{
  if (!table->judges || table->judges->hours <= 0)
    return nothing;
  const struct hd_judgement *of = judged(table, gain);
  double rate = of ? of->rate : (double)gain->growth / table->judges->hours;
  return rate_of(table, rate, true);
}

struct hd_cell hd_top_rate_interval_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_judgement *of = judged(table, gain);
  if (!of || !of->has_rate || of->rate_error <= 0 || table->judges->hours <= 0)
    return nothing;
  struct hd_cell cell = rate_of(table, HD_NORMAL_95 * of->rate_error, false);
  cell.interval = true;
  return cell;
}

struct hd_cell hd_top_verdict_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_judgement *of = judged(table, gain);
  /* What only counts up always grows. */
  bool state = hd_measures[table->gains->measure].nature == HD_NATURE_GAUGE;
  return of && state ? hd_cell_text(hd_verdict_names[of->verdict]) : nothing;
}

struct hd_cell hd_top_probability_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_judgement *of = judged(table, gain);
  return of && of->probability >= 0 ? hd_cell_ratio(of->probability, false) : nothing;
}

struct hd_cell hd_top_score_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_judgement *of = judged(table, gain);
  return of ? (struct hd_cell){.kind = HD_CELL_NUMBER, .number = of->score} : nothing;
}

struct hd_cell hd_top_sampled_cell(struct table *table, const struct hd_gain *gain)
{
  const struct hd_judgement *of = judged(table, gain);
  return of && of->error > 0 ? hd_cell_count(whole(of->sampled), false) : nothing;
}

struct hd_cell hd_top_noise_cell(struct table *table, const struct hd_gain *gain)
{
  return judged(table, gain) ? hd_cell_of(HD_CELL_BOOL, gain->within_noise) : nothing;
}

void hd_top_judge(const struct hd_judges *judges, struct hd_gains *gains)
{
  for (size_t i = 0; i < gains->items.count; i++) {
    struct hd_gain *gain = &gains->items.items[i];
    const struct hd_judgement *of = &judges->rows[gain->row];
    gain->score = of->score;
    gain->rate = of->has_rate ? whole(of->rate) : 0;
    gain->within_noise = of->error > 0 && gain->growth && of->q >= HD_FALSE_DISCOVERY_RATE &&
                         of->verdict != HD_VERDICT_LEAKING;
  }
}

size_t hd_top_within_noise(const struct hd_gains *gains, struct hd_gain *sum)
{
  size_t count = 0;
  *sum = (struct hd_gain){.is_sum = true};
  for (size_t i = 0; i < gains->items.count; i++) {
    const struct hd_gain *gain = &gains->items.items[i];
    if (!gain->within_noise)
      continue;
    count++;
    sum->before += gain->before;
    sum->after += gain->after;
    sum->growth += gain->growth;
    sum->since_last += gain->since_last;
    sum->objects_before += gain->objects_before;
    sum->objects_after += gain->objects_after;
    sum->objects_growth += gain->objects_growth;
  }
  return count;
}
