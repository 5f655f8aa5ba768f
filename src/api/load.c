/* What the chosen snapshots are as a series: which of them count, and what is to be said. */
#include "api/load.h"

#include "analysis/headline.h"
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The same text for all snapshots of a recording: it is said once. */
static void note_attached(struct hd_session *session, const struct hd_meta *meta)
{
  char late[HD_UNITS_TEXT], after[HD_UNITS_TEXT + sizeof " , after the start of the process"] = "";
  if (meta->start_ns && meta->image_ns > meta->start_ns) {
    hd_format_duration(late, meta->image_ns - meta->start_ns);
    snprintf(after, sizeof after, ", %s after the process's start", late);
  }
  hd_session_add_note(session, HD_NOTE_INFO, "attached",
                      "the recording began while the program was running%s: memory allocated "
                      "before is unknown and not counted",
                      after);
}

void hd_session_note_losses(struct hd_session *session, const char *name,
                            const struct hd_profile *profile)
{
  const struct hd_meta *meta = &profile->meta;
  if (meta->attached)
    note_attached(session, meta);
  if (meta->dropped_allocations)
    hd_session_add_note(session, HD_NOTE_WARNING, "dropped",
                        "%s: %" PRIu64 " %sallocations are missing: the recorder had no "
                        "room for them, or the file does not hold them all",
                        name, meta->dropped_allocations, meta->rate == 1 ? "" : "sampled ");
  if (meta->failed_snapshots)
    hd_session_add_note(session, HD_NOTE_WARNING, "failed-snapshots",
                        "%s: %" PRIu64 " snapshots before it could not be written", name,
                        meta->failed_snapshots);
  if (profile->negative_values)
    hd_session_add_note(session, HD_NOTE_WARNING, "negative",
                        profile->negative_values > 1
                            ? "%s: %" PRIu64 " records have negative values; they are kept"
                            : "%s: %" PRIu64 " record has a negative value; it is kept",
                        name, profile->negative_values);
  if (profile->bad_rows)
    hd_session_add_note(session, HD_NOTE_WARNING, "bad-rows",
                        "%s: %" PRIu64 " row%s could not be read%s%s", name, profile->bad_rows,
                        profile->bad_rows > 1 ? "s" : "",
                        !profile->first_bad     ? ""
                        : profile->bad_rows > 1 ? "; the first: "
                                                : ": ",
                        profile->first_bad ? profile->first_bad : "");
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

static void note_exit(struct hd_session *session, const struct hd_settled *settled)
{
  if (settled->exit == HD_EXIT_ALONE)
    hd_session_add_note(session, HD_NOTE_INFO, "freed-at-exit",
                        "the program freed all it had before it ended, and there is no snapshot in "
                        "between%s",
                        session->chosen.items[0].group ? ": record it with a shorter --interval"
                                                       : "");
  if (settled->exit == HD_EXIT_LEFT_OUT)
    hd_session_add_note(session, HD_NOTE_INFO, "freed-at-exit",
                        "the snapshot at exit is left out, as most of the memory had been freed by "
                        "then; to compare with it: heapdiff top %s %s",
                        name_of(session, &settled->first), name_of(session, &settled->at_exit));
}

static void note_gaps(struct hd_session *session, const struct hd_settled *settled)
{
  char width[HD_UNITS_TEXT], usual[HD_UNITS_TEXT], when[HD_UNITS_TEXT] = "", more[64] = "";
  const struct hd_gaps *gaps = &settled->gaps;
  const struct hd_point *after = &settled->after_gap;
  if (!gaps->count)
    return;
  hd_format_duration(width, gaps->width_ns);
  hd_format_duration(usual, gaps->usual_ns);
  if (after->time_ns)
    hd_format_time(when, after->time_ns);
  if (gaps->count > 1)
    snprintf(more, sizeof more, ", the widest of %zu gaps", gaps->count);
  hd_session_add_note(session, HD_NOTE_INFO, "gap",
                      "there is no snapshot in the %s before %s%s; the others are %s apart", width,
                      when[0] ? when : after->path, more, usual);
}

static void note_window(struct hd_session *session, const struct hd_window_result *result)
{
  if (result->lives > 1)
    hd_session_add_note(session, HD_NOTE_WARNING, "restarted",
                        "the process began anew %zu time%s: of its %zu lives the %s, of %zu "
                        "snapshots, is shown",
                        result->lives - 1, result->lives > 2 ? "s" : "", result->lives,
                        result->is_last ? "last" : "longest", result->life);
  if (result->repeated)
    hd_session_add_note(session, HD_NOTE_INFO, "repeated",
                        "%zu snapshot%s like the one before, as the recorder had nothing new: "
                        "each counts once",
                        result->repeated, result->repeated > 1 ? "s are" : " is");
}

bool hd_session_is_one_series(const struct hd_session *session)
{
  const struct hd_handle *chosen = session->chosen.items;
  size_t count = session->chosen.count;
  return count == 1 || (chosen[0].group && chosen[0].group == chosen[count - 1].group);
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
                        "--focus and list miss %s callers%s",
                        share * 100, memory ? "memory is" : "goroutines are",
                        memory ? "its" : "their",
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

bool hd_session_leave_out(struct hd_session *session, const struct hd_handle *handle,
                          const struct hd_error *error)
{
  char text[1400];
  if (!handle->group || error->kind != HD_ERROR_INPUT)
    return false;
  hd_error_format(error, text, sizeof text);
  hd_session_add_note(session, HD_NOTE_WARNING, "left-out", "left out: %s", text);
  return true;
}

bool hd_session_read_chosen(struct hd_session *session, const struct hd_handle *handle,
                            struct hd_sink *sink, struct hd_error *error)
{
  struct hd_error own = HD_ERROR_INIT;
  if (hd_session_read(session, handle, sink, &own) || hd_session_leave_out(session, handle, &own))
    return true;
  if (error)
    *error = own;
  return false;
}

struct hd_settling hd_session_settling(const struct hd_session *session,
                                       const struct hd_window *window)
{
  bool one_series = hd_session_is_one_series(session);
  return (struct hd_settling){*window, one_series, one_series && session->chosen.count > 1};
}

bool hd_session_settle(struct hd_session *session, const struct hd_window *window,
                       struct hd_series *series, struct hd_error *error)
{
  struct hd_settling settling = hd_session_settling(session, window);
  struct hd_settled settled;
  bool fine = hd_settle(series, &settling, &settled, error);
  note_exit(session, &settled);
  note_gaps(session, &settled);
  if (!fine)
    return false;
  note_window(session, &settled.window);
  note_order(session, series);
  note_numbers(session, series);
  note_cut(session, series);
  hd_session_note_symbols(session, series->pool, is_unnamed(series));
  return true;
}

void hd_session_note_partly_freed(struct hd_session *session, const struct hd_series *series)
{
  static const double much = .1;
  size_t last = series->points.count - 1;
  const struct hd_point *points = series->points.items;
  char freed[HD_UNITS_TEXT], held[HD_UNITS_TEXT];
  if (last < 2 || !points[last].at_exit || !hd_session_is_one_series(session))
    return;
  double before = hd_held_at(&points[last - 1]), gone = before - hd_held_at(&points[last]);
  if (gone <= much * before)
    return;
  hd_format_bytes(freed, llround(gone), -1, false);
  hd_format_bytes(held, llround(before), -1, false);
  hd_session_add_note(session, HD_NOTE_INFO, "partly-freed",
                      "before it exited the program freed %s of the %s that it held: --until 1ms "
                      "shows what had grown by then", freed, held);
}

bool hd_session_load(struct hd_session *session, const struct hd_window *window,
                     struct hd_series *series, struct hd_error *error)
{
  if (!hd_session_load_files(session, series, error))
    return false;
  hd_symbolizer_keep(session->symbolizer);
  return hd_session_settle(session, window, series, error);
}
