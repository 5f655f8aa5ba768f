/* `top`, `list` and `explain`: from the words of a query to a view. */
#include "api/kept.h"

#include "analysis/evidence.h"
#include "analysis/list.h"
#include "analysis/snapshots.h"
#include "analysis/top.h"
#include "analysis/tree.h"
#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a query needs while it runs. */
struct query_run {
  struct hd_session *session;
  const struct hd_query *query;
  struct hd_filters filters; /* and the pool: of a session that keeps nothing */
  struct hd_pool *pool;
  struct hd_series series;
  const struct hd_survey *survey; /* of a session that keeps its snapshots */
  bool keeps_for_now;
  enum hd_measure measure;
  struct hd_buffer filter_words;
  char *directory;
  struct hd_view *view;
};

static bool find_word(const char *const *words, const char *word, const char *option, int *found,
                      struct hd_error *error)
{
  for (*found = 0; words[*found]; ++*found)
    if (strcmp(words[*found], word) == 0)
      return true;
  return hd_fail_usage(error, "%s: there is no '%s'", option, word);
}

static void say_filter(struct query_run *run, const char *name, const char *pattern)
{
  if (pattern && pattern[0])
    hd_buffer_printf(&run->filter_words, "%s%s=%s", run->filter_words.length ? ", " : "", name,
                     pattern);
}

/* The series: from what the session keeps, else read for this question alone. */
static bool load(struct query_run *run, struct hd_fold_spec spec, struct hd_error *error)
{
  const struct hd_query *query = run->query;
  const struct hd_series *kept;
  run->directory = getcwd(NULL, 0);
  spec.filters = (struct hd_filter_texts){query->focus, query->ignore, query->hide, query->show};
  say_filter(run, "focus", query->focus);
  say_filter(run, "ignore", query->ignore);
  say_filter(run, "hide", query->hide);
  say_filter(run, "show", query->show);
  if (run->filter_words.failed)
    return hd_fail_memory(error);
  if (run->session->kept) {
    return hd_kept_survey(run->session, &spec, &kept, &run->survey, error) &&
           hd_series_borrow(&run->series, kept, error) &&
           hd_session_settle(run->session, &query->window, &run->series, error);
  }
  if (!hd_filters_init(&run->filters, run->session, &spec.filters, error) ||
      !hd_pool_create(&run->pool, error))
    return false;
  run->filters.keep_wrappers = spec.keep_wrappers;
  hd_series_init(&run->series, run->pool, &run->filters, spec.by);
  run->series.jobs = hd_session_jobs(run->session);
  run->series.want_cum = spec.want_cum;
  run->series.want_edges = spec.want_edges;
  run->series.tell_inlined = spec.tell_inlined;
  return hd_session_load(run->session, &query->window, &run->series, error);
}

static void finish(struct query_run *run)
{
  hd_series_deinit(&run->series);
  if (run->keeps_for_now) {
    hd_kept_set_destroy(run->session->kept);
    run->session->kept = NULL;
  }
  hd_pool_destroy(run->pool);
  hd_filters_deinit(&run->filters);
  hd_buffer_deinit(&run->filter_words);
  hd_free(run->directory);
}

/* The measure that was asked for, if every snapshot has it; else inuse_space,
 * else whatever there is. */
static bool find_measure(struct query_run *run, struct hd_error *error)
{
  const char *name = run->query->measure;
  if (name) {
    if (!hd_measure_choose(name, &run->measure, error))
      return false;
    if (hd_measures[run->measure].merge == HD_MERGE_MAX)
      return hd_fail_usage(error, "--measure: %s does not add up: it is shown beside %s",
                           hd_measures[run->measure].name,
                           hd_measures[hd_measures[run->measure].beside].name);
    if (run->series.has[run->measure])
      return true;
    return hd_fail_usage(error,
                         "--measure: %s is not in every snapshot (absent is not zero); "
                         "`heapdiff info` shows what is",
                         hd_measures[run->measure].name);
  }
  return hd_series_first_measure(&run->series, &run->measure) ||
         hd_fail_input(error, "the snapshots have no measure in common");
}

