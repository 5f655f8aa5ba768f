/* Questions to a session; each makes a view. */
#ifndef HEAPDIFF_QUERY_H
#define HEAPDIFF_QUERY_H

#include <heapdiff/session.h>
#include <heapdiff/view.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A time: of the clock (ns since 1970), or so many ns before the last snapshot. */
struct hd_moment {
  enum { HD_MOMENT_NONE, HD_MOMENT_AT, HD_MOMENT_BEFORE_END } kind;
  int64_t ns;
};

/* Which snapshots of a series count. */
struct hd_window {
  int64_t skip_warmup_ns; /* the first so many ns of the process's life do not; 0 all */
  struct hd_moment since, until;
  int64_t last;           /* only so many at the end; 0 all */
  int64_t base, end;      /* only from this snapshot to that: numbers from 1 on, as
                           * hd_snapshots has them; 0: from the first, to the last */
};

struct hd_query {
  const char *measure; /* NULL: inuse_space, else the file's default */
  const char *by;      /* NULL: site */
  const char *sort;    /* NULL: by score (value, where there is one snapshot) */
  bool cum;            /* rank by what was allocated at or below the row */
  int64_t nodecount;   /* rows at most; 0: all */
  const char *focus, *ignore, *hide, *show; /* regular expressions, NULL none */
  bool pprof_layout;   /* columns as `go tool pprof -top` has them */
  bool since_last;     /* top: a column of what came since the last snapshot but one */
  bool keep_small;     /* pprof_layout, tree: the functions, too, that pprof leaves out */
  struct hd_window window;
  int64_t limit;       /* of the process's memory, in bytes; 0: what the snapshots say */
  const char *pattern; /* list, explain, peek: which functions */
  const char *const *source_paths; /* list: where to look for source files */
  size_t source_path_count;
  const char *const *trim_paths;   /* list: prefixes to take off file names */
  size_t trim_path_count;
};

/* The rows that gained most. Reads what was selected. */
bool hd_top(hd_session *session, const struct hd_query *query, hd_view **view,
            struct hd_error *error);
/* The annotated source of the functions that match query->pattern. */
bool hd_list(hd_session *session, const struct hd_query *query, hd_view **view,
             struct hd_error *error);
/* All that speaks for and against a leak, of each call site that matches
 * query->pattern; at most query->nodecount of them. */
bool hd_explain(hd_session *session, const struct hd_query *query, hd_view **view,
                struct hd_error *error);
/* Functions among their callers and callees, as `go tool pprof -tree` has them and
 * trims them; at most query->nodecount. */
bool hd_tree(hd_session *session, const struct hd_query *query, hd_view **view,
             struct hd_error *error);
/* The same of the functions that match query->pattern, nothing trimmed. */
bool hd_peek(hd_session *session, const struct hd_query *query, hd_view **view,
             struct hd_error *error);
/* Every stack with what it holds or gained, the largest first. */
bool hd_traces(hd_session *session, const struct hd_query *query, hd_view **view,
               struct hd_error *error);
/* The snapshots that a session keeps, a row each: its number, when it was taken, what it
 * holds, and whether the window takes it. */
bool hd_snapshots(hd_session *session, const struct hd_query *query, hd_view **view,
                  struct hd_error *error);
/* What each snapshot is and holds. */
bool hd_info(hd_session *session, hd_view **view, struct hd_error *error);

/* The words that `measure`, `by` and `sort` take, for help and completion: NULL
 * past the last one. */
const char *hd_measure_name(size_t i);
const char *hd_grouping_name(size_t i);
const char *hd_sort_name(size_t i);
const char *hd_format_name(size_t i);    /* of snapshots, for session options */
const char *hd_format_summary(size_t i);

#ifdef __cplusplus
}
#endif

#endif
