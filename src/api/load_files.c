/* The chosen snapshots, read into a series, or for who keeps them. Files are read at the
 * same time, but what is shared, they take in turns: first each adds its locations to the
 * pool, then its rows to the series, in the order of the files. A large one folds its
 * records in between. */
#include "api/load.h"

#include "analysis/fold.h"
#include "input/numbered.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  MOST_THREADS = 64,
  /* Each holds a file: by default so many, however many processors there are. */
  USUAL_THREADS = 4,
};

/* From how many bytes on, of all files, threads are worth it. */
static const int64_t large = 8 << 20;

struct loader {
  struct hd_session *session;
  struct hd_first *first;
  struct hd_series *series;           /* NULL: */
  const struct hd_keeper *keeper;     /* takes them whole */
  struct hd_error *error;             /* of the first file that has one */

  pthread_mutex_t lock;
  pthread_cond_t moved;
  size_t next;               /* file to be read */
  size_t inflating, importing, merging; /* whose turn it is */
  bool *inflated;            /* by file: it needs no turn to inflate any more */
  bool *kept;                /* by file: the keeper has it as it is */
  size_t failed;             /* the first that has, SIZE_MAX none: those behind it stop */
};

/* A file on its way. */
struct job {
  struct loader *loader;
  const struct hd_handle *handle;
  size_t index;
  struct hd_fold *fold; /* of a snapshot that comes in parts */
  /* Of a file that is a series itself, beside others: the last two so far. */
  bool hold;
  struct hd_profile *before, *last;
  size_t held;
};

/* --- turns -------------------------------------------------------------------------- */

/* Waits until it is the file's turn, with the lock held from then on; false where a file
 * before it has failed. */
static bool begin_turn(struct job *job, const size_t *turn)
{
  struct loader *loader = job->loader;
  pthread_mutex_lock(&loader->lock);
  while (*turn != job->index && loader->failed >= job->index)
    pthread_cond_wait(&loader->moved, &loader->lock);
  if (loader->failed >= job->index)
    return true;
  pthread_mutex_unlock(&loader->lock);
  return false;
}

static void end_turn(struct loader *loader)
{
  pthread_cond_broadcast(&loader->moved);
  pthread_mutex_unlock(&loader->lock);
}

/* Nobody sees it: another file's failure is what is reported. */
static bool stopped(struct hd_error *error)
{
  return hd_fail_internal(error, "stopped");
}

/* The turn to inflate, as input/open.h has it. */
static bool take_inflating(void *context)
{
  struct job *job = context;
  if (!begin_turn(job, &job->loader->inflating))
    return false;
  pthread_mutex_unlock(&job->loader->lock);
  return true;
}

static void pass_inflating(void *context)
{
  struct job *job = context;
  struct loader *loader = job->loader;
  pthread_mutex_lock(&loader->lock);
  loader->inflated[job->index] = true;
  while (loader->inflating < loader->session->chosen.count && loader->inflated[loader->inflating])
    loader->inflating++;
  end_turn(loader);
}

/* --- one snapshot ------------------------------------------------------------------- */

static const char *keep(struct hd_session *session, const char *text)
{
  return text ? hd_arena_copy(&session->arena, text, strlen(text)) : NULL;
}

/* Of the module that is the program, "" where none is: modules come in any order. */
static const char *main_build_id(const struct hd_profile *profile)
{
  const char *program = profile->meta.program ? hd_base_name(profile->meta.program) : "";
  for (size_t i = 0; i < profile->modules.count; i++) {
    const struct hd_module *module = &profile->modules.items[i];
    if (strcmp(hd_base_name(hd_strings_text(&profile->strings, module->path)), program) == 0)
      return hd_strings_text(&profile->strings, module->build_id);
  }
  return "";
}

