/* Kept snapshots, folded: what was made for the last few questions stays, too. */
#include "api/kept_state.h"

#include <string.h>

/* From how many entries on, of all snapshots that are folded, threads are worth it. */
enum { WORTH_THREADS = 10000 };

/* --- folds, by what they are of -------------------------------------------------------- */

static void fold_destroy(struct kept_fold *fold)
{
  if (!fold)
    return;
  hd_survey_destroy(fold->survey);
  hd_judged_drop(&fold->judged);
  hd_series_deinit(&fold->series);
  hd_filters_deinit(&fold->filters);
  for (size_t i = 0; i < sizeof fold->texts / sizeof *fold->texts; i++)
    hd_free(fold->texts[i]);
  hd_free(fold);
}

void hd_kept_folds_drop(struct hd_kept_set *kept)
{
  for (size_t i = 0; i < MAX_FOLDS; i++) {
    fold_destroy(kept->folds[i]);
    kept->folds[i] = NULL;
  }
}

static void forget(struct hd_kept_set *kept, struct kept_fold *fold)
{
  for (size_t i = 0; i < MAX_FOLDS; i++)
    if (kept->folds[i] == fold)
      kept->folds[i] = NULL;
  fold_destroy(fold);
}

static bool same_text(const char *a, const char *b)
{
  return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_spec(const struct hd_fold_spec *a, const struct hd_fold_spec *b)
{
  return a->by == b->by && a->want_cum == b->want_cum && a->want_edges == b->want_edges &&
         a->tell_inlined == b->tell_inlined && a->keep_wrappers == b->keep_wrappers &&
         same_text(a->filters.focus, b->filters.focus) &&
         same_text(a->filters.ignore, b->filters.ignore) &&
         same_text(a->filters.hide, b->filters.hide) && same_text(a->filters.show, b->filters.show);
}

static bool copy_texts(struct kept_fold *fold)
{
  const char **texts[] = {&fold->spec.filters.focus, &fold->spec.filters.ignore,
                          &fold->spec.filters.hide, &fold->spec.filters.show};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (!*texts[i])
      continue;
    size_t size = strlen(*texts[i]) + 1;
    fold->texts[i] = hd_alloc(size);
    if (!fold->texts[i])
      return false;
    memcpy(fold->texts[i], *texts[i], size);
    *texts[i] = fold->texts[i];
  }
  return true;
}

static struct kept_fold *make_fold(struct hd_session *session, const struct hd_fold_spec *spec,
                                   struct hd_error *error)
{
  struct kept_fold *fold = hd_alloc_zeroed(1, sizeof *fold);
  if (!fold) {
    hd_fail_memory(error);
    return NULL;
  }
  fold->spec = *spec;
  hd_series_init(&fold->series, session->kept->pool, &fold->filters, spec->by);
  fold->series.judged = &fold->judged;
  fold->series.jobs = hd_session_jobs(session);
  fold->series.frames.wrappers = &session->kept->frames;
  fold->series.want_cum = spec->want_cum;
  fold->series.want_edges = spec->want_edges;
  fold->series.tell_inlined = spec->tell_inlined;
  if ((!copy_texts(fold) && !hd_fail_memory(error)) ||
      !hd_filters_init(&fold->filters, session, &fold->spec.filters, error)) {
    fold_destroy(fold);
    return NULL;
  }
  fold->filters.keep_wrappers = spec->keep_wrappers;
  return fold;
}

/* The place of the fold that is wanted; else of one that may go. */
static struct kept_fold **place_of(struct hd_kept_set *kept, const struct hd_fold_spec *spec)
{
  struct kept_fold **oldest = &kept->folds[0];
  for (size_t i = 0; i < MAX_FOLDS; i++) {
    if (kept->folds[i] && same_spec(&kept->folds[i]->spec, spec))
      return &kept->folds[i];
    if (!kept->folds[i] || (*oldest && kept->folds[i]->used < (*oldest)->used))
      oldest = &kept->folds[i];
  }
  if (*oldest)
    hd_ahead_drop(kept, *oldest);
  fold_destroy(*oldest);
  *oldest = NULL;
  return oldest;
}