static bool choose_measure(struct query_run *run, struct hd_error *error)
{
  if (!find_measure(run, error))
    return false;
  if (hd_measures[run->measure].nature == HD_NATURE_GAUGE)
    hd_session_note_partly_freed(run->session, &run->series);
  return true;
}

/* What top folds by, and sorts by. */
static bool top_spec(const struct hd_query *query, struct hd_fold_spec *spec, int *sort,
                     struct hd_error *error)
{
  int by = query->pprof_layout ? HD_BY_FUNCTION : HD_BY_SITE;
  *sort = HD_SORT_DEFAULT;
  if ((query->by && !find_word(hd_grouping_names, query->by, "--by", &by, error)) ||
      (query->sort && !find_word(hd_sort_names, query->sort, "--sort", sort, error)))
    return false;
  if (query->pprof_layout && query->by && by != HD_BY_FUNCTION)
    return hd_fail_usage(error, "--pprof shows functions: it does not go with --by %s", query->by);
  *spec = (struct hd_fold_spec){.by = (enum hd_grouping)by, .keep_wrappers = query->pprof_layout};
  spec->want_cum = query->cum || query->pprof_layout || *sort == HD_SORT_CUM;
  return true;
}

static const struct hd_fold_spec list_spec = {
    .by = HD_BY_SITE, .want_cum = true, .want_edges = true};
static const struct hd_fold_spec stacks_spec = {
    .by = HD_BY_STACK, .tell_inlined = true, .keep_wrappers = true};
static const struct hd_fold_spec calls_spec = {.by = HD_BY_FUNCTION, .keep_wrappers = true};

static bool run_top(struct query_run *run, struct hd_error *error)
{
  const struct hd_query *query = run->query;
  struct hd_fold_spec spec;
  int sort;
  if (!top_spec(query, &spec, &sort, error) || !load(run, spec, error) ||
      !choose_measure(run, error) ||
      !hd_view_create("heapdiff.top/1", HD_VIEW_GRID, &run->view, error))
    return false;
  if (query->limit && run->measure != HD_INUSE_SPACE)
    hd_session_add_note(run->session, HD_NOTE_WARNING, "limit-of-memory",
                        "--limit is of memory, and says nothing of %s",
                        hd_measures[run->measure].name);
  struct hd_top_options options = {
      .measure = run->measure,
      .sort = (enum hd_sort)sort,
      .cum = query->cum || sort == HD_SORT_CUM,
      .keep = query->nodecount > 0 ? (size_t)query->nodecount : 0,
      .keep_small = query->keep_small,
      .since_last = query->since_last,
      .limit = query->limit,
      .filters = hd_buffer_text(&run->filter_words),
      .names = {run->directory},
  };
  return (query->pprof_layout ? hd_top_build_pprof : hd_top_build)(&run->series, &options,
                                                                   run->view, error) &&
         hd_session_give_notes(run->session, run->view, error);
}

static bool run_list(struct query_run *run, struct hd_error *error)
{
  const struct hd_query *query = run->query;
  struct hd_regex *pattern;
  if (!query->pattern || !query->pattern[0])
    return hd_fail_usage(error, "list wants a pattern of function names");
  if (!hd_regex_create_or_text(query->pattern, &pattern, error))
    return false;
  bool fine = load(run, list_spec, error) && choose_measure(run, error) &&
              hd_view_create("heapdiff.list/1", HD_VIEW_SOURCE, &run->view, error);
  if (fine) {
    struct hd_list_options options = {
        .measure = run->measure,
        .pattern = pattern,
        .pattern_text = query->pattern,
        .filters = hd_buffer_text(&run->filter_words),
        .names = {run->directory},
        .search = {query->source_paths, query->source_path_count, query->trim_paths,
                   query->trim_path_count},
    };
    fine = hd_list_build(&run->series, &options, run->view, error) &&
           hd_session_give_notes(run->session, run->view, error);
  }
  if (!fine && error->kind == HD_ERROR_USAGE)
    hd_filters_say_text(run->session, "list", query->pattern, pattern);
  hd_regex_destroy(pattern);
  return fine;
}

