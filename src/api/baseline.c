/* `baseline update` and `baseline show`. */
#include "api/check_run.h"

#include "analysis/headline.h"
#include "api/new_file.h"
#include "gate/baseline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct update {
  struct hd_session *session;
  struct hd_check_run run; /* across.before is the old baseline, across.after the new one */
  bool has_old;
  const char *program;
  struct hd_buffer text;
  struct hd_view *view;
  struct hd_error *error;
};

/* An old one that cannot be read is replaced, and that is said. */
static bool read_old(struct update *update, const char *path)
{
  struct hd_error error = HD_ERROR_INIT;
  if (access(path, F_OK) != 0)
    return true;
  update->has_old = hd_check_read_baseline(&update->run.across.before, path, &error);
  if (error.kind == HD_ERROR_INTERNAL || error.kind == HD_ERROR_USAGE) {
    *update->error = error;
    return false;
  }
  if (!update->has_old) {
    char text[1400];
    hd_error_format(&error, text, sizeof text);
    hd_session_add_note(update->session, HD_NOTE_WARNING, "baseline-damaged", "%s: it is replaced",
                        text);
    hd_side_deinit(&update->run.across.before);
    hd_side_init(&update->run.across.before, &update->run.frames);
  }
  return true;
}

static bool read_new(struct update *update, const char *const *paths, size_t count)
{
  struct hd_check_run *run = &update->run;
  struct hd_side_options options = {.wrappers = run->filters.wrappers,
                                    .wrapper_count = run->filters.wrapper_count};
  run->across.after.keep_runs = true;
  run->pid = update->session->options.pid;
  run->program = hd_check_program(&run->across.before);
  for (size_t i = 0; i < count || !i; i++) {
    if (!hd_check_load_run(run, count ? &paths[i] : NULL, count ? 1 : 0, update->error))
      return false;
    const struct hd_series *series = hd_check_newest(run);
    const struct hd_point *last = &series->points.items[series->points.count - 1];
    update->program = last->program ? hd_base_name(last->program) : NULL;
    if (!hd_side_add_run(&run->across.after, series, series->points.count - 1, &options, NULL,
                         update->error))
      return hd_error_in(update->error, run->runs.items[i].name);
  }
  hd_side_finish(&run->across.after);
  return true;
}

static bool write_file(const char *path, const struct hd_buffer *text, struct hd_error *error)
{
  struct hd_new_file file = {.fd = -1};
  bool fine = hd_new_file_create(&file, path, false, error) &&
              hd_new_file_write(&file, text->data, text->length, error) &&
              hd_new_file_finish(&file, error);
  hd_new_file_drop(&file);
  return fine || hd_error_in(error, path);
}

/* --- what changes ------------------------------------------------------------------------- */

static const struct hd_column columns[] = {
    {"growth", "CHANGE", HD_FOR_ALL, false, 0},     {"interval", "", HD_FOR_ALL, true, 0},
    {"before", "BEFORE", HD_FOR_ALL, false, 0},     {"after", "AFTER", HD_FOR_ALL, false, 0},
    {"matched", "MATCHED BY", HD_FOR_ALL, true, 1}, {"name", "CALL SITE", HD_FOR_ALL, true, 0},
    {"stack", "", HD_FOR_PROGRAMS, true, 0},
};

static int by_change(const void *left, const void *right)
{
  const struct hd_site *a = *(const struct hd_site *const *)left;
  const struct hd_site *b = *(const struct hd_site *const *)right;
  double x = fabs(a->after.value - a->before.value), y = fabs(b->after.value - b->before.value);
  if (x < y || x > y)
    return x < y ? 1 : -1;
  return (a->frame > b->frame) - (a->frame < b->frame);
}

