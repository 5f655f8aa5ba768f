/* Options that several verbs share: a verb takes the groups that it needs into
 * its own struct and its own list of groups. */
#ifndef HEAPDIFF_CLI_COMMON_ARGS_H
#define HEAPDIFF_CLI_COMMON_ARGS_H

#include "command.h"
#include "options.h"
#include "url_args.h"

#include <heapdiff/query.h>

/* Which measure: a row among the verb's own, whose struct has it as `measure`. */
#define MEASURE_ROW(type)                                                                          \
  {TEXT_AT(type, measure), .name = "measure", .metavar = "NAME",                                   \
   .help = "what is compared; by default inuse_space where there is such",                         \
   .words = hd_measure_name}

/* Where the names of functions come from. */
struct symbol_args {
  struct text_list debug_dirs;
  const char *sysroot;
  bool force_symbols, no_symbols, no_cache;
  struct duration fetch_timeout;
};
extern const struct option_row symbol_rows[];

/* What is read, and how. */
struct input_args {
  const char *format;
  int64_t pid;
  const char *program;
  bool strict, partial;
  uint64_t max_inflated;
  int64_t jobs;
  struct text_list wrappers;
  struct symbol_args symbols;
  struct url_args urls;
};
extern const struct option_row input_rows[];
/* The part of it that only verbs with call sites have. */
extern const struct option_row wrapper_rows[];
/* The lists stay those of `args`. What is waited for is told to who watches. */
struct hd_session_options input_options(const struct input_args *args);

/* Which stacks count, and which of their frames are seen. */
struct filter_args {
  const char *focus, *ignore, *hide, *show;
};
extern const struct option_row filter_rows[];
void filter_query(const struct filter_args *args, struct hd_query *query);

/* Which snapshots of a series count. */
struct window_args {
  struct duration skip_warmup;
  const char *since, *until;
  int64_t last;
};
extern const struct option_row window_rows[];
/* False where a moment cannot be read: that is said, and *status the exit code. */
bool window_query(const struct command *command, const struct window_args *args,
                  struct hd_query *query, int *status);

/* How the answer is printed. */
struct style_args {
  const char *format, *unit, *color;
  bool bytes, ascii;
};
extern const struct option_row style_rows[];
/* Of verbs whose answer is no table: text and json alone. */
extern const struct option_row nested_style_rows[];
/* Of `check`: what a gate finds has formats of its own. */
extern const struct option_row finding_style_rows[];
/* Of verbs that print text alone; `format` is theirs to set. */
extern const struct option_row look_rows[];
/* Asks the terminal where the user has left it open. */
struct hd_style style_of(const struct style_args *args);
/* Whether the chosen format is for programs, which want all rows. */
bool style_for_programs(const struct style_args *args);

/* How many rows people get where they do not say how many, of each view; 0: all. */
enum { FEW_OF_TOP = 20, FEW_OF_EXPLAIN = 3, FEW_OF_TREE = 80, FEW_OF_TRACES = 0 };
enum { NOT_GIVEN = -1 };
/* The rows to print: what --nodecount says, where it was given, else all for programs and
 * `few` for people. 0: all. */
int64_t rows_to_print(int64_t nodecount, int64_t few, const struct style_args *args);

#endif
