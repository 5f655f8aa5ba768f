/* A snapshot's values by row: what is in each bucket goes to its row, and up the contexts. */
#include "analysis/survey.h"

#include <string.h>

struct adding {
  const struct hd_survey *survey;
  const struct hd_tally *tally;
  struct hd_survey_sums *sums;
  struct hd_point *point;
  struct hd_columns columns; /* of the series */
  int from[HD_MEASURES];     /* [column of the series]: the tally's, -1 none */
  bool same;                 /* they are the same */
};

void hd_survey_sums_deinit(struct hd_survey_sums *sums)
{
  hd_free(sums->owns);
  hd_free(sums->steps);
  *sums = (struct hd_survey_sums){0};
}

static bool zeros(struct hd_values *values, size_t count)
{
  if (!hd_vec_reserve(values, count))
    return false;
  if (count)
    memset(values->items, 0, count * sizeof *values->items);
  values->count = count;
  return true;
}

/* Written to at once: to read zeros first, and write to them then, costs the kernel twice. */
static bool make_room(double **items, size_t *room, size_t count)
{
  if (count <= *room)
    return true;
  hd_free(*items);
  *items = hd_alloc(count * sizeof **items);
  *room = *items ? count : 0;
  if (*items)
    memset(*items, 0, count * sizeof **items);
  return *items != NULL;
}

static void match_columns(struct adding *adding)
{
  const struct hd_columns *theirs = &adding->tally->columns;
  adding->same = adding->columns.count == theirs->count;
  for (size_t i = 0; i < adding->columns.count; i++) {
    adding->from[i] = -1;
    for (size_t k = 0; k < theirs->count; k++)
      if (theirs->measures[k] == adding->columns.measures[i])
        adding->from[i] = (int)k;
    adding->same &= adding->from[i] == (int)i;
  }
}

static bool prepare(struct adding *adding)
{
  const struct hd_survey *survey = adding->survey;
  const struct hd_series *series = survey->series;
  size_t columns = series->columns;
  bool kept[HD_MEASURES] = {false};
  for (size_t i = 0; i < columns; i++)
    kept[series->measures[i]] = true;
  adding->columns = hd_columns_of(kept);
  match_columns(adding);
  return make_room(&adding->sums->owns, &adding->sums->own_room, survey->owns.count * columns) &&
         make_room(&adding->sums->steps, &adding->sums->step_room, survey->steps.count * columns) &&
         zeros(&adding->point->flat, series->rows.count * columns) &&
         (!series->want_cum || zeros(&adding->point->cum, series->rows.count * columns)) &&
         (!series->edges.count || zeros(&adding->point->edges, series->edges.count * columns));
}

/* An entry's values by column of the series. */
static inline const double *values_of(const struct adding *adding, size_t entry,
                                      double room[HD_MEASURES])
{
  const double *values = adding->tally->values.items + entry * adding->tally->columns.count;
  if (adding->same)
    return values;
  for (size_t i = 0; i < adding->columns.count; i++)
    room[i] = adding->from[i] >= 0 ? values[adding->from[i]] : 0;
  return room;
}

/* Sums over all of the snapshot, whatever the filters. */
struct totals {
  double all[HD_MEASURES], cut[HD_MEASURES], unnamed[HD_MEASURES]; /* by column */
};

static void give_totals(const struct adding *adding, const struct totals *totals)
{
  for (size_t i = 0; i < adding->columns.count; i++) {
    enum hd_measure measure = adding->columns.measures[i];
    if (adding->from[i] < 0)
      continue;
    adding->point->total[measure] = totals->all[i];
    adding->point->cut[measure] = totals->cut[i];
    adding->point->unnamed[measure] = totals->unnamed[i];
  }
}

static bool add_state(struct adding *adding, uint32_t bucket, size_t entry, uint32_t row)
{
  const struct hd_tally *tally = adding->tally;
  uint32_t state = adding->survey->contexts->buckets.items[bucket].state;
  return !state || !tally->columns.count ||
         hd_states_add(&adding->point->states, row - 1, state,
                       tally->values.items[entry * tally->columns.count]);
}