/* "cache_put  cache.c" and the functions above it. */
static bool name_site(struct hd_view *view, const struct hd_sites *sites,
                      const struct hd_site *site, struct hd_cell *name, struct hd_cell *stack)
{
  const struct hd_side *side = site->gone ? sites->before : sites->after;
  const struct hd_strings *strings = side->frames->strings;
  const struct hd_side_row *row = &side->rows.items[site->row];
  const struct hd_side_frame *frame = hd_side_frame_at(side->frames, site->frame);
  const char *file = hd_strings_text(strings, frame->file);
  const char **texts = hd_arena_alloc(&view->arena, row->count * sizeof *texts);
  *name = hd_cell_text(hd_view_text(view, hd_strings_text(strings, frame->function)));
  name->tail = frame->line == HD_NO_LINE ? hd_view_text(view, file)
                                         : hd_view_printf(view, "%s+%" PRId32, file, frame->line);
  for (uint32_t i = 0; texts && i < row->count; i++) {
    const struct hd_side_frame *caller =
        hd_side_frame_at(side->frames, side->chain.items[row->first + i]);
    texts[i] = hd_view_text(view, hd_strings_text(strings, caller->function));
    if (!texts[i])
      return false;
  }
  *stack = (struct hd_cell){.kind = HD_CELL_LIST, .texts = texts, .count = row->count};
  return name->text && name->tail && texts;
}

static bool add_change(struct hd_view *view, const struct hd_sites *sites,
                       const struct hd_site *site)
{
  enum hd_measure measure = sites->measure;
  double error = sqrt(site->before.variance / (double)sites->before->runs +
                      site->after.variance / (double)sites->after->runs);
  double growth = site->after.value - site->before.value;
  struct hd_cell *cells = hd_grid_add_row(view, growth > 0   ? HD_TONE_GREW
                                                : growth < 0 ? HD_TONE_SHRANK
                                                             : HD_TONE_FAINT);
  if (!cells || !name_site(view, sites, site, &cells[5], &cells[6]))
    return false;
  cells[0] = hd_measure_cell(measure, llround(growth), true);
  if (error > 0) {
    cells[1] = hd_measure_cell(measure, llround(HD_NORMAL_95 * error), false);
    cells[1].interval = true;
  }
  cells[2] = hd_measure_cell(measure, llround(site->before.value), false);
  cells[3] = hd_measure_cell(measure, llround(site->after.value), false);
  cells[4] = hd_cell_text(site->gone ? "gone" : site->is_new ? "new" : hd_match_names[site->level]);
  return true;
}

static bool fill_changes(struct hd_view *view, const struct hd_comparison *of, size_t keep,
                         struct hd_error *error)
{
  int m = 0;
  while (!of->has[m])
    m++;
  const struct hd_sites *sites = &of->sites[m];
  size_t count = 0;
  HD_SCOPED_FREE const struct hd_site **order = hd_alloc_zeroed(sites->items.count, sizeof *order);
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    if (!hd_vec_push(&view->grid.columns, columns[i]))
      return hd_fail_memory(error);
  if (!order)
    return hd_fail_memory(error);
  for (size_t i = 0; i < sites->items.count; i++) {
    const struct hd_site *site = &sites->items.items[i];
    bool holds = llround(site->after.value) != 0 || llround(site->before.value) != 0;
    if (llround(site->after.value - site->before.value) != 0 ||
        (holds && (site->gone || site->is_new)))
      order[count++] = site;
  }
  if (count)
    qsort(order, count, sizeof *order, by_change);
  for (size_t i = 0; i < count && (!keep || i < keep); i++)
    if (!add_change(view, sites, order[i]))
      return hd_fail_memory(error);
  double before = hd_side_total(&of->before, sites->measure).value;
  double after = hd_side_total(&of->after, sites->measure).value;
  struct hd_cell *total = view->grid.total.cells = hd_grid_make_cells(view);
  if (!total)
    return hd_fail_memory(error);
  view->grid.has_total = true;
  total[0] = hd_measure_cell(sites->measure, llround(after) - llround(before), true);
  total[2] = hd_measure_cell(sites->measure, llround(before), false);
  total[3] = hd_measure_cell(sites->measure, llround(after), false);
  total[5] = hd_cell_text("TOTAL");
  const char *text = hd_view_printf(view, "%zu call site%s of %zu changed, %zu chain%s, %zu run%s",
                                    count, count == 1 ? "" : "s", sites->items.count,
                                    of->after.rows.count, of->after.rows.count == 1 ? "" : "s",
                                    of->after.runs, of->after.runs == 1 ? "" : "s");
  return (text || hd_fail_memory(error)) &&
         hd_view_add_headline(view, (struct hd_headline){0, text, {0}, "", false}, error);
}

