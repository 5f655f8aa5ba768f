/* A view: what a report sees, and all that it sees. Queries build one, reports
 * print it; it owns its memory and refers to nothing outside.
 *
 * Numbers stay numbers until a report prints them: a cell knows what it is
 * (bytes, count, ratio, ...), so that text, JSON, CSV and Markdown cannot drift
 * apart. */
#ifndef HD_ANALYSIS_VIEW_H
#define HD_ANALYSIS_VIEW_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"

#include <heapdiff/view.h>

enum hd_cell_kind {
  HD_CELL_EMPTY,    /* nothing is known or nothing to be said: blank, JSON null */
  HD_CELL_TEXT,     /* text, and `tail` shown behind it */
  HD_CELL_BYTES,    /* integer */
  HD_CELL_COUNT,    /* integer */
  HD_CELL_RATE,     /* integer, bytes (or objects) an hour */
  HD_CELL_NUMBER,   /* number, as it is */
  HD_CELL_RATIO,    /* number; shown as a percentage with one decimal */
  HD_CELL_PPROF_RATIO, /* number; shown as pprof shows percentages */
  HD_CELL_DURATION, /* integer, ns */
  HD_CELL_TIME,     /* integer, ns since 1970 */
  HD_CELL_SPARK,    /* points */
  HD_CELL_LIST,     /* texts, one a line */
  HD_CELL_BOOL,     /* integer 0 or 1 */
};

struct hd_cell {
  enum hd_cell_kind kind;
  bool sign;          /* a gain has a "+" */
  bool objects;       /* of a RATE: counts, not bytes */
  bool interval;      /* half a 95% interval: has a "±" before it */
  int64_t integer;
  double number;
  const char *text, *tail;
  const double *points;
  const char *const *texts;
  size_t count;       /* of points or texts */
};

/* Who sees a column. */
enum hd_audience { HD_FOR_ALL, HD_FOR_PEOPLE, HD_FOR_PROGRAMS };

struct hd_column {
  const char *key;    /* for programs */
  const char *title;  /* for people */
  enum hd_audience audience;
  bool left;          /* aligned; only the last column for people may be cut */
  unsigned spare;     /* left out where the terminal is narrow, 1 first; 0 never */
};

/* How a row is marked for people (colour). */
enum hd_tone { HD_TONE_PLAIN, HD_TONE_GREW, HD_TONE_SHRANK, HD_TONE_FAINT };

struct hd_row_cells {
  struct hd_cell *cells; /* as many as columns */
  enum hd_tone tone;
};

struct hd_grid {
  HD_VEC(struct hd_column) columns;
  HD_VEC(struct hd_row_cells) rows;
  bool has_noise, has_others, has_total;
  /* rows + noise + others = total; noise: the rows that sampling alone may have moved */
  struct hd_row_cells noise, others, total;
  bool pprof_layout;                 /* fixed columns as pprof's top has them */
  bool records;                      /* each row is a record of its own: `title: cell` lines */
};

/* One annotated line of source, or a line inlined into the line above. */
struct hd_source_line {
  uint32_t number;
  uint32_t depth;      /* 0 a line of the function, 1 inlined code below it */
  const char *text;    /* "" where the source is not there */
  const char *origin;  /* depth 1: "helper (inline)  parse.h:31" */
  struct hd_cell flat, interval, cum, before, after; /* interval: of a growth, by the sampling */
  enum hd_tone tone;
};

struct hd_source_function {
  const char *name, *file;
  const char *shown; /* the file for people */
  uint32_t first_line, last_line;
  struct hd_cell flat, interval, before, after, share; /* of its own lines */
  int64_t cum_weight;  /* orders functions that hold nothing themselves; recursion counts
                        * more than once in it, so it is not printed */
  const char *missing; /* why there is no source, NULL where there is */
  HD_VEC(struct hd_source_line) lines;
};

/* A function at an address: the one whose code it is, or one inlined there. */
struct hd_chain_frame {
  const char *function, *file; /* "" unknown */
  uint32_t line, start_line;   /* 0 unknown */
};

/* An address and its frames, innermost inlined call first. */
struct hd_chain {
  uint64_t address;
  size_t first, count; /* in chain_frames; none: nothing is known of it */
};

/* One row's whole evidence. */
struct hd_evidence_fact {
  const char *key, *title;
  struct hd_cell cell;
};