static bool add_entries(struct adding *adding)
{
  const struct hd_survey *survey = adding->survey;
  const struct hd_tally *tally = adding->tally;
  struct hd_class_point *sampled = &adding->point->sampled;
  size_t columns = adding->columns.count;
  struct totals totals = {0};
  bool by_step = survey->steps.count || survey->own_edges.count;
  for (size_t i = 0; i < tally->buckets.count; i++) {
    uint32_t bucket = tally->buckets.items[i];
    const struct hd_aim aim = survey->aims[bucket];
    double room[HD_MEASURES];
    const double *values = values_of(adding, i, room);
    hd_columns_join(&adding->columns, totals.all, values);
    if (aim.cut)
      hd_columns_join(&adding->columns, totals.cut, values);
    if (aim.unnamed)
      hd_columns_join(&adding->columns, totals.unnamed, values);
    if (!aim.row)
      continue;
    hd_columns_join(&adding->columns, adding->point->flat.items + (aim.row - 1) * columns, values);
    if (by_step)
      hd_columns_join(&adding->columns, adding->sums->owns + (aim.own - 1) * columns, values);
    if (aim.class && i < tally->counts.count) {
      if (!hd_class_point_grow(sampled, survey->series->classes.items.count))
        return false;
      hd_class_count(&sampled->items[aim.class - 1], tally->counts.items[i]);
    }
    if (tally->has[HD_GOROUTINES] && !add_state(adding, bucket, i, aim.row))
      return false;
  }
  give_totals(adding, &totals);
  return true;
}

static bool add_ages(struct adding *adding)
{
  const struct hd_survey *survey = adding->survey;
  for (size_t i = 0; i < adding->tally->ages.count; i++) {
    const struct hd_tally_age *age = &adding->tally->ages.items[i];
    const struct hd_bucket *bucket = &survey->contexts->buckets.items[age->bucket];
    struct hd_age_band band = hd_age_band_of(age->log2, age->count, bucket->size, bucket->weight);
    const struct hd_aim *aim = &survey->aims[age->bucket];
    if (!aim->row)
      continue;
    band.row = aim->row - 1;
    band.class = aim->class;
    if (!hd_vec_push(&adding->point->sampled.ages, band))
      return false;
  }
  return true;
}

static void add_edges(struct adding *adding)
{
  const struct hd_survey *survey = adding->survey;
  size_t columns = adding->columns.count;
  for (size_t i = 0; survey->own_edges.count && i < survey->owns.count; i++) {
    const struct hd_own *own = &survey->owns.items[i];
    for (uint32_t k = 0; k < own->edge_count; k++)
      hd_columns_join(&adding->columns,
                      adding->point->edges.items +
                          survey->own_edges.items[own->first_edge + k] * columns,
                      adding->sums->owns + i * columns);
  }
}

/* From the leaves to the root: when a step comes, all that was called from it is in its sum.
 * Sums are 0 again when they have been passed on. */
static void add_steps(struct adding *adding)
{
  const struct hd_survey *survey = adding->survey;
  const struct hd_columns columns = adding->columns;
  const uint32_t *adds = survey->adds.items;
  double *cum = adding->point->cum.items;
  for (size_t i = survey->steps.count; i-- > 1;) {
    const struct hd_step *step = &survey->steps.items[i - 1];
    double *sum = adding->sums->steps + (i - 1) * columns.count;
    uint32_t end = step[1].first_add, at = end;
    /* The inner frames, which come last. */
    for (; at > step->first_add && (adds[at - 1] & HD_ADD_PASSING); at--)
      hd_columns_join(&columns, cum + (adds[at - 1] & ~HD_ADD_PASSING) * columns.count, sum);
    if (step->own)
      hd_columns_join(&columns, sum, adding->sums->owns + (step->own - 1) * columns.count);
    for (; at > step->first_add; at--)
      hd_columns_join(&columns, cum + adds[at - 1] * columns.count, sum);
    if (step->parent) /* at the root are the stacks without frames alone */
      hd_columns_join(&columns, adding->sums->steps + step->parent * columns.count, sum);
    memset(sum, 0, columns.count * sizeof *sum);
  }
}

bool hd_survey_add(const struct hd_survey *survey, const struct hd_tally *tally,
                   struct hd_survey_sums *sums, struct hd_point *point)
{
  struct adding adding = {.survey = survey, .tally = tally, .sums = sums, .point = point};
  if (!prepare(&adding) || !add_entries(&adding) || !add_ages(&adding)) {
    hd_survey_sums_deinit(sums); /* what is in them already is no other snapshot's */
    return false;
  }
  add_edges(&adding);
  if (survey->steps.count)
    add_steps(&adding);
  else if (survey->series->want_cum && point->flat.count) /* by stack */
    memcpy(point->cum.items, point->flat.items, point->flat.count * sizeof *point->flat.items);
  if (survey->owns.count && adding.columns.count)
    memset(sums->owns, 0, survey->owns.count * adding.columns.count * sizeof *sums->owns);
  return true;
}