/* Whether this snapshot can stand beside the first one. */
static bool compare(struct loader *loader, const struct hd_profile *profile,
                    struct hd_error *error)
{
  struct hd_session *session = loader->session;
  struct hd_first *first = loader->first;
  const struct hd_meta *meta = &profile->meta;
  if (!first->kind) {
    first->kind = keep(session, meta->kind ? meta->kind : "");
    first->build_id = keep(session, main_build_id(profile));
    first->program = keep(session, meta->program);
    return (first->kind && first->build_id) || hd_fail_memory(error);
  }
  if (strcmp(first->kind, meta->kind ? meta->kind : "") != 0)
    return hd_fail_usage(error, "it is a %s snapshot, the first one is of kind %s: only snapshots "
                                "of one kind compare", meta->kind, first->kind);
  const char *before = first->program;
  if (before && meta->program &&
      strcmp(hd_base_name(before), hd_base_name(meta->program)) != 0)
    hd_session_add_note(session, HD_NOTE_WARNING, "different-programs",
                        "the snapshots are of different programs, %s and %s: rows match by name "
                        "alone", before, meta->program);
  else if (first->build_id[0] && main_build_id(profile)[0] &&
           strcmp(first->build_id, main_build_id(profile)) != 0)
    hd_session_add_note(session, HD_NOTE_INFO, "different-builds",
                        "the snapshots are of two builds of %s: rows match by function, file and "
                        "line", meta->program ? hd_base_name(meta->program) : "the program");
  return true;
}

static bool at_exit(const struct hd_meta *meta)
{
  return meta->reason && strcmp(meta->reason, "exit") == 0;
}

/* Go's heap profiles are of the last collection; its others, and all other recorders,
 * tell the moment. */
static bool is_lazy(const struct hd_profile *profile)
{
  const struct hd_meta *meta = &profile->meta;
  return meta->format && profile->has[HD_INUSE_SPACE] &&
         (strcmp(meta->format, "pprof") == 0 || strcmp(meta->format, "heap-text") == 0);
}

static struct hd_point point_of(const struct job *job, const struct hd_profile *profile)
{
  struct hd_session *session = job->loader->session;
  const struct hd_meta *meta = &profile->meta;
  return (struct hd_point){
      .path = job->handle->name,
      .program = keep(session, meta->program),
      .called = keep(session, meta->called),
      .boot_id = keep(session, meta->boot_id),
      .lazy = is_lazy(profile),
      .time_ns = meta->time_ns,
      .mono_ns = meta->mono_ns,
      .progress = meta->progress,
      .rss = meta->rss,
      .system = meta->system,
      .system_free = meta->system_free,
      .pid = meta->pid,
      .start_ns = meta->start_ns,
      .image_ns = meta->image_ns,
      .limit_cgroup = meta->limit_cgroup,
      .limit_rlimit = meta->limit_rlimit,
      .threshold = meta->threshold,
      .rate = meta->rate,
      .sequence = meta->sequence,
      .at_start = meta->reason && strcmp(meta->reason, "start") == 0,
      .at_exit = at_exit(meta),
  };
}

/* Adds the profile's locations to the pool, with their symbols, and begins a fold. */
static bool import(struct loader *loader, const struct hd_profile *profile, struct hd_fold **fold,
                   struct hd_error *error)
{
  struct hd_import import = {0};
  if (!hd_pool_import(loader->series->pool, profile, hd_session_demangle, &import, error))
    return false;
  bool fine = hd_session_symbolize(loader->session, loader->series->pool, error) &&
              hd_fold_begin(loader->series, profile, import.locations, fold, error);
  hd_import_deinit(&import);
  return fine;
}

/* What is folded becomes the next point. */
static bool append(struct job *job, const struct hd_profile *profile, struct hd_fold *fold,
                   struct hd_error *error)
{
  hd_session_note_losses(job->loader->session, job->handle->name, profile);
  return compare(job->loader, profile, error) &&
         hd_fold_end(fold, profile, point_of(job, profile), error);
}

static bool fold_whole(struct job *job, const struct hd_profile *profile, struct hd_error *error)
{
  struct hd_fold *fold = NULL;
  bool fine = import(job->loader, profile, &fold, error) &&
              hd_fold_records(fold, profile, error) &&
              hd_fold_end(fold, profile, point_of(job, profile), error);
  hd_fold_destroy(fold);
  return fine;
}

