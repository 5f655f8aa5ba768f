/* The two sides of a check, from what was named. */
#include "api/check_run.h"

#include "analysis/headline.h"

#include "api/read_text.h"
#include "gate/baseline.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool hd_check_run_init(struct hd_check_run *run, struct hd_session *session, struct hd_error *error)
{
  const struct hd_session_options *options = &session->options;
  *run = (struct hd_check_run){.session = session};
  run->filters.keep_wrappers = true;
  run->filters.wrappers = hd_alloc_zeroed(options->wrapper_count, sizeof *run->filters.wrappers);
  if (!run->filters.wrappers)
    return hd_fail_memory(error);
  run->filters.wrapper_count = options->wrapper_count;
  for (size_t i = 0; i < options->wrapper_count; i++)
    if (!hd_regex_create_or_text(options->wrappers[i], &run->filters.wrappers[i], error))
      return false;
  if (!hd_pool_create(&run->pool, error))
    return false;
  run->frames.strings = &run->pool->strings;
  hd_side_init(&run->across.before, &run->frames);
  hd_side_init(&run->across.after, &run->frames);
  hd_side_init(&run->within.before, &run->frames);
  hd_side_init(&run->within.after, &run->frames);
  return true;
}

void hd_check_run_deinit(struct hd_check_run *run)
{
  for (size_t i = 0; i < run->runs.count; i++) {
    hd_series_deinit(&run->runs.items[i].series);
    hd_session_destroy(run->runs.items[i].session);
  }
  hd_vec_deinit(&run->runs);
  hd_comparison_deinit(&run->across);
  hd_comparison_deinit(&run->within);
  hd_suppressions_deinit(&run->suppressions);
  hd_side_frames_deinit(&run->frames);
  for (size_t i = 0; run->filters.wrappers && i < run->filters.wrapper_count; i++)
    hd_regex_destroy(run->filters.wrappers[i]);
  hd_free(run->filters.wrappers);
  hd_pool_destroy(run->pool);
}

const struct hd_series *hd_check_newest(const struct hd_check_run *run)
{
  return &run->runs.items[run->runs.count - 1].series;
}

static void take_notes(struct hd_session *to, const struct hd_session *from)
{
  for (size_t i = 0; i < from->notes.count; i++) {
    const struct hd_note *note = &from->notes.items[i];
    hd_session_add_note(to, note->level, note->code, "%s", note->text);
  }
  to->notes_lost |= from->notes_lost;
}

static const struct hd_point *last_point(const struct hd_series *series)
{
  return &series->points.items[series->points.count - 1];
}

/* False on want of memory. */
static bool know_program(struct hd_check_run *run, const struct hd_check_series *item)
{
  const char *program = last_point(&item->series)->program;
  if (!run->program && program)
    run->program = hd_arena_printf(&run->session->arena, "%s", hd_base_name(program));
  return run->program || !program;
}

bool hd_check_load_run(struct hd_check_run *run, const char *const *paths, size_t count,
                       struct hd_error *error)
{
  struct hd_check_series *item;
  const struct hd_window window = {0};
  if (!hd_vec_push(&run->runs, (struct hd_check_series){.name = count ? paths[0] : ""}))
    return hd_fail_memory(error);
  item = &run->runs.items[run->runs.count - 1];
  hd_series_init(&item->series, run->pool, &run->filters, HD_BY_STACK);
  struct hd_session_options options = run->session->options;
  options.measure = run->measure;
  options.pid = run->pid;
  options.preferred_program = run->program;
  if (!hd_session_create(&options, &item->session, error))
    return false;
  bool fine = hd_session_select(item->session, paths, count, error) &&
              hd_session_load(item->session, &window, &item->series, error);
  take_notes(run->session, item->session);
  return fine && (!item->series.points.count || know_program(run, item) || hd_fail_memory(error));
}

/* --- baselines ---------------------------------------------------------------------------- */

/* Most that a baseline may be: a chain takes some hundred bytes. */
enum { MOST_BASELINE = 1 << 30 };

/* False in *is: it is something else. */
static bool read_baseline(struct hd_side *side, const char *path, bool *is, struct hd_error *error)
{
  HD_SCOPED_FREE char *text = NULL;
  size_t length = 0;
  if (!hd_read_text_of(path, HD_BASELINE_MAGIC, MOST_BASELINE, &text, &length, error))
    return false;
  *is = text != NULL;
  return !text || hd_baseline_read(side, text, length, error) || hd_error_in(error, path);
}

const char *hd_check_program(const struct hd_side *side)
{
  return side->program ? hd_strings_text(side->frames->strings, side->program) : NULL;
}