static bool run_explain(struct query_run *run, struct hd_error *error)
{
  const struct hd_query *query = run->query;
  struct hd_regex *pattern;
  if (!query->pattern || !query->pattern[0])
    return hd_fail_usage(error, "explain wants a pattern of function names");
  if (!hd_regex_create_or_text(query->pattern, &pattern, error))
    return false;
  bool fine = load(run, (struct hd_fold_spec){.by = HD_BY_SITE}, error) &&
              choose_measure(run, error) &&
              hd_view_create("heapdiff.explain/1", HD_VIEW_EVIDENCE, &run->view, error);
  if (fine) {
    struct hd_evidence_options options = {
        .measure = run->measure,
        .pattern = pattern,
        .pattern_text = query->pattern,
        .filters = hd_buffer_text(&run->filter_words),
        .keep = query->nodecount > 0 ? (size_t)query->nodecount : 0,
        .names = {run->directory},
    };
    fine = hd_evidence_build(&run->series, &options, run->view, error) &&
           hd_session_give_notes(run->session, run->view, error);
  }
  if (!fine && error->kind == HD_ERROR_USAGE)
    hd_filters_say_text(run->session, "explain", query->pattern, pattern);
  hd_regex_destroy(pattern);
  return fine;
}

/* tree, peek and traces are of functions as they call each other: none is a wrapper. */
static struct hd_tree_options tree_options(const struct query_run *run,
                                           const struct hd_regex *pattern)
{
  const struct hd_query *query = run->query;
  return (struct hd_tree_options){
      .measure = run->measure,
      .keep = query->nodecount > 0 && !pattern ? (size_t)query->nodecount : 0,
      .cum = query->cum || (query->sort && strcmp(query->sort, "cum") == 0),
      .pattern = pattern,
      .pattern_text = query->pattern,
      .filters = hd_buffer_text(&run->filter_words),
      .keep_small = query->keep_small,
  };
}

/* tree, and peek, which has a pattern: of the contexts of all stacks, which only a session
 * that keeps its snapshots has. */
static bool run_calls(struct query_run *run, const char *schema, const struct hd_regex *pattern,
                      struct hd_error *error)
{
  if (!run->session->kept) {
    run->keeps_for_now = true;
    if (!hd_session_keep(run->session, error))
      return false;
  }
  if (!load(run, calls_spec, error) || !choose_measure(run, error) ||
      !hd_view_create(schema, HD_VIEW_CALLS, &run->view, error))
    return false;
  const struct hd_point *points = run->series.points.items;
  size_t last = run->series.points.count - 1;
  struct hd_tree_options options = tree_options(run, pattern);
  struct hd_calls_source source = {.series = &run->series,
                                   .survey = run->survey,
                                   .before =
                                       last ? hd_kept_tally(run->session, points[0].number) : NULL,
                                   .after = hd_kept_tally(run->session, points[last].number),
                                   .measure = run->measure};
  return hd_tree_build(&source, &options, run->view, error) &&
         hd_session_give_notes(run->session, run->view, error);
}

static bool run_snapshots(struct query_run *run, struct hd_error *error)
{
  const struct hd_series *all;
  struct hd_fold_spec spec = {.by = HD_BY_SITE};
  if (!run->session->kept)
    return hd_fail_usage(error, "the session keeps no snapshots");
  return load(run, spec, error) && choose_measure(run, error) &&
         hd_kept_series(run->session, &spec, &all, error) &&
         hd_view_create("heapdiff.snapshots/1", HD_VIEW_GRID, &run->view, error) &&
         hd_snapshots_build(all, &run->series, run->measure, run->view, error) &&
         hd_session_give_notes(run->session, run->view, error);
}