/* All of it, in the turn of its file. */
static bool use(struct job *job, struct hd_profile *profile, struct hd_error *error)
{
  const struct hd_keeper *keeper = job->loader->keeper;
  hd_session_note_losses(job->loader->session, job->handle->name, profile);
  bool fine = compare(job->loader, profile, error);
  if (fine && keeper)
    return keeper->keep(keeper->context, job->handle, profile, point_of(job, profile),
                        error);
  fine = fine && fold_whole(job, profile, error);
  hd_profile_destroy(profile);
  return fine;
}

static bool begin(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct job *job = context;
  struct loader *loader = job->loader;
  if (!begin_turn(job, &loader->importing))
    return stopped(error);
  bool fine = import(loader, profile, &job->fold, error);
  loader->importing += fine;
  end_turn(loader);
  return fine;
}

static bool add(void *context, const struct hd_profile *profile, struct hd_error *error)
{
  struct job *job = context;
  return hd_fold_records(job->fold, profile, error);
}

static bool take_rest(struct job *job, struct hd_profile *profile, struct hd_error *error)
{
  bool fine = hd_fold_records(job->fold, profile, error);
  if (fine && !begin_turn(job, &job->loader->merging))
    fine = stopped(error);
  else if (fine) {
    fine = append(job, profile, job->fold, error);
    end_turn(job->loader);
  }
  hd_profile_destroy(profile);
  return fine;
}

static bool take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct job *job = context;
  if (job->fold)
    return take_rest(job, profile, error);
  if (job->hold) {
    hd_profile_destroy(job->before);
    job->before = job->last;
    job->last = profile;
    job->held++;
    return true;
  }
  if (!begin_turn(job, &job->loader->merging)) {
    hd_profile_destroy(profile);
    return stopped(error);
  }
  bool fine = use(job, profile, error);
  end_turn(job->loader);
  return fine;
}

/* As hd_held_at(), of a profile. */
static double held_by(const struct hd_profile *profile)
{
  return hd_profile_total(profile, HD_INUSE_SPACE) + hd_profile_total(profile, HD_MMAP_SPACE);
}

/* Beside others a recording stands for how it ended. */
static bool use_held(struct job *job, struct hd_error *error)
{
  struct hd_profile *last = job->last, *before = job->before;
  bool earlier = last && before && at_exit(&last->meta) &&
                 hd_is_freed(held_by(before), held_by(last));
  if (job->held > 1)
    hd_session_add_note(job->loader->session, HD_NOTE_INFO, "several-recordings",
                        "of each recording the last snapshot is taken, as more than one is named; "
                        "FILE@N chooses another");
  hd_profile_destroy(earlier ? last : before);
  job->before = job->last = NULL;
  last = earlier ? before : last;
  return !last || use(job, last, error) || hd_error_in(error, job->handle->name);
}

/* --- one file ------------------------------------------------------------------------ */

/* In its turn: what is to be said of it, and of what went wrong. */
static bool finish(struct job *job, bool fine, const char *cut, struct hd_error *error)
{
  struct hd_session *session = job->loader->session;
  if (fine)
    hd_session_note_cut(session, job->handle, cut);
  return (fine || hd_session_leave_out(session, job->handle, error)) && use_held(job, error);
}

static bool read_parts(struct job *job, char cut[HD_CUT_TEXT], struct hd_error *error)
{
  struct loader *loader = job->loader;
  struct hd_inflate_turn turn = {take_inflating, pass_inflating, job};
  struct hd_parts parts = {begin, add, job};
  struct hd_sink sink = {take, job};
  return hd_session_read_parts(loader->session, job->handle, &turn,
                               loader->series ? &parts : NULL, &sink, cut, error);
}

