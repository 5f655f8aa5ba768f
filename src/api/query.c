/* `top`, `list` and `explain`: from the words of a query to a view. */
#include "api/session.h"

#include "analysis/evidence.h"
#include "analysis/list.h"
#include "analysis/top.h"
#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a query needs while it runs. */
struct query_run {
  struct hd_session *session;
  const struct hd_query *query;
  struct hd_filters filters;
  struct hd_pool *pool;
  struct hd_series series;
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

static void say_text(struct hd_session *session, const char *option, const char *pattern,
                     const struct hd_regex *regex)
{
  if (hd_regex_wrong(regex))
    hd_session_add_note(session, HD_NOTE_INFO, "pattern-is-text",
                        "%s: '%s' is no regular expression (%s): it is taken as text", option,
                        pattern, hd_regex_wrong(regex));
}

static bool make_filter(struct query_run *run, const char *pattern, const char *option,
                        struct hd_regex **regex, struct hd_error *error)
{
  if (!hd_regex_create_or_text(pattern, regex, error))
    return false;
  say_text(run->session, option, pattern, *regex);
  return true;
}

static bool compile(struct query_run *run, const char *pattern, const char *option,
                    struct hd_regex **regex, struct hd_error *error)
{
  if (!pattern || !pattern[0])
    return true;
  hd_buffer_printf(&run->filter_words, "%s%s=%s", run->filter_words.length ? ", " : "", option + 2,
                   pattern);
  if (run->filter_words.failed)
    return hd_fail_memory(error);
  return make_filter(run, pattern, option, regex, error);
}

static bool compile_wrappers(struct query_run *run, struct hd_error *error)
{
  const struct hd_session_options *options = &run->session->options;
  run->filters.wrappers = hd_alloc_zeroed(options->wrapper_count, sizeof *run->filters.wrappers);
  if (!run->filters.wrappers)
    return hd_fail_memory(error);
  run->filters.wrapper_count = options->wrapper_count;
  for (size_t i = 0; i < options->wrapper_count; i++)
    if (!make_filter(run, options->wrappers[i], "--wrapper", &run->filters.wrappers[i], error))
      return false;
  return true;
}

static bool compile_filters(struct query_run *run, struct hd_error *error)
{
  const struct hd_query *query = run->query;
  return compile(run, query->focus, "--focus", &run->filters.focus, error) &&
         compile(run, query->ignore, "--ignore", &run->filters.ignore, error) &&
         compile(run, query->hide, "--hide", &run->filters.hide, error) &&
         compile(run, query->show, "--show", &run->filters.show, error) &&
         compile_wrappers(run, error);
}

static bool prepare(struct query_run *run, enum hd_grouping by, struct hd_error *error)
{
  run->directory = getcwd(NULL, 0);
  if (!compile_filters(run, error) || !hd_pool_create(&run->pool, error))
    return false;
  hd_series_init(&run->series, run->pool, &run->filters, by);
  return true;
}

static void finish(struct query_run *run)
{
  hd_series_deinit(&run->series);
  hd_pool_destroy(run->pool);
  for (size_t i = 0; run->filters.wrappers && i < run->filters.wrapper_count; i++)
    hd_regex_destroy(run->filters.wrappers[i]);
  hd_free(run->filters.wrappers);
  hd_regex_destroy(run->filters.focus);
  hd_regex_destroy(run->filters.ignore);
  hd_regex_destroy(run->filters.hide);
  hd_regex_destroy(run->filters.show);
  hd_buffer_deinit(&run->filter_words);
  hd_free(run->directory);
}

/* The measure that was asked for, if every snapshot has it; else inuse_space,
 * else whatever there is. */
static bool choose_measure(struct query_run *run, struct hd_error *error)
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
    return hd_fail_usage(error, "--measure: %s is not in every snapshot (absent is not zero); "
                                "`heapdiff info` shows what is", hd_measures[run->measure].name);
  }
  for (int i = 0; i < HD_MEASURES; i++)
    if (run->series.has[i] && hd_measures[i].merge == HD_MERGE_SUM) {
      run->measure = (enum hd_measure)i;
      return true;
    }
  return hd_fail_input(error, "the snapshots have no measure in common");
}

static bool run_top(struct query_run *run, struct hd_error *error)
{
  const struct hd_query *query = run->query;
  int by = query->pprof_layout ? HD_BY_FUNCTION : HD_BY_SITE, sort = HD_SORT_DEFAULT;
  if ((query->by && !find_word(hd_grouping_names, query->by, "--by", &by, error)) ||
      (query->sort && !find_word(hd_sort_names, query->sort, "--sort", &sort, error)))
    return false;
  if (query->pprof_layout && query->by && by != HD_BY_FUNCTION)
    return hd_fail_usage(error, "--pprof shows functions: it does not go with --by %s", query->by);
  if (!prepare(run, (enum hd_grouping)by, error))
    return false;
  run->filters.keep_wrappers = query->pprof_layout;
  run->series.want_cum = query->cum || query->pprof_layout || sort == HD_SORT_CUM;
  if (!hd_session_load(run->session, &run->query->window, &run->series, error) ||
      !choose_measure(run, error) || !hd_view_create("heapdiff.top/1", HD_VIEW_GRID, &run->view, error))
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
  bool fine = prepare(run, HD_BY_SITE, error);
  run->series.want_cum = run->series.want_edges = true;
  fine = fine && hd_session_load(run->session, &run->query->window, &run->series, error) &&
         choose_measure(run, error) &&
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
    say_text(run->session, "list", query->pattern, pattern);
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
  bool fine = prepare(run, HD_BY_SITE, error) &&
              hd_session_load(run->session, &run->query->window, &run->series, error) &&
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
    say_text(run->session, "explain", query->pattern, pattern);
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
