/* Options as rows of a table: the parser, --help, the shell completions and the
 * check of the man pages all read the same rows, and nothing parses by hand.
 *
 * A verb keeps its values in a struct of its own, and its rows say where in it
 * each value goes:
 *
 *   struct top_args {
 *     bool cum;
 *     int64_t nodecount;
 *     struct input_args input;
 *   };
 *   static const struct option_row rows[] = {
 *       {FLAG_AT(struct top_args, cum), .name = "cum", .help = "rank by ..."},
 *       {NUMBER_AT(struct top_args, nodecount), .letter = 'n', .name = "nodecount", ...},
 *       OPTION_ROWS_END,
 *   };
 *   static const struct option_group groups[] = {
 *       {"options", rows, 0},
 *       {"input", input_rows, offsetof(struct top_args, input)},
 *       OPTION_GROUPS_END,
 *   };
 *
 * The ..._AT macros do not compile where the member is not of the row's type. */
#ifndef HEAPDIFF_CLI_OPTIONS_H
#define HEAPDIFF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
  OPTION_END,
  OPTION_FLAG,     /* bool: takes no value */
  OPTION_NUMBER,   /* int64_t */
  OPTION_SIZE,     /* uint64_t bytes: 512k, 2GiB */
  OPTION_DURATION, /* struct duration: 10s, 1h30m */
  OPTION_TEXT,     /* const char *; the last one given counts */
  OPTION_CHOICE,   /* const char *: one of `words`, as these spell it */
  OPTION_LIST,     /* struct text_list: each one given counts */
};

struct duration {
  uint64_t milliseconds;
};

struct text_list {
  const char **items; /* point into argv */
  size_t count, capacity;
};

struct option_row {
  enum option_kind kind;
  size_t offset; /* in the group's struct */
  char letter;   /* 0: none */
  const char *name;
  const char *metavar;  /* what --help calls the value; NULL for a flag */
  const char *help;     /* a phrase, lower case, no full stop */
  const char *standard; /* parsed before the command line is; NULL: none */
  /* The words of an OPTION_CHOICE, or those a text is completed with; NULL past
   * the last one. */
  const char *(*words)(size_t i);
  bool path;           /* a text that names a file or a directory */
  bool process;        /* a number that names a process that runs */
  int64_t least, most; /* of number, size and duration (ms); most 0: no limit */
};

#define OPTION_AT(option_kind, type, member, member_type)                                          \
  .kind = (option_kind),                                                                           \
  .offset = offsetof(type, member) +                                                               \
            0 * sizeof(char[_Generic(((type *)0)->member, member_type : 1, default                 \
                                     : -1)])
#define FLAG_AT(type, member) OPTION_AT(OPTION_FLAG, type, member, bool)
#define NUMBER_AT(type, member) OPTION_AT(OPTION_NUMBER, type, member, int64_t)
#define SIZE_AT(type, member) OPTION_AT(OPTION_SIZE, type, member, uint64_t)
#define DURATION_AT(type, member) OPTION_AT(OPTION_DURATION, type, member, struct duration)
#define TEXT_AT(type, member) OPTION_AT(OPTION_TEXT, type, member, const char *)
#define CHOICE_AT(type, member) OPTION_AT(OPTION_CHOICE, type, member, const char *)
#define LIST_AT(type, member) OPTION_AT(OPTION_LIST, type, member, struct text_list)
/* clang-format off */
#define OPTION_ROWS_END {.kind = OPTION_END}
#define OPTION_GROUPS_END {NULL, NULL, 0}
/* clang-format on */

/* Rows that go together; the same group serves several verbs. */
struct option_group {
  const char *title; /* its heading in --help */
  const struct option_row *rows;
  size_t offset; /* of the group's struct in the verb's */
};

enum option_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_BAD };

enum { OPTION_ERROR_TEXT = 512 };

/* Stores the standard values, then what argv[0 .. *argc-1] says. Understands
 * --name=value, --name value, -nVALUE, -n VALUE, grouped letters, -name for a
 * long name as pprof has it, - and _ in a name as the same, and "--", after which
 * all are words. The words that are left over are moved to the front of argv and
 * counted in *argc. `stop_at_word`: the first word ends the options.
 *
 * OPTIONS_BAD: `error` says in one line what is wrong. OPTIONS_HELP: help was
 * asked for. In either case the values may be half filled. */
enum option_result options_parse(const struct option_group *groups, void *values, bool stop_at_word,
                                 int *argc, char **argv, char error[OPTION_ERROR_TEXT]);
/* Stores one value by the option's long name, as "--name=value" does; "-" and "_" are the
 * same. Of a list it is one more item; a flag takes "" for true, and true or false. False:
 * `error` says what is wrong, beginning with "--name". */
bool option_assign(const struct option_group *groups, void *values, const char *name,
                   const char *value, char error[OPTION_ERROR_TEXT]);
/* The row of that name, and where its value is; NULL: there is none. */
const struct option_row *option_find(const struct option_group *groups, void *values,
                                     const char *name, void **store);
/* Frees what the parser has put into the values. */
void options_release(const struct option_group *groups, void *values);

/* All rows of all groups, one after the other: start with {groups}, NULL at the
 * end. `group` is then the one that the row is in. */
struct option_walk {
  const struct option_group *group;
  const struct option_row *row;
};
const struct option_row *option_next(struct option_walk *walk);

/* "a", "b" or "c", and so on. */
void option_words_text(const struct option_row *row, char *out, size_t size);

#endif
