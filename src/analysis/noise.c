#include "analysis/noise.h"

#include "analysis/headline.h"

#include <math.h>
#include <string.h>

bool hd_same_process(const struct hd_point *a, const struct hd_point *b)
{
  bool one_boot = !a->boot_id || !b->boot_id || strcmp(a->boot_id, b->boot_id) == 0;
  return one_boot && a->pid == b->pid && a->start_ns == b->start_ns && a->image_ns == b->image_ns;
}

/* What one sampled object stands for. */
static double worth(const struct hd_class *class, enum hd_measure measure)
{
  return hd_measures[measure].unit == HD_UNIT_BYTES ? (double)class->size * class->weight
                                                    : class->weight;
}

static void add(struct hd_row_noise *noise, const struct hd_class *class, double g, double came,
                double went)
{
  double moved = came + went;
  noise->variance += g * g * (1 - 1 / class->weight) * moved;
  noise->moved += g * moved;
  noise->squares += g * g * moved;
  noise->sampled += moved;
  noise->net += came - went;
}

struct difference {
  const struct hd_series *series;
  const struct hd_point *first, *last;
  bool survivors;
  uint32_t *old; /* by class: live objects older than the difference; NULL: no ages */
};

/* How many came, of a class. */
static double arrivals(const struct difference *of, size_t class, struct hd_class_counts before,
                       struct hd_class_counts after)
{
  double came = after.live;
  if (of->survivors && after.alloc >= before.alloc)
    came = fmin(came, (double)after.alloc - before.alloc);
  if (of->survivors && of->old)
    came = fmin(came, (double)after.live - fmin(of->old[class], after.live));
  return fmax(came, (double)after.live - before.live);
}

static bool count_old(struct difference *of, int64_t elapsed_ns)
{
  size_t count = of->series->classes.items.count;
  if (!of->last->sampled.ages.count || elapsed_ns <= 0 || !of->survivors)
    return true;
  of->old = hd_alloc_zeroed(count, sizeof *of->old);
  for (size_t i = 0; of->old && i < of->last->sampled.ages.count; i++) {
    const struct hd_age_band *band = &of->last->sampled.ages.items[i];
    if (band->class && ldexp(1e6, (int)band->log2) >= (double)elapsed_ns)
      of->old[band->class - 1] += band->count;
  }
  return of->old != NULL;
}

bool hd_noise_between(const struct hd_series *series, enum hd_measure measure, size_t first,
                      size_t last, struct hd_row_noise *noise, struct hd_error *error)
{
  struct difference of = {
      .series = series, .first = &series->points.items[first], .last = &series->points.items[last]};
  bool counter = hd_measures[measure].nature == HD_NATURE_COUNTER;
  memset(noise, 0, series->rows.count * sizeof *noise);
  if (hd_measures[measure].noise != HD_NOISE_POISSON)
    return true;
  of.survivors = series->classes.counts_allocs && hd_same_process(of.first, of.last);
  if (!count_old(&of, hd_points_elapsed(of.first, of.last)))
    return hd_fail_memory(error);
  for (size_t i = 0; i < series->classes.items.count; i++) {
    const struct hd_class *class = &series->classes.items.items[i];
    struct hd_class_counts before = hd_class_counts_at(&of.first->sampled, i);
    struct hd_class_counts after = hd_class_counts_at(&of.last->sampled, i);
    double came, went;
    if (counter) {
      came = of.survivors ? (double)after.alloc - before.alloc : after.alloc;
      went = of.survivors ? 0 : before.alloc;
    } else {
      came = arrivals(&of, i, before, after);
      went = came - ((double)after.live - before.live);
    }
    add(&noise[class->row], class, worth(class, measure), came, went);
  }
  hd_free(of.old);
  return true;
}

void hd_noise_at(const struct hd_series *series, enum hd_measure measure, size_t point,
                 struct hd_row_noise *noise)
{
  bool counter = hd_measures[measure].nature == HD_NATURE_COUNTER;
  memset(noise, 0, series->rows.count * sizeof *noise);
  if (hd_measures[measure].noise != HD_NOISE_POISSON)
    return;
  for (size_t i = 0; i < series->classes.items.count; i++) {
    const struct hd_class *class = &series->classes.items.items[i];
    struct hd_class_counts counts =
        hd_class_counts_at(&series->points.items[point].sampled, i);
    add(&noise[class->row], class, worth(class, measure), counter ? counts.alloc : counts.live, 0);
  }
}
