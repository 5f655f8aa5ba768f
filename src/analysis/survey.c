#include "analysis/survey.h"

#include <string.h>

/* --- life --------------------------------------------------------------------------- */

void hd_survey_destroy(struct hd_survey *survey)
{
  if (!survey)
    return;
  hd_places_deinit(&survey->at);
  hd_vec_deinit(&survey->frame_rows);
  uint32_t **numbers[] = {&survey->place_of, &survey->where, &survey->own_at};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    hd_free(*numbers[i]);
  hd_free(survey->dropped);
  hd_free(survey->aims);
  hd_vec_deinit(&survey->owns);
  hd_vec_deinit(&survey->own_edges);
  hd_vec_deinit(&survey->edge_stamps);
  hd_vec_deinit(&survey->steps);
  hd_vec_deinit(&survey->adds);
  hd_free(survey);
}

static struct hd_survey *create(struct hd_series *series, const struct hd_contexts *contexts)
{
  size_t nodes = contexts->nodes.count, buckets = contexts->buckets.count + 1;
  struct hd_survey *made = hd_alloc_zeroed(1, sizeof *made);
  if (!made)
    return NULL;
  made->series = series;
  made->contexts = contexts;
  made->version = contexts->version;
  made->place_of = hd_alloc_zeroed(series->pool->locations.count + 1, sizeof(uint32_t));
  made->where = hd_alloc_zeroed(nodes, sizeof(uint32_t));
  made->own_at = hd_alloc_zeroed(nodes, sizeof(uint32_t));
  made->dropped = hd_alloc_zeroed(nodes, sizeof(bool));
  made->aims = hd_alloc_zeroed(buckets, sizeof *made->aims);
  if (made->place_of && made->where && made->own_at && made->dropped && made->aims)
    return made;
  hd_survey_destroy(made);
  return NULL;
}

/* --- contexts: places, call sites, filters ---------------------------------------------- */

static bool add_places(struct hd_survey *survey)
{
  const struct hd_contexts *contexts = survey->contexts;
  for (size_t i = 1; i < contexts->nodes.count; i++) {
    uint32_t location = contexts->nodes.items[i].location;
    if (survey->place_of[location])
      continue;
    if (!hd_places_add(&survey->at, survey->series, location))
      return false;
    survey->place_of[location] = (uint32_t)survey->at.places.count;
  }
  size_t frames = survey->at.frames.count;
  if (!hd_vec_reserve(&survey->frame_rows, frames))
    return false;
  if (frames)
    memset(survey->frame_rows.items, 0, frames * sizeof(uint32_t));
  survey->frame_rows.count = frames;
  return true;
}

/* The call site is in the innermost location with a frame that is no wrapper; where every
 * one is, in the innermost with a frame: then the stack ends inside a library, and nobody
 * knows better. */
static bool find_sites(struct hd_survey *survey)
{
  const struct hd_contexts *contexts = survey->contexts;
  const struct hd_filters *filters = survey->series->frames.filters;
  size_t count = contexts->nodes.count;
  HD_SCOPED_FREE uint8_t *flags = hd_alloc(count);
  HD_SCOPED_FREE bool *is_site = hd_alloc(count); /* else all are wrappers */
  if (!flags || !is_site)
    return false;
  flags[0] = filters->focus ? 0 : HD_FRAME_FOCUS;
  is_site[0] = false;
  survey->dropped[0] = filters->focus != NULL;
  for (uint32_t i = 1; i < count; i++) {
    uint32_t parent = contexts->nodes.items[i].parent, at = hd_survey_place(survey, i);
    const struct hd_place *place = &survey->at.places.items[at];
    uint32_t frames = survey->at.spans.items[at].count;
    bool own = place->site < frames;
    flags[i] = flags[parent] | place->flags;
    is_site[i] = own || is_site[parent];
    survey->where[i] = own || (frames && !is_site[parent]) ? i + 1 : survey->where[parent];
    survey->dropped[i] =
        !(flags[i] & HD_FRAME_FOCUS) || (flags[i] & HD_FRAME_IGNORE) || !survey->where[i];
  }
  return true;
}

/* --- buckets -------------------------------------------------------------------------- */

static bool is_unnamed(const struct hd_survey *survey, uint32_t context)
{
  if (!context)
    return false;
  uint32_t place = hd_survey_place(survey, context);
  uint32_t frame = survey->at.spans.items[place].first + hd_place_start(&survey->at, place);
  return survey->at.frames.items[frame].flags & HD_PLACE_UNNAMED;
}

struct recent_classes {
  struct hd_recent_class classes[HD_RECENT_CLASSES];
};

struct aiming {
  struct hd_survey *survey;
  HD_VEC(struct recent_classes) recent; /* [row] */
};

static bool aim_bucket(struct aiming *aiming, uint32_t bucket)
{
  static const struct recent_classes none = {{{0, 0}}};
  struct hd_survey *survey = aiming->survey;
  const struct hd_bucket *from = &survey->contexts->buckets.items[bucket];
  uint32_t where = survey->where[from->context];
  uint32_t context = where ? where - 1 : 0;
  struct hd_aim *aim = &survey->aims[bucket];
  *aim = (struct hd_aim){.cut = from->cut, .unnamed = is_unnamed(survey, context)};
  if (survey->dropped[from->context])
    return true;
  aim->own = survey->own_at[context];
  uint32_t row = aim->row = survey->owns.items[aim->own - 1].row;
  if (hd_is_sampled(from->size, from->weight)) {
    struct hd_class key = {row - 1, from->size, from->rate, from->weight};
    while (aiming->recent.count < row)
      if (!hd_vec_push(&aiming->recent, none))
        return false;
    aim->class =
        hd_class_of(&survey->series->classes, &key, aiming->recent.items[row - 1].classes);
    return aim->class != 0;
  }
  return true;
}

static bool aim_all(struct aiming *aiming, bool *stopped)
{
  enum { A_WHILE = 4096 };
  struct hd_survey *survey = aiming->survey;
  for (uint32_t i = 0; i < survey->contexts->buckets.count; i++) {
    if (i % A_WHILE == 0 && (*stopped = hd_stop_came(&survey->series->stop)))
      return false;
    if (!aim_bucket(aiming, i))
      return false;
  }
  return true;
}

static bool aim_buckets(struct hd_survey *survey, bool *stopped)
{
  struct aiming aiming = {.survey = survey};
  if (!survey->series->classes.items.count)
    survey->series->classes.counts_allocs = true;
  bool fine = aim_all(&aiming, stopped);
  hd_vec_deinit(&aiming.recent);
  return fine;
}

bool hd_survey_make(struct hd_series *series, const struct hd_contexts *contexts,
                    struct hd_survey **survey, bool *stopped, struct hd_error *error)
{
  struct hd_survey *made = create(series, contexts);
  bool fine = made && add_places(made) && find_sites(made) && hd_survey_rows(made) &&
              aim_buckets(made, stopped) &&
              (!series->want_cum || series->by == HD_BY_STACK || hd_survey_steps(made));
  *survey = made;
  if (fine)
    return true;
  hd_survey_destroy(made);
  *survey = NULL;
  return *stopped ? hd_fail_input(error, "interrupted") : hd_fail_memory(error);
}