static bool say_changes(struct update *update, size_t keep)
{
  struct hd_comparison *across = &update->run.across;
  if (!update->has_old) {
    bool has[HD_MEASURES];
    for (int i = 0; i < HD_MEASURES; i++)
      has[i] = across->after.column[i] >= 0;
    hd_side_set_measures(&across->before, has);
    across->before.runs = 1;
  }
  return hd_comparison_finish(across, update->error) &&
         hd_view_create("heapdiff.baseline/1", HD_VIEW_GRID, &update->view, update->error) &&
         fill_changes(update->view, across, keep, update->error) &&
         hd_session_give_notes(update->session, update->view, update->error);
}

bool hd_baseline_update(hd_session *session, const char *path, const char *const *paths,
                        size_t count, int64_t nodecount, hd_view **view, struct hd_error *error)
{
  struct update update = {.session = session, .error = error, .text = HD_BUFFER_INIT};
  bool fine = hd_check_run_init(&update.run, session, error) && read_old(&update, path) &&
              read_new(&update, paths, count) &&
              hd_baseline_write(&update.run.across.after, update.program, &update.text, error) &&
              say_changes(&update, nodecount > 0 ? (size_t)nodecount : 0) &&
              write_file(path, &update.text, error);
  if (!fine) {
    hd_view_destroy(update.view);
    update.view = NULL;
  }
  *view = update.view;
  hd_buffer_deinit(&update.text);
  hd_check_run_deinit(&update.run);
  return fine;
}

/* --- what is in one ------------------------------------------------------------------------ */

static bool fill_shown(struct hd_view *view, struct hd_comparison *of, size_t keep,
                       struct hd_error *error)
{
  if (!hd_comparison_finish(of, error) || !fill_changes(view, of, keep, error))
    return false;
  view->headline.count = 0;
  const char *text = hd_view_printf(view, "%zu chain%s, %zu run%s", of->after.rows.count,
                                    of->after.rows.count == 1 ? "" : "s", of->after.runs,
                                    of->after.runs == 1 ? "" : "s");
  /* Nothing is before it. */
  struct hd_column *shown = view->grid.columns.items;
  shown[0].key = "value";
  shown[0].title = "HOLDS";
  view->grid.total.cells[0].sign = false;
  for (size_t i = 0; i < view->grid.rows.count; i++)
    view->grid.rows.items[i].cells[0].sign = false;
  shown[2].audience = shown[3].audience = shown[4].audience = HD_FOR_PROGRAMS;
  return (text || hd_fail_memory(error)) &&
         hd_view_add_headline(view, (struct hd_headline){0, text, {0}, "", false}, error);
}

bool hd_baseline_show(hd_session *session, const char *path, int64_t nodecount, hd_view **view,
                      struct hd_error *error)
{
  struct hd_check_run run;
  struct hd_comparison *across = &run.across;
  *view = NULL;
  bool fine = hd_check_run_init(&run, session, error) &&
              hd_check_read_baseline(&across->after, path, error);
  if (fine) {
    bool has[HD_MEASURES];
    for (int i = 0; i < HD_MEASURES; i++)
      has[i] = across->after.column[i] >= 0;
    hd_side_set_measures(&across->before, has);
    across->before.runs = 1;
    fine = hd_view_create("heapdiff.baseline/1", HD_VIEW_GRID, view, error) &&
           fill_shown(*view, across, nodecount > 0 ? (size_t)nodecount : 0, error);
  }
  if (!fine) {
    hd_view_destroy(*view);
    *view = NULL;
  }
  hd_check_run_deinit(&run);
  return fine;
}
