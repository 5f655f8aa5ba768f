/* The chosen snapshots, read into a series one at a time. */
#include "api/session.h"

#include "analysis/headline.h"
#include "input/numbered.h"

#include <inttypes.h>
#include <string.h>

struct loader {
  struct hd_session *session;
  struct hd_series *series;
  const struct hd_handle *handle;
  const char *kind, *build_id; /* of the first snapshot */
  /* Of a file that is a series itself, beside others: the last two so far. */
  bool hold;
  struct hd_profile *before, *last;
  size_t held;
};

static const char *keep(struct hd_session *session, const char *text)
{
  return text ? hd_arena_copy(&session->arena, text, strlen(text)) : NULL;
}

void hd_session_note_losses(struct hd_session *session, const char *name,
                            const struct hd_profile *profile)
{
  const struct hd_meta *meta = &profile->meta;
  if (meta->dropped_allocations)
    hd_session_add_note(session, HD_NOTE_WARNING, "dropped",
                        "%s: %" PRIu64 " %sallocations are missing: the recorder had no "
                        "room for them, or the file does not hold them all", name,
                        meta->dropped_allocations, meta->rate == 1 ? "" : "sampled ");
  if (meta->failed_snapshots)
    hd_session_add_note(session, HD_NOTE_WARNING, "failed-snapshots",
                        "%s: %" PRIu64 " snapshots before it could not be written", name,
                        meta->failed_snapshots);
  if (profile->negative_values)
    hd_session_add_note(session, HD_NOTE_WARNING, "negative",
                        profile->negative_values > 1
                            ? "%s: %" PRIu64 " records have negative values; they are kept"
                            : "%s: %" PRIu64 " record has a negative value; it is kept", name,
                        profile->negative_values);
  if (profile->bad_rows)
    hd_session_add_note(session, HD_NOTE_WARNING, "bad-rows",
                        "%s: %" PRIu64 " row%s could not be read%s%s", name, profile->bad_rows,
                        profile->bad_rows > 1 ? "s" : "",
                        !profile->first_bad       ? ""
                        : profile->bad_rows > 1 ? "; the first: "
                                                : ": ",
                        profile->first_bad ? profile->first_bad : "");
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
  const struct hd_meta *meta = &profile->meta;
  if (!loader->kind) {
    loader->kind = keep(session, meta->kind ? meta->kind : "");
    loader->build_id = keep(session, main_build_id(profile));
    return (loader->kind && loader->build_id) || hd_fail_memory(error);
  }
  if (strcmp(loader->kind, meta->kind ? meta->kind : "") != 0)
    return hd_fail_usage(error, "it is a %s snapshot, the first one is of kind %s: only snapshots "
                                "of one kind compare", meta->kind, loader->kind);
  const char *before = loader->series->points.items[0].program;
  if (before && meta->program &&
      strcmp(hd_base_name(before), hd_base_name(meta->program)) != 0)
    hd_session_add_note(session, HD_NOTE_WARNING, "different-programs",
                        "the snapshots are of different programs, %s and %s: rows match by name "
                        "alone", before, meta->program);
  else if (loader->build_id[0] && main_build_id(profile)[0] &&
           strcmp(loader->build_id, main_build_id(profile)) != 0)
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

static bool fold(struct loader *loader, const struct hd_profile *profile, struct hd_error *error)
{
  struct hd_session *session = loader->session;
  const struct hd_meta *meta = &profile->meta;
  struct hd_import import = {0};
  struct hd_point point = {
      .path = loader->handle->name,
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
  if (!hd_pool_import(loader->series->pool, profile, hd_session_demangle, &import, error))
    return false;
  bool fine = hd_session_symbolize(session, loader->series->pool, error) &&
              hd_series_add(loader->series, profile, import.locations, point, error);
  hd_import_deinit(&import);
  return fine;
}

static bool use(struct loader *loader, struct hd_profile *profile, struct hd_error *error)
{
  hd_session_note_losses(loader->session, loader->handle->name, profile);
  bool fine = compare(loader, profile, error) && fold(loader, profile, error);
  hd_profile_destroy(profile);
  return fine;
}

static bool take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct loader *loader = context;
  if (!loader->hold)
    return use(loader, profile, error);
  hd_profile_destroy(loader->before);
  loader->before = loader->last;
  loader->last = profile;
  loader->held++;
  return true;
}

/* Whether so little is left of a total at a process's exit that the snapshot before
 * says more of what it held while it ran. */
static bool is_freed(double before, double last)
{
  return last < before / 2;
}

/* What the program held: its heap, and what it mapped itself where that is recorded. */
static double held_by(const struct hd_profile *profile)
{
  return hd_profile_total(profile, HD_INUSE_SPACE) + hd_profile_total(profile, HD_MMAP_SPACE);
}

static double held_at(const struct hd_point *point)
{
  return point->total[HD_INUSE_SPACE] + point->total[HD_MMAP_SPACE];
}

/* Beside others a recording stands for how it ended. */
static bool use_held(struct loader *loader, struct hd_error *error)
{
  struct hd_profile *last = loader->last, *before = loader->before;
  bool earlier = last && before && at_exit(&last->meta) &&
                 is_freed(held_by(before), held_by(last));
  if (loader->held > 1)
    hd_session_add_note(loader->session, HD_NOTE_INFO, "several-recordings",
                        "of each recording the last snapshot is taken, as more than one is named; "
                        "FILE@N chooses another");
  hd_profile_destroy(earlier ? last : before);
  loader->before = loader->last = NULL;
  loader->held = 0;
  last = earlier ? before : last;
  return !last || use(loader, last, error);
}

static void note_order(struct hd_session *session, const struct hd_series *series)
{
  const struct hd_point *first = &series->points.items[0];
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  if (hd_points_elapsed(first, last) < 0)
    hd_session_add_note(session, HD_NOTE_WARNING, "order",
                        "%s was taken after %s: the growth shown runs backwards in time",
                        first->path, last->path);
}

/* Whether two names are the same but for the numbers in them. */
static bool only_numbers_differ(const char *a, const char *b)
{
  static const char digits[] = "0123456789";
  while (*a && *b) {
    size_t x = strspn(a, digits), y = strspn(b, digits);
    if (!x != !y || (!x && *a != *b))
      return false;
    a += x ? x : 1;
    b += y ? y : 1;
  }
  return *a == *b;
}

/* A shell has 10 before 9; and where no time is inside, only the order tells. */
static void note_numbers(struct hd_session *session, const struct hd_series *series)
{
  const struct hd_point *points = series->points.items;
  for (size_t i = 0; i < series->points.count; i++)
    if (points[i].time_ns || points[i].mono_ns)
      return;
  for (size_t i = 1; i < series->points.count && series->points.count > 2; i++) {
    if (strverscmp(points[i - 1].path, points[i].path) <= 0 ||
        !only_numbers_differ(points[i - 1].path, points[i].path))
      continue;
    hd_session_add_note(session, HD_NOTE_WARNING, "numbers",
                        "the snapshots have no time inside and are taken in the order they are "
                        "named, %s before %s: `ls -v` names them in that of their numbers",
                        points[i - 1].path, points[i].path);
    return;
  }
}

/* How a user names a snapshot again: those of one file by their number there. */
static const char *name_of(struct hd_session *session, const struct hd_point *point)
{
  if (session->chosen.items[0].group)
    return point->path;
  const char *name = hd_arena_printf(&session->arena, "%s@%" PRId64, point->path, point->sequence);
  return name ? name : point->path;
}

/* Many programs free all they have before they end: then the snapshot at exit does
 * not show what they held while they ran. Of a series it is left out, unless it is
 * all there is beside the first one. */
static void settle_exit(struct hd_session *session, struct hd_series *series)
{
  size_t last = series->points.count - 1;
  const struct hd_point *points = series->points.items;
  if (!last || !points[last].at_exit)
    return;
  if (last == 1 && held_at(&points[1]) < 1 && points[1].total[HD_ALLOC_SPACE] >= 1)
    hd_session_add_note(session, HD_NOTE_INFO, "freed-at-exit",
                        "the program freed all it had before it ended, and there is no snapshot in "
                        "between%s", session->chosen.items[0].group
                                         ? ": record it with a shorter --interval" : "");
  if (last == 1 || !is_freed(held_at(&points[last - 1]), held_at(&points[last])))
    return;
  hd_session_add_note(session, HD_NOTE_INFO, "freed-at-exit",
                      "the snapshot at exit is left out, as most of the memory had been freed by "
                      "then; to compare with it: heapdiff top %s %s", name_of(session, &points[0]),
                      name_of(session, &points[last]));
  hd_series_drop(series, last);
}

/* Which of the snapshots count, and what is to be said of the others. */
static bool settle_window(struct hd_session *session, const struct hd_window *window,
                          struct hd_series *series, struct hd_error *error)
{
  struct hd_window_result result;
  if (!hd_window_apply(series, window, &result, error))
    return false;
  if (result.lives > 1)
    hd_session_add_note(session, HD_NOTE_WARNING, "restarted",
                        "the process began anew %zu time%s: of its %zu lives the %s, of %zu "
                        "snapshots, is shown", result.lives - 1, result.lives > 2 ? "s" : "",
                        result.lives, result.is_last ? "last" : "longest", result.life);
  if (result.repeated)
    hd_session_add_note(session, HD_NOTE_INFO, "repeated",
                        "%zu snapshot%s like the one before, as the recorder had nothing new: "
                        "each counts once", result.repeated, result.repeated > 1 ? "s are" : " is");
  return true;
}

static bool is_one_series(const struct hd_session *session)
{
  const struct hd_handle *chosen = session->chosen.items;
  size_t count = session->chosen.count;
  return count == 1 || (chosen[0].group && chosen[0].group == chosen[count - 1].group);
}

/* Snapshots that the user put together are taken as they are; of those that belong
 * together, of a directory or of one file, it matters which is the first and which the
 * last. */
static void settle_ends(struct hd_session *session, struct hd_series *series)
{
  if (is_one_series(session))
    settle_exit(session, series);
  else
    series->points.items[0].at_start = false;
}

/* Above this share of the memory, what is not known is worth a note. */
static const double worth_a_note = .01;

/* Callers that the recorder did not reach are missing in all that goes by them. */
static void note_cut(struct hd_session *session, const struct hd_series *series)
{
  const struct hd_point *last = &series->points.items[series->points.count - 1];
  enum hd_measure measure = series->measures[0];
  double share = last->cut[measure] / last->total[measure];
  bool memory = hd_measures[measure].unit == HD_UNIT_BYTES;
  if (share > worth_a_note)
    hd_session_add_note(session, HD_NOTE_WARNING, "cut-stacks",
                        "%.0f%% of the %s in stacks that were not followed to their root: --cum, "
                        "--focus and list miss %s callers%s", share * 100,
                        memory ? "memory is" : "goroutines are", memory ? "its" : "their",
                        memory ? "; `record --max-frames`, or massif's --depth and --threshold=0, "
                                 "follow deeper"
                               : "");
}

static bool is_unnamed(const struct hd_series *series)
{
  enum hd_measure measure = series->measures[0];
  for (size_t i = 0; i < series->points.count; i++) {
    const struct hd_point *point = &series->points.items[i];
    if (point->unnamed[measure] > worth_a_note * point->total[measure])
      return true;
  }
  return false;
}

bool hd_session_read_chosen(struct hd_session *session, const struct hd_handle *handle,
                            struct hd_sink *sink, struct hd_error *error)
{
  struct hd_error own = HD_ERROR_INIT;
  if (hd_session_read(session, handle, sink, &own))
    return true;
  if (!handle->group || own.kind != HD_ERROR_INPUT) {
    if (error)
      *error = own;
    return false;
  }
  char text[1400];
  hd_error_format(&own, text, sizeof text);
  hd_session_add_note(session, HD_NOTE_WARNING, "left-out", "left out: %s", text);
  return true;
}

bool hd_session_load(struct hd_session *session, const struct hd_window *window,
                     struct hd_series *series, struct hd_error *error)
{
  struct loader loader = {.session = session, .series = series};
  struct hd_sink sink = {take, &loader};
  for (size_t i = 0; i < session->chosen.count; i++) {
    int64_t number;
    loader.handle = &session->chosen.items[i];
    loader.hold = !is_one_series(session) && !hd_handle_number(loader.handle, &number);
    bool fine = hd_session_read_chosen(session, loader.handle, &sink, error);
    if (!fine) {
      hd_profile_destroy(loader.before);
      hd_profile_destroy(loader.last);
      return false;
    }
    if (!use_held(&loader, error))
      return hd_error_in(error, loader.handle->name);
  }
  if (!series->points.count)
    return hd_fail_input(error, "there is no snapshot in what was named");
  hd_symbolizer_keep(session->symbolizer);
  settle_ends(session, series);
  if (!settle_window(session, window, series, error))
    return false;
  note_order(session, series);
  note_numbers(session, series);
  note_cut(session, series);
  hd_session_note_symbols(session, series->pool, is_unnamed(series));
  return true;
}
