/* The rows of all that buckets are in, in the order in which fold.c meets them, record by
 * record and from the call site outwards: rows of equal values stay in that order, and
 * fractions are rounded in it. */
#include "analysis/survey.h"

#include "analysis/labels.h"

#include <stdlib.h>

static bool meet(struct hd_survey *survey, uint32_t frame, uint32_t *row)
{
  const struct hd_place_frame *from = &survey->at.frames.items[frame];
  uint32_t *known = &survey->frame_rows.items[frame];
  if (!*known) {
    *known = hd_row_of_label(survey->series, from->label, from->frame);
    if (!*known)
      return false;
    struct hd_row *met = &survey->series->rows.items[*known - 1];
    if (from->flags & HD_PLACE_INLINED)
      met->inlined = true;
    else
      met->outlined = true;
  }
  *row = *known;
  return true;
}

/* --- rows of the call sites -------------------------------------------------------------- */

static uint32_t nothing_row(struct hd_survey *survey)
{
  struct hd_series *series = survey->series;
  uint32_t label = hd_label_of_nothing(series), row = 0;
  if (label)
    row = series->by == HD_BY_STACK ? hd_row_of_stack(series, &label, 1, 0)
                                    : hd_row_of_label(series, label, 0);
  if (row)
    series->rows.items[row - 1].outlined = true;
  return row;
}

/* Of the whole stack, from the site on. */
static uint32_t stack_row(struct hd_survey *survey, uint32_t context)
{
  struct hd_series *series = survey->series;
  const struct hd_places *at = &survey->at;
  HD_VEC(uint32_t) labels = {0};
  uint32_t place = hd_survey_place(survey, context), j = hd_place_start(at, place), row = 0;
  const struct hd_place_frame *site = &at->frames.items[at->spans.items[place].first + j];
  bool fine = true;
  for (; fine && context; context = survey->contexts->nodes.items[context].parent, j = 0) {
    struct hd_span span = at->spans.items[hd_survey_place(survey, context)];
    for (; fine && j < span.count; j++)
      fine = hd_vec_push(&labels, at->frames.items[span.first + j].label);
  }
  if (fine)
    row = hd_row_of_stack(series, labels.items, labels.count, site->frame);
  if (row && !(site->flags & HD_PLACE_INLINED))
    series->rows.items[row - 1].outlined = true;
  hd_vec_deinit(&labels);
  return row;
}

/* What was inlined into the location of a call site, around it. */
static bool add_edges(struct hd_survey *survey, struct hd_own *own)
{
  uint32_t place = hd_survey_place(survey, own->context);
  struct hd_span span = survey->at.spans.items[place];
  uint32_t stamp = (uint32_t)survey->owns.count + 1;
  own->first_edge = (uint32_t)survey->own_edges.count;
  for (uint32_t j = hd_place_start(&survey->at, place) + 1; j < span.count; j++) {
    uint32_t row, edge;
    if (!meet(survey, span.first + j, &row) ||
        !(edge = hd_edge_of(survey->series, row - 1, own->row - 1)))
      return false;
    while (survey->edge_stamps.count < edge)
      if (!hd_vec_push(&survey->edge_stamps, 0))
        return false;
    if (survey->edge_stamps.items[edge - 1] == stamp)
      continue;
    survey->edge_stamps.items[edge - 1] = stamp;
    if (!hd_vec_push(&survey->own_edges, edge - 1))
      return false;
  }
  own->edge_count = (uint32_t)survey->own_edges.count - own->first_edge;
  return true;
}

static bool add_own(struct hd_survey *survey, uint32_t context)
{
  struct hd_own own = {.context = context};
  if (!context)
    own.row = nothing_row(survey);
  else if (survey->series->by == HD_BY_STACK)
    own.row = stack_row(survey, context);
  else {
    uint32_t place = hd_survey_place(survey, context);
    uint32_t frame = survey->at.spans.items[place].first + hd_place_start(&survey->at, place);
    if (!meet(survey, frame, &own.row))
      return false;
    if (survey->series->want_edges && !add_edges(survey, &own))
      return false;
  }
  if (!own.row || !hd_vec_push(&survey->owns, own))
    return false;
  survey->own_at[context] = (uint32_t)survey->owns.count;
  return true;
}

/* --- the order in which they are met --------------------------------------------------- */

#define NEVER UINT64_MAX

/* A frame, or the context of a stack, and the first bucket by whose stack it is met; of the
 * frames of one stack, the one in the context called last comes first. */
struct meeting {
  uint64_t met;
  uint32_t context, frame;
};

struct meetings {
  struct hd_survey *survey;
  /* [context]: of the buckets whose call site is there, and of those that pass. */
  uint64_t *own, *passing;
  struct meeting *first; /* [frame] */
};