struct hd_evidence {
  const char *name, *place, *why;
  HD_VEC(struct hd_evidence_fact) facts;
  const double *values, *times; /* of the chart; times from 0 to 1 */
  size_t count;
  struct hd_grid series, shapes; /* columns and rows alone */
};

/* What a gate found. */
enum hd_finding_level { HD_FINDING_ERROR, HD_FINDING_WARNING, HD_FINDING_NOTE };

struct hd_finding_line {
  uint32_t number;
  const char *text;
};

struct hd_finding {
  enum hd_finding_level level;
  const char *rule;      /* "max-growth" */
  const char *name;      /* of the call site; "TOTAL" */
  const char *file;      /* its source, relative to the working directory; NULL unknown */
  uint32_t line;         /* 0 unknown */
  const char *text;      /* what was found, in words */
  const char *advice;    /* what to do next; NULL */
  const char *suppressed; /* the pattern that hides it, NULL; and why */
  const char *reason;
  const char *identity;  /* the same in every run, whatever its figures and lines */
  struct hd_cell growth, interval, before, after, budget;
  const char *const *stack; /* from the site on */
  size_t stack_count;
  HD_VEC(struct hd_finding_line) source; /* around the line */
};

enum hd_view_kind {
  HD_VIEW_GRID,
  HD_VIEW_SOURCE,
  HD_VIEW_CHAINS,
  HD_VIEW_EVIDENCE,
  HD_VIEW_FINDINGS, /* with a grid of what was checked */
};

/* A piece of the headline, for people: before + cell + after. */
struct hd_headline {
  unsigned line;
  const char *before;
  struct hd_cell cell;
  const char *after;
  bool gap; /* set apart from the piece before it */
};

/* The same for programs: key and value. */
struct hd_fact {
  const char *key;
  struct hd_cell cell;
};

struct hd_input_fact {
  const char *path;
  int64_t time_ns;
  int64_t total; /* of the measure */
  int64_t rss;   /* -1 unknown */
};

struct hd_view_note {
  const char *level, *code, *text;
};

struct hd_view {
  struct hd_arena arena;
  enum hd_view_kind kind;
  const char *schema; /* "heapdiff.top/1": of the JSON */
  HD_VEC(struct hd_headline) headline;
  HD_VEC(struct hd_fact) facts;
  HD_VEC(struct hd_input_fact) inputs;
  HD_VEC(struct hd_view_note) notes;
  struct hd_grid grid;
  bool has_intervals;                         /* in a source view */
  bool diff;                                  /* a source view of growth, not of one snapshot */
  HD_VEC(struct hd_source_function) functions;
  HD_VEC(struct hd_chain) chains;
  HD_VEC(struct hd_chain_frame) chain_frames;
  HD_VEC(struct hd_evidence) evidence;
  HD_VEC(struct hd_finding) findings;
  HD_VEC(const char *) rules; /* of findings: those that were checked */
  bool passed;
  const char *conclusion;     /* of findings, one line */
  const char *unit;   /* for all byte cells where the user names none; NULL: each its own */
  const char *footer; /* for people at a terminal or in a pipe, NULL none */
};

bool hd_view_create(const char *schema, enum hd_view_kind kind, struct hd_view **view,
                    struct hd_error *error);

/* A terminated copy that lives as long as the view; NULL on want of memory. */
const char *hd_view_text(struct hd_view *view, const char *text);
const char *hd_view_printf(struct hd_view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool hd_view_add_headline(struct hd_view *view, struct hd_headline piece, struct hd_error *error);
bool hd_view_add_fact(struct hd_view *view, const char *key, struct hd_cell cell,
                      struct hd_error *error);
bool hd_view_add_note(struct hd_view *view, const char *level, const char *code, const char *text,
                      struct hd_error *error);
/* Adds a row of empty cells; the pointer is good until the view dies. NULL on
 * want of memory. */
struct hd_cell *hd_grid_add_row(struct hd_view *view, enum hd_tone tone);
struct hd_cell *hd_grid_make_cells(struct hd_view *view);
/* The same for another grid than the view's own. */
struct hd_cell *hd_grid_add_row_to(struct hd_view *view, struct hd_grid *grid, enum hd_tone tone);

struct hd_cell hd_cell_bytes(int64_t bytes, bool sign);
struct hd_cell hd_cell_count(int64_t count, bool sign);
struct hd_cell hd_cell_text(const char *text);
struct hd_cell hd_cell_ratio(double ratio, bool sign);
struct hd_cell hd_cell_of(enum hd_cell_kind kind, int64_t integer);

#endif