bool hd_check_read_baseline(struct hd_side *side, const char *path, struct hd_error *error)
{
  bool is;
  if (!read_baseline(side, path, &is, error))
    return false;
  if (!is && access(path, R_OK) != 0)
    hd_fail_input(error, "cannot open: %s", strerror(errno));
  else if (!is)
    hd_fail_input(error, "is no baseline: `heapdiff baseline update` writes one");
  return is || hd_error_in(error, path);
}

static bool load_bases(struct hd_check_run *run, const char *const *baselines, size_t count,
                       struct hd_error *error)
{
  for (size_t i = 0; i < count; i++) {
    bool is;
    if (!read_baseline(&run->across.before, baselines[i], &is, error))
      return false;
    if (is && count > 1)
      return hd_fail_usage(error,
                           "--baseline %s: a baseline file is the whole base: there are "
                           "others beside it",
                           baselines[i]);
    if (is) {
      run->baseline = baselines[i];
      run->program = hd_check_program(&run->across.before);
    } else if (!hd_check_load_run(run, &baselines[i], 1, error))
      return false;
  }
  run->bases = run->baseline ? 0 : count;
  return true;
}

/* --- which are of one process --------------------------------------------------------- */

/* Only what says whose it is can be of one process with another. */
static bool is_one_process(const struct hd_point *a, const struct hd_point *b)
{
  return a->pid > 0 && a->start_ns > 0 && a->boot_id && hd_same_process(a, b);
}

static void drop_run(struct hd_check_run *run, size_t i)
{
  struct hd_check_series *items = run->runs.items;
  hd_series_deinit(&items[i].series);
  hd_session_destroy(items[i].session);
  memmove(items + i, items + i + 1, (--run->runs.count - i) * sizeof *items);
}

/* What is gated with a baseline: of each process the last snapshot. */
static bool load_gated(struct hd_check_run *run, const char *const *paths, size_t count,
                       struct hd_error *error)
{
  if (!count)
    return hd_check_load_run(run, NULL, 0, error);
  for (size_t i = 0; i < count; i++) {
    if (!hd_check_load_run(run, &paths[i], 1, error))
      return false;
    size_t last = run->runs.count - 1;
    if (last > run->bases && is_one_process(last_point(&run->runs.items[last - 1].series),
                                            last_point(&run->runs.items[last].series)))
      drop_run(run, last - 1);
  }
  return true;
}

/* Where rates are asked for, two that do not say whose they are can only be meant as one
 * process's. */
static bool may_be_one(const struct hd_point *a, const struct hd_point *b, bool wants_within)
{
  return is_one_process(a, b) || (wants_within && a->pid <= 0 && b->pid <= 0);
}

/* Two that are named: the base, and what is gated; unless both are of one process. */
static bool load_two(struct hd_check_run *run, const char *const *paths, bool wants_within,
                     struct hd_error *error)
{
  if (!hd_check_load_run(run, &paths[0], 1, error) || !hd_check_load_run(run, &paths[1], 1, error))
    return false;
  if (!may_be_one(last_point(&run->runs.items[0].series), last_point(&run->runs.items[1].series),
                  wants_within)) {
    run->bases = 1;
    return true;
  }
  while (run->runs.count)
    drop_run(run, 0);
  return hd_check_load_run(run, paths, 2, error);
}

static bool load_all(struct hd_check_run *run, const char *const *paths, size_t count,
                     bool wants_within, struct hd_error *error)
{
  if (count == 2)
    return load_two(run, paths, wants_within, error);
  if (!hd_check_load_run(run, paths, count, error))
    return false;
  const struct hd_series *series = hd_check_newest(run);
  const struct hd_point *first = &series->points.items[0], *last = last_point(series);
  if (count < 3 || is_one_process(first, last) || (first->pid <= 0 && last->pid <= 0))
    return true;
  return hd_fail_usage(error, "these snapshots are of several processes: name the base with "
                              "--baseline, once for each run");
}

/* --- sides ------------------------------------------------------------------------------ */

static struct hd_side_options side_options(struct hd_check_run *run)
{
  return (struct hd_side_options){
      .wrappers = run->filters.wrappers,
      .wrapper_count = run->filters.wrapper_count,
      .hide = run->suppressions.items.count ? hd_suppressions_hide : NULL,
      .context = &run->suppressions,
  };
}

static bool add_last(struct hd_check_run *run, struct hd_side *side, size_t i,
                     struct hd_error *error)
{
  struct hd_side_options options = side_options(run);
  const struct hd_series *series = &run->runs.items[i].series;
  return hd_side_add_run(side, series, series->points.count - 1, &options, NULL, error);
}

