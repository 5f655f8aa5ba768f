/* What the chosen snapshots are as a series: which of them count, and what is to be said. */
#include "api/load.h"

#include "analysis/gaps.h"
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
                      "before is unknown and not counted", after);
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

bool hd_is_freed(double before, double last)
{
  return last < before / 2;
}

/* What the program held: its heap, and what it mapped itself where that is recorded. */
static double held_at(const struct hd_point *point)
{
  return point->total[HD_INUSE_SPACE] + point->total[HD_MMAP_SPACE];
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
  if (last == 1 || !hd_is_freed(held_at(&points[last - 1]), held_at(&points[last])))
    return;
  hd_session_add_note(session, HD_NOTE_INFO, "freed-at-exit",
                      "the snapshot at exit is left out, as most of the memory had been freed by "
                      "then; to compare with it: heapdiff top %s %s", name_of(session, &points[0]),
                      name_of(session, &points[last]));
  hd_series_drop(series, last);
}

/* Less than most of it, so the snapshot at exit stays: what it hides is said. */
static void note_partly_freed(struct hd_session *session, const struct hd_series *series)
{
  static const double much = .1;
  size_t last = series->points.count - 1;
  const struct hd_point *points = series->points.items;
  char freed[HD_UNITS_TEXT], held[HD_UNITS_TEXT];
  if (last < 2 || !points[last].at_exit || !hd_session_is_one_series(session) ||
      hd_measures[series->measures[0]].nature != HD_NATURE_GAUGE)
    return;
  double before = held_at(&points[last - 1]), gone = before - held_at(&points[last]);
  if (gone <= much * before)
    return;
  hd_format_bytes(freed, llround(gone), -1, false);
  hd_format_bytes(held, llround(before), -1, false);
  hd_session_add_note(session, HD_NOTE_INFO, "partly-freed",
                      "before it exited the program freed %s of the %s that it held: --until 1ms "
                      "shows what had grown by then", freed, held);
}

/* Before any is left out: what was not recorded is no part of a course. */
static bool note_gaps(struct hd_session *session, const struct hd_series *series,
                      struct hd_error *error)
{
  struct hd_gaps gaps;
  char width[HD_UNITS_TEXT], usual[HD_UNITS_TEXT], when[HD_UNITS_TEXT] = "", more[64] = "";
  if (!hd_gaps_find(series, &gaps, error))
    return false;
  if (!gaps.count)
    return true;
  const struct hd_point *after = &series->points.items[gaps.widest];
  hd_format_duration(width, gaps.width_ns);
  hd_format_duration(usual, gaps.usual_ns);
  if (after->time_ns)
    hd_format_time(when, after->time_ns);
  if (gaps.count > 1)
    snprintf(more, sizeof more, ", the widest of %zu gaps", gaps.count);
  hd_session_add_note(session, HD_NOTE_INFO, "gap",
                      "there is no snapshot in the %s before %s%s; the others are %s apart", width,
                      when[0] ? when : after->path, more, usual);
  return true;
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
  note_partly_freed(session, series);
  return true;
}

bool hd_session_is_one_series(const struct hd_session *session)
{
  const struct hd_handle *chosen = session->chosen.items;
  size_t count = session->chosen.count;
  return count == 1 || (chosen[0].group && chosen[0].group == chosen[count - 1].group);
}

/* Snapshots that the user put together are taken as they are; of those that belong
 * together, of a directory or of one file, it matters which is the first and which the
 * last. */
static void settle_ends(struct hd_session *session, const struct hd_window *window,
                        struct hd_series *series)
{
  if (!hd_session_is_one_series(session))
    series->points.items[0].at_start = false;
  else if (!window->end)
    settle_exit(session, series);
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

/* By their numbers, before anything else is left out. */
static bool settle_numbers(const struct hd_window *window, struct hd_series *series,
                           struct hd_error *error)
{
  int64_t count = (int64_t)series->points.count;
  int64_t base = window->base ? window->base : 1, end = window->end ? window->end : count;
  if (base < 1 || base > count || end < 1 || end > count)
    return hd_fail_usage(error, "there is no snapshot %" PRId64 ": they are numbered from 1 to %"
                                PRId64, base < 1 || base > count ? base : end, count);
  if (base > end)
    return hd_fail_usage(error, "snapshot %" PRId64 " is after snapshot %" PRId64
                                ": the base comes first", base, end);
  while ((int64_t)series->points.count > end)
    hd_series_drop(series, series->points.count - 1);
  for (int64_t i = 1; i < base; i++)
    hd_series_drop(series, 0);
  return true;
}

bool hd_session_settle(struct hd_session *session, const struct hd_window *window,
                       struct hd_series *series, struct hd_error *error)
{
  if (!series->points.count)
    return hd_fail_input(error, "there is no snapshot in what was named");
  if (!settle_numbers(window, series, error))
    return false;
  settle_ends(session, window, series);
  if (session->chosen.count > 1 && hd_session_is_one_series(session) &&
      !note_gaps(session, series, error))
    return false;
  if (!settle_window(session, window, series, error))
    return false;
  note_order(session, series);
  note_numbers(session, series);
  note_cut(session, series);
  hd_session_note_symbols(session, series->pool, is_unnamed(series));
  return true;
}

bool hd_session_load(struct hd_session *session, const struct hd_window *window,
                     struct hd_series *series, struct hd_error *error)
{
  if (!hd_session_load_files(session, series, error))
    return false;
  hd_symbolizer_keep(session->symbolizer);
  return hd_session_settle(session, window, series, error);
}