struct kept_fold *hd_kept_fold(struct hd_session *session, const struct hd_fold_spec *spec,
                               struct hd_error *error)
{
  struct hd_kept_set *kept = session->kept;
  struct hd_fold_spec wanted = *spec;
  /* Of the rows of a site those that were inlined into others change nothing: what `list`
   * needs serves `top --cum`, too. */
  wanted.want_edges |= wanted.want_cum && wanted.by == HD_BY_SITE;
  struct kept_fold **place = place_of(kept, &wanted);
  if (!*place)
    *place = make_fold(session, &wanted, error);
  if (*place)
    (*place)->used = ++kept->questions;
  return *place;
}

void hd_folder_deinit(struct folder *folder)
{
  for (size_t i = 0; i < HD_MOST_PARTS; i++)
    hd_survey_sums_deinit(&folder->sums[i]);
}

/* --- folding ------------------------------------------------------------------------ */

bool hd_kept_fold_done(const struct hd_kept_set *kept, const struct kept_fold *fold)
{
  return fold->survey && fold->survey->version == kept->contexts.version &&
         fold->series.points.count >= kept->snapshots.count;
}

/* Snapshots that are added at the same time. */
struct adding {
  const struct kept_fold *fold;
  const struct kept_snapshot *snapshots;
  struct hd_point *points; /* beside the snapshots */
  size_t count;
  struct folder *folder;
  unsigned parts;
  bool failed[HD_MOST_PARTS];
};

/* Those from number `part` on, by steps of the number of parts. */
static void add_part(void *context, unsigned part)
{
  struct adding *adding = context;
  for (size_t i = part; !adding->failed[part] && i < adding->count; i += adding->parts)
    adding->failed[part] = !hd_survey_add(adding->fold->survey, &adding->snapshots[i].tally,
                                          &adding->folder->sums[part], &adding->points[i]);
}

static bool add_parts(struct adding *adding)
{
  bool failed = false;
  hd_parallel(adding->parts, add_part, adding);
  for (unsigned i = 0; i < adding->parts; i++)
    failed |= adding->failed[i];
  return !failed;
}

/* The next `count` snapshots, all or none of them. */
static bool add_next(const struct hd_kept_set *kept, struct kept_fold *fold, size_t count,
                     struct folder *folder, struct hd_error *error)
{
  struct hd_series *series = &fold->series;
  size_t first = series->points.count, entries = 0;
  const struct kept_snapshot *snapshots = kept->snapshots.items + first;
  hd_judged_drop(&fold->judged);
  if (!hd_vec_reserve(&series->points, count))
    return hd_fail_memory(error);
  struct hd_point *points = series->points.items + first;
  for (size_t i = 0; i < count; i++) {
    points[i] = snapshots[i].facts;
    entries += snapshots[i].tally.buckets.count;
  }
  if (!first) /* how the values lie in memory */
    hd_series_take_measures(series, snapshots[0].tally.has);
  struct adding adding = {fold, snapshots, points, count, folder, 1, {false}};
  if (entries >= WORTH_THREADS)
    adding.parts = folder->jobs < HD_MOST_PARTS ? folder->jobs : HD_MOST_PARTS;
  if (adding.parts > count)
    adding.parts = (unsigned)count;
  if (!add_parts(&adding)) {
    for (size_t i = 0; i < count; i++)
      hd_point_deinit(&points[i]);
    return hd_fail_memory(error);
  }
  for (size_t i = 0; i < count; i++) {
    const struct hd_tally *tally = &snapshots[i].tally;
    hd_series_take_measures(series, tally->has);
    if (points[i].sampled.count)
      series->classes.counts_allocs &= tally->has[HD_ALLOC_OBJECTS];
    series->points.count++;
  }
  return true;
}

