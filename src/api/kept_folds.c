/* Kept snapshots, folded: what was made for the last few questions stays, too. */
#include "api/kept_state.h"

#include "analysis/fold.h"

#include <pthread.h>
#include <string.h>

enum { MOST_JOBS = 16 };

/* From how many records on, of all snapshots that are folded, threads are worth it. */
enum { WORTH_THREADS = 10000 };

/* --- folds, by what they are of -------------------------------------------------------- */

static void fold_destroy(struct kept_fold *fold)
{
  if (!fold)
    return;
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

/* --- folding ------------------------------------------------------------------------ */

bool hd_kept_fold_done(const struct hd_kept_set *kept, const struct kept_fold *fold)
{
  return fold->series.points.count >= kept->snapshots.count;
}

/* A snapshot that a thread folds. */
struct part {
  const struct kept_snapshot *snapshot;
  struct hd_fold *fold;
  struct hd_error error;
  bool fine;
  pthread_t thread;
  bool threaded;
};

static void *fold_part(void *context)
{
  struct part *part = context;
  part->error = (struct hd_error)HD_ERROR_INIT;
  part->fine = hd_fold_records(part->fold, part->snapshot->profile, &part->error);
  return NULL;
}

/* The records of all parts, each in a thread of its own if one can be had. */
static bool fold_parts(struct part *parts, size_t count, bool threads, struct hd_error *error)
{
  bool fine = true;
  for (size_t i = 1; i < count; i++)
    parts[i].threaded =
        threads && pthread_create(&parts[i].thread, NULL, fold_part, &parts[i]) == 0;
  for (size_t i = 0; i < count; i++)
    if (!parts[i].threaded)
      fold_part(&parts[i]);
  for (size_t i = 0; i < count; i++) {
    if (parts[i].threaded)
      pthread_join(parts[i].thread, NULL);
    if (fine && !parts[i].fine) {
      *error = parts[i].error;
      fine = false;
    }
  }
  return fine;
}

/* The next `count` snapshots, all or none of them. */
static bool fold_next(const struct hd_kept_set *kept, struct kept_fold *fold, size_t count,
                      bool *stopped, struct hd_error *error)
{
  struct part parts[MOST_JOBS] = {{0}};
  struct hd_series *series = &fold->series;
  size_t first = series->points.count, records = 0;
  bool fine = true;
  for (size_t i = 0; fine && i < count; i++) {
    parts[i].snapshot = &kept->snapshots.items[first + i];
    records += parts[i].snapshot->profile->records.count;
    fine = hd_fold_begin(series, parts[i].snapshot->profile, parts[i].snapshot->import.locations,
                         &parts[i].fold, error);
  }
  fine = fine && fold_parts(parts, count, records >= WORTH_THREADS, error);
  for (size_t i = 0; i < count; i++) {
    *stopped |= parts[i].fold && hd_fold_stopped(parts[i].fold);
    fine = fine &&
           hd_fold_end(parts[i].fold, parts[i].snapshot->profile, parts[i].snapshot->facts, error);
    hd_fold_destroy(parts[i].fold);
  }
  return fine;
}

bool hd_kept_fold_on(const struct hd_kept_set *kept, struct kept_fold *fold, unsigned jobs,
                     const struct hd_stop *stop, bool *stopped, struct hd_error *error)
{
  bool fine = true;
  *stopped = false;
  fold->series.stop = stop ? *stop : (struct hd_stop){0};
  while (fine && !hd_kept_fold_done(kept, fold)) {
    size_t left = kept->snapshots.count - fold->series.points.count;
    size_t count = jobs < MOST_JOBS ? jobs : MOST_JOBS;
    fine = fold_next(kept, fold, left < count ? left : count, stopped, error);
  }
  fold->series.stop = (struct hd_stop){0};
  fold->failed = !fine && !*stopped;
  return fine;
}

bool hd_kept_series(struct hd_session *session, const struct hd_fold_spec *spec,
                    const struct hd_series **series, struct hd_error *error)
{
  struct hd_kept_set *kept = session->kept;
  const struct hd_stop own = {session->options.stop, session->options.stop_context}, *stop = &own;
  struct kept_fold *fold = hd_kept_fold(session, spec, error);
  bool stopped = false;
  if (!fold)
    return false;
  bool fine = hd_ahead_take(kept, fold, stop) || hd_fail_input(error, "interrupted");
  if (fine && fold->failed) {
    forget(kept, fold);
    fold = hd_kept_fold(session, spec, error);
    fine = fold != NULL;
  }
  fine = fine && hd_kept_fold_on(kept, fold, hd_session_jobs(session), stop, &stopped, error);
  if (fold && fold->failed)
    forget(kept, fold);
  hd_ahead_go_on(kept);
  if (!fine)
    return false;
  *series = &fold->series;
  return true;
}

void hd_kept_prepare(struct hd_session *session, const struct hd_fold_spec *spec)
{
  const struct hd_kept_set *kept = session->kept;
  struct hd_error error = HD_ERROR_INIT;
  /* States of goroutines go into the pool, which others read: those are folded when asked. */
  for (size_t i = 0; i < kept->snapshots.count; i++)
    if (kept->snapshots.items[i].profile->has[HD_GOROUTINES])
      return;
  struct kept_fold *fold = hd_kept_fold(session, spec, &error);
  if (fold)
    hd_ahead_want(session, fold);
}