/* One process at two times. */
static bool compare_ends(struct hd_check_run *run, struct hd_comparison *of, struct hd_error *error)
{
  const struct hd_series *series = hd_check_newest(run);
  size_t last = series->points.count - 1, rows = series->rows.count;
  struct hd_side_options options = side_options(run);
  HD_SCOPED_FREE uint32_t *before = hd_alloc_zeroed(rows, sizeof *before);
  HD_SCOPED_FREE uint32_t *after = hd_alloc_zeroed(rows, sizeof *after);
  HD_SCOPED_FREE struct hd_row_noise *noise = hd_alloc_zeroed(rows, sizeof *noise);
  if (!before || !after || !noise)
    return hd_fail_memory(error);
  if (!hd_side_add_run(&of->before, series, 0, &options, before, error) ||
      !hd_side_add_run(&of->after, series, last, &options, after, error))
    return false;
  hd_side_finish(&of->before);
  hd_side_finish(&of->after);
  for (size_t i = 0; i < of->after.columns; i++) {
    enum hd_measure measure = of->after.measures[i];
    if (!hd_noise_between(series, measure, 0, last, noise, error))
      return false;
    hd_side_set_difference(&of->before, &of->after, series, measure, noise, before, after);
  }
  of->one_process = true;
  of->hours = (double)hd_series_elapsed(series) / 3600e9;
  return hd_comparison_finish(of, error);
}

/* A report of leaks says by itself what is too much. */
static bool compare_with_nothing(struct hd_check_run *run, struct hd_error *error)
{
  const struct hd_series *series = hd_check_newest(run);
  struct hd_comparison *of = &run->across;
  if (!series->has[HD_LEAKED_SPACE])
    return hd_fail_usage(error, "there is one snapshot, and nothing to compare it with: name the "
                                "base in front of it, or with --baseline");
  hd_side_set_measures(&of->before, series->has);
  of->before.runs = 1;
  run->before = "nothing";
  return add_last(run, &of->after, run->runs.count - 1, error) &&
         (hd_side_finish(&of->after), hd_comparison_finish(of, error));
}

/* Of other programs everything would be new. */
static void note_programs(struct hd_check_run *run)
{
  const char *old = run->bases ? last_point(&run->runs.items[0].series)->program
                               : hd_check_program(&run->across.before);
  const char *new = last_point(hd_check_newest(run))->program;
  if (old && new && strcmp(hd_base_name(old), hd_base_name(new)) != 0)
    hd_session_add_note(run->session, HD_NOTE_WARNING, "different-programs",
                        "the base is of %s, what is gated of %s", hd_base_name(old),
                        hd_base_name(new));
}

static bool compare_builds(struct hd_check_run *run, struct hd_error *error)
{
  struct hd_comparison *of = &run->across;
  note_programs(run);
  for (size_t i = 0; i < run->runs.count; i++)
    if (!add_last(run, i < run->bases ? &of->before : &of->after, i, error))
      return hd_error_in(error, run->runs.items[i].name);
  if (!run->baseline)
    hd_side_finish(&of->before);
  hd_side_finish(&of->after);
  return hd_comparison_finish(of, error);
}

static const char *words_of(struct hd_check_run *run, size_t from, size_t to)
{
  const struct hd_check_series *first = &run->runs.items[from];
  const char *name = first->name[0] ? first->name : last_point(&first->series)->path;
  if (to - from > 1)
    return hd_arena_printf(&run->session->arena, "%s and %zu more", name, to - from - 1);
  return hd_arena_printf(&run->session->arena, "%s", name);
}

bool hd_check_load(struct hd_check_run *run, const char *const *paths, size_t count,
                   const char *const *baselines, size_t baseline_count, bool wants_within,
                   struct hd_error *error)
{
  if (!load_bases(run, baselines, baseline_count, error))
    return false;
  run->pid = run->session->options.pid;
  if (baseline_count ? !load_gated(run, paths, count, error)
                     : !load_all(run, paths, count, wants_within, error))
    return false;
  const struct hd_series *series = hd_check_newest(run);
  bool several = series->points.count > 1;
  run->after = words_of(run, run->bases, run->runs.count);
  run->before = run->baseline ? hd_arena_printf(&run->session->arena, "%s", run->baseline)
                : run->bases  ? words_of(run, 0, run->bases)
                              : "the first snapshot";
  if (!run->before || !run->after)
    return hd_fail_memory(error);
  if (!run->bases && !run->baseline)
    return several ? compare_ends(run, &run->across, error) : compare_with_nothing(run, error);
  if (!compare_builds(run, error))
    return false;
  run->has_within = several && wants_within;
  return !run->has_within || compare_ends(run, &run->within, error);
}