/* What was found of other contexts is found anew; rows keep their numbers. */
static bool look_over(const struct hd_kept_set *kept, struct kept_fold *fold, bool *stopped,
                      struct hd_error *error)
{
  if (fold->survey && fold->survey->version == kept->contexts.version)
    return true;
  hd_judged_drop(&fold->judged);
  hd_survey_destroy(fold->survey);
  return hd_survey_make(&fold->series, &kept->contexts, &fold->survey, stopped, error);
}

bool hd_kept_fold_on(const struct hd_kept_set *kept, struct kept_fold *fold, struct folder *folder,
                     const struct hd_stop *stop, bool *stopped, struct hd_error *error)
{
  enum { AT_ONCE = 2 }; /* snapshots a thread, between two looks at the stop */
  *stopped = false;
  fold->series.stop = stop ? *stop : (struct hd_stop){0};
  bool fine = look_over(kept, fold, stopped, error);
  while (fine && !hd_kept_fold_done(kept, fold)) {
    size_t left = kept->snapshots.count - fold->series.points.count;
    size_t count = (size_t)folder->jobs * AT_ONCE;
    *stopped = hd_stop_came(stop);
    fine = *stopped ? hd_fail_input(error, "interrupted")
                    : add_next(kept, fold, left < count ? left : count, folder, error);
  }
  fold->series.stop = (struct hd_stop){0};
  fold->failed = !fine && !*stopped;
  return fine;
}

void hd_kept_fold_judge(struct kept_fold *fold, const struct hd_kept_judging *judging,
                        const struct hd_stop *stop)
{
  struct hd_series series;
  struct hd_settled settled;
  struct hd_judges own, *judges;
  struct hd_error error = HD_ERROR_INIT;
  enum hd_measure measure = (enum hd_measure)judging->measure;
  bool fine = hd_series_borrow(&series, &fold->series, &error) &&
              hd_settle(&series, &judging->settling, &settled, &error) &&
              (judging->measure >= 0 || hd_series_first_measure(&series, &measure));
  series.stop = *stop;
  if (fine && series.points.count > 1 && series.has[measure])
    hd_judged_take(&series, measure, &own, &judges, &error);
  hd_series_deinit(&series);
}

bool hd_kept_survey(struct hd_session *session, const struct hd_fold_spec *spec,
                    const struct hd_series **series, const struct hd_survey **survey,
                    struct hd_error *error)
{
  struct hd_kept_set *kept = session->kept;
  const struct hd_stop own = {session->options.stop, session->options.stop_context}, *stop = &own;
  struct kept_fold *fold = hd_kept_fold(session, spec, error);
  bool stopped = false;
  if (!fold)
    return false;
  bool fine = hd_ahead_take(kept, fold, stop) || hd_fail_input(error, "interrupted");
  bool taken = fine; /* else another thread still works on it */
  if (fine && fold->failed) {
    forget(kept, fold);
    fold = hd_kept_fold(session, spec, error);
    fine = fold != NULL;
  }
  fine = fine && hd_kept_fold_on(kept, fold, &kept->folder, stop, &stopped, error);
  if (taken && fold && fold->failed)
    forget(kept, fold);
  hd_ahead_go_on(kept);
  if (!fine)
    return false;
  *series = &fold->series;
  *survey = fold->survey;
  return true;
}

bool hd_kept_series(struct hd_session *session, const struct hd_fold_spec *spec,
                    const struct hd_series **series, struct hd_error *error)
{
  const struct hd_survey *survey;
  return hd_kept_survey(session, spec, series, &survey, error);
}

const struct hd_tally *hd_kept_tally(const struct hd_session *session, size_t number)
{
  return &session->kept->snapshots.items[number - 1].tally;
}

void hd_kept_prepare(struct hd_session *session, const struct hd_fold_spec *spec,
                     const struct hd_kept_judging *judging)
{
  struct hd_error error = HD_ERROR_INIT;
  struct kept_fold *fold = hd_kept_fold(session, spec, &error);
  if (fold)
    hd_ahead_want(session, fold, judging);
}