static bool run_tree(struct query_run *run, struct hd_error *error)
{
  return run_calls(run, "heapdiff.tree/1", NULL, error);
}

static bool run_traces(struct query_run *run, struct hd_error *error)
{
  if (!load(run, stacks_spec, error) || !choose_measure(run, error) ||
      !hd_view_create("heapdiff.traces/1", HD_VIEW_GRID, &run->view, error))
    return false;
  struct hd_tree_options options = tree_options(run, NULL);
  return hd_traces_build(&run->series, &options, run->view, error) &&
         hd_session_give_notes(run->session, run->view, error);
}

static bool run_peek(struct query_run *run, struct hd_error *error)
{
  const struct hd_query *query = run->query;
  struct hd_regex *pattern;
  if (!query->pattern || !query->pattern[0])
    return hd_fail_usage(error, "peek wants a pattern of function names");
  if (!hd_regex_create_or_text(query->pattern, &pattern, error))
    return false;
  bool fine = run_calls(run, "heapdiff.peek/1", pattern, error);
  if (!fine && error->kind == HD_ERROR_USAGE)
    hd_filters_say_text(run->session, "peek", query->pattern, pattern);
  hd_regex_destroy(pattern);
  return fine;
}

static bool answer(hd_session *session, const struct hd_query *query,
                   bool (*make)(struct query_run *run, struct hd_error *error), hd_view **view,
                   struct hd_error *error)
{
  struct query_run run = {.session = session, .query = query};
  bool fine = make(&run, error);
  finish(&run);
  if (!fine) {
    hd_view_destroy(run.view);
    run.view = NULL;
  }
  *view = run.view;
  return fine;
}

bool hd_top(hd_session *session, const struct hd_query *query, hd_view **view,
            struct hd_error *error)
{
  return answer(session, query, run_top, view, error);
}

bool hd_list(hd_session *session, const struct hd_query *query, hd_view **view,
             struct hd_error *error)
{
  return answer(session, query, run_list, view, error);
}

bool hd_explain(hd_session *session, const struct hd_query *query, hd_view **view,
                struct hd_error *error)
{
  return answer(session, query, run_explain, view, error);
}

bool hd_tree(hd_session *session, const struct hd_query *query, hd_view **view,
             struct hd_error *error)
{
  return answer(session, query, run_tree, view, error);
}

bool hd_peek(hd_session *session, const struct hd_query *query, hd_view **view,
             struct hd_error *error)
{
  return answer(session, query, run_peek, view, error);
}

bool hd_traces(hd_session *session, const struct hd_query *query, hd_view **view,
               struct hd_error *error)
{
  return answer(session, query, run_traces, view, error);
}

bool hd_snapshots(hd_session *session, const struct hd_query *query, hd_view **view,
                  struct hd_error *error)
{
  return answer(session, query, run_snapshots, view, error);
}

void hd_session_prepare(hd_session *session, const struct hd_query *query)
{
  struct hd_error error = HD_ERROR_INIT;
  /* Of them top and explain judge, and what list wants serves top --cum, too. */
  struct hd_fold_spec specs[] = {{0}, list_spec, calls_spec, stacks_spec};
  enum { JUDGED = 2 };
  struct hd_kept_judging judging = {.measure = -1};
  enum hd_measure measure;
  int sort;
  if (!session->kept || !top_spec(query, &specs[0], &sort, &error))
    return;
  judging.settling = hd_session_settling(session, &query->window);
  if (query->measure && hd_measure_choose(query->measure, &measure, &error))
    judging.measure = (int)measure;
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    specs[i].filters =
        (struct hd_filter_texts){query->focus, query->ignore, query->hide, query->show};
    judging.wanted = i < JUDGED;
    hd_kept_prepare(session, &specs[i], &judging);
  }
}