static void read_file(struct job *job)
{
  struct loader *loader = job->loader;
  struct hd_error error = HD_ERROR_INIT;
  char cut[HD_CUT_TEXT] = "";
  bool kept = loader->kept[job->index];
  bool fine = kept || read_parts(job, cut, &error);
  pass_inflating(job);
  hd_fold_destroy(job->fold);
  job->fold = NULL;
  if (begin_turn(job, &loader->merging)) {
    if (kept)
      loader->keeper->retain(loader->keeper->context, job->handle);
    else if (!finish(job, fine, cut, &error)) {
      loader->failed = job->index;
      if (loader->error)
        *loader->error = error;
    }
    loader->merging = job->index + 1;
    if (loader->importing < loader->merging)
      loader->importing = loader->merging;
    end_turn(loader);
  }
  hd_profile_destroy(job->before);
  hd_profile_destroy(job->last);
}

static void *work(void *context)
{
  struct loader *loader = context;
  struct hd_session *session = loader->session;
  for (;;) {
    struct job job = {.loader = loader};
    int64_t number;
    pthread_mutex_lock(&loader->lock);
    job.index = loader->next++;
    bool stop = job.index >= session->chosen.count || loader->failed < job.index;
    pthread_mutex_unlock(&loader->lock);
    if (stop)
      return NULL;
    job.handle = &session->chosen.items[job.index];
    job.hold = !hd_session_is_one_series(session) && !hd_handle_number(job.handle, &number);
    read_file(&job);
  }
}

/* --- all of them --------------------------------------------------------------------- */

unsigned hd_session_jobs(const struct hd_session *session)
{
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned usual = processors < 1               ? 1
                   : processors > USUAL_THREADS ? USUAL_THREADS
                                                : (unsigned)processors;
  return session->options.jobs ? session->options.jobs : usual;
}

static size_t thread_count(const struct loader *loader)
{
  const struct hd_session *session = loader->session;
  size_t most = hd_session_jobs(session), count = 0;
  int64_t bytes = 0;
  for (size_t i = 0; i < session->chosen.count; i++) {
    struct stat status;
    const char *name = session->chosen.items[i].name;
    if (strcmp(name, "-") == 0)
      return 1; /* there is but one standard input */
    if (loader->kept[i])
      continue;
    if (stat(name, &status) == 0)
      bytes += status.st_size;
    count++;
  }
  if (!session->options.jobs && bytes < large)
    return 1;
  most = most < MOST_THREADS ? most : MOST_THREADS;
  return most < count ? most : count;
}

static void run(struct loader *loader)
{
  pthread_t threads[MOST_THREADS];
  size_t wanted = thread_count(loader), started = 0;
  /* Fewer threads than wanted are slower, not wrong. */
  while (started + 1 < wanted &&
         pthread_create(&threads[started], NULL, work, loader) == 0)
    started++;
  work(loader);
  for (size_t i = 0; i < started; i++)
    pthread_join(threads[i], NULL);
}

static bool read_all(struct loader *loader, struct hd_error *error)
{
  const struct hd_keeper *keeper = loader->keeper;
  size_t count = loader->session->chosen.count;
  loader->error = error;
  loader->failed = SIZE_MAX;
  loader->inflated = hd_alloc_zeroed(count + 1, sizeof *loader->inflated);
  loader->kept = hd_alloc_zeroed(count + 1, sizeof *loader->kept);
  bool fine = loader->inflated && loader->kept;
  for (size_t i = 0; fine && keeper && i < count; i++)
    loader->kept[i] = keeper->has(keeper->context, &loader->session->chosen.items[i]);
  if (fine) {
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->moved, NULL);
    run(loader);
    pthread_cond_destroy(&loader->moved);
    pthread_mutex_destroy(&loader->lock);
  }
  hd_free(loader->inflated);
  hd_free(loader->kept);
  return fine ? loader->failed == SIZE_MAX : hd_fail_memory(error);
}

bool hd_session_load_files(struct hd_session *session, struct hd_series *series,
                           struct hd_error *error)
{
  struct hd_first first = {0};
  struct loader loader = {.session = session, .series = series, .first = &first};
  return read_all(&loader, error);
}

bool hd_session_keep_files(struct hd_session *session, struct hd_first *first,
                           const struct hd_keeper *keeper, struct hd_error *error)
{
  struct loader loader = {.session = session, .keeper = keeper, .first = first};
  return read_all(&loader, error);
}