static uint64_t least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static void find_first(struct meetings *meetings)
{
  const struct hd_survey *survey = meetings->survey;
  const struct hd_contexts *contexts = survey->contexts;
  size_t count = contexts->nodes.count;
  for (size_t i = 0; i < count; i++)
    meetings->own[i] = meetings->passing[i] = NEVER;
  for (size_t i = 0; i < contexts->buckets.count; i++) {
    const struct hd_bucket *bucket = &contexts->buckets.items[i];
    if (survey->dropped[bucket->context])
      continue;
    uint32_t where = survey->where[bucket->context];
    uint64_t *own = &meetings->own[where ? where - 1 : 0];
    *own = least(*own, bucket->met);
  }
  for (size_t i = count; survey->series->want_cum && i-- > 1;) {
    uint64_t *passing = &meetings->passing[contexts->nodes.items[i].parent];
    *passing = least(*passing, least(meetings->own[i], meetings->passing[i]));
  }
}

static void meet_at(struct meetings *meetings, uint64_t met, uint32_t context, uint32_t frame)
{
  struct meeting *first = &meetings->first[frame];
  if (met < first->met || (met == first->met && met != NEVER && context > first->context))
    *first = (struct meeting){met, context, frame};
}

static void meet_frames(struct meetings *meetings, uint32_t context)
{
  const struct hd_survey *survey = meetings->survey;
  uint64_t own = meetings->own[context], passing = meetings->passing[context];
  uint32_t place = hd_survey_place(survey, context), start = hd_place_start(&survey->at, place);
  struct hd_span span = survey->at.spans.items[place];
  bool alone = !survey->series->want_cum && !survey->series->want_edges;
  for (uint32_t j = 0; j < span.count; j++) {
    bool its = alone ? j == start : j >= start;
    meet_at(meetings, least(its ? own : NEVER, passing), context, span.first + j);
  }
}

static int by_meeting(const void *left, const void *right)
{
  const struct meeting *a = left, *b = right;
  if (a->met != b->met)
    return a->met < b->met ? -1 : 1;
  if (a->context != b->context)
    return a->context > b->context ? -1 : 1;
  return (a->frame > b->frame) - (a->frame < b->frame);
}

/* The last one in first[] stands for the stack without frames. */
static bool order_frames(struct meetings *meetings)
{
  struct hd_survey *survey = meetings->survey;
  uint32_t frames = (uint32_t)survey->at.frames.count;
  for (uint32_t i = 0; i <= frames; i++)
    meetings->first[i].met = NEVER;
  for (uint32_t i = 1; i < survey->contexts->nodes.count; i++)
    if (least(meetings->own[i], meetings->passing[i]) != NEVER)
      meet_frames(meetings, i);
  meet_at(meetings, meetings->own[0], 0, frames);
  qsort(meetings->first, frames + 1, sizeof *meetings->first, by_meeting);
  for (uint32_t i = 0; i <= frames && meetings->first[i].met != NEVER; i++) {
    uint32_t row;
    bool fine = meetings->first[i].frame == frames ? nothing_row(survey) != 0
                                                   : meet(survey, meetings->first[i].frame, &row);
    if (!fine)
      return false;
  }
  return true;
}

/* Of stacks each is a row of its own. */
static bool add_stacks(struct meetings *meetings)
{
  struct hd_survey *survey = meetings->survey;
  size_t contexts = survey->contexts->nodes.count, count = 0;
  HD_SCOPED_FREE struct meeting *order = hd_alloc(contexts * sizeof *order);
  if (!order)
    return false;
  for (uint32_t i = 0; i < contexts; i++)
    if (meetings->own[i] != NEVER)
      order[count++] = (struct meeting){meetings->own[i], i, 0};
  if (count)
    qsort(order, count, sizeof *order, by_meeting);
  for (size_t i = 0; i < count; i++)
    if (!add_own(survey, order[i].context))
      return false;
  return true;
}

static bool add_owns(struct meetings *meetings)
{
  for (uint32_t i = 0; i < meetings->survey->contexts->nodes.count; i++)
    if (meetings->own[i] != NEVER && !add_own(meetings->survey, i))
      return false;
  return true;
}

bool hd_survey_rows(struct hd_survey *survey)
{
  size_t contexts = survey->contexts->nodes.count;
  struct meetings meetings = {.survey = survey};
  meetings.own = hd_alloc(contexts * sizeof *meetings.own);
  meetings.passing = hd_alloc(contexts * sizeof *meetings.passing);
  meetings.first = hd_alloc_zeroed(survey->at.frames.count + 1, sizeof *meetings.first);
  bool fine = meetings.own && meetings.passing && meetings.first;
  if (fine)
    find_first(&meetings);
  if (fine && survey->series->by == HD_BY_STACK)
    fine = add_stacks(&meetings);
  else if (fine)
    fine = order_frames(&meetings) && add_owns(&meetings);
  hd_free(meetings.own);
  hd_free(meetings.passing);
  hd_free(meetings.first);
  return fine;
}
