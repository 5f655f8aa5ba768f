/* What the files of the shell share. */
#ifndef HEAPDIFF_CLI_SHELL_H
#define HEAPDIFF_CLI_SHELL_H

#include "common_args.h"
#include "shell_line.h"

/* The options of the verb; those that are settings, too, can be changed at the prompt. */
struct shell_args {
  int64_t nodecount; /* NOT_GIVEN: each command's own */
  bool cum, pprof;
  uint64_t limit;
  const char *measure, *by, *sort;
  int64_t base, end;
  struct text_list source_paths, trim_paths;
  struct window_args window;
  struct filter_args filter;
  struct input_args input;
  struct style_args style;
};

struct shell {
  hd_session *session;
  const struct command *command;
  const struct option_group *settings; /* of the verb's options those that are settings */
  struct shell_args args, at_start;
  struct text_list owned; /* texts that `args` points to */
  bool interactive;       /* somebody types, and reads the answers */
  bool prepares;          /* there is time between two commands */
  int line;               /* of a script; 0 interactive */
  bool failed;            /* a command did */
  bool done;
  size_t said; /* notes of the session */
};

/* A command of the shell. */
struct shell_command {
  const char *name;
  const char *synopsis; /* what follows the name */
  const char *help;
  bool takes_function; /* its first word is a pattern of function names */
  bool is_alias;       /* of the one above: not listed */
  bool (*run)(struct shell *shell, const struct shell_command *command,
              const struct shell_line *line);
  /* Of a question: */
  bool (*ask)(hd_session *session, const struct hd_query *query, hd_view **view,
              struct hd_error *error);
  int64_t few; /* rows where nodecount is not set; 0 all */
};

/* --- shell_run.c ---------------------------------------------------------------------- */

/* Runs one line; what goes wrong is said, and noted in the shell. */
void shell_run(struct shell *shell, const char *text);
/* Has the next answers prepared, where there is time. */
void shell_prepare(struct shell *shell);
/* Says what is wrong with the line at hand. */
void shell_complain(struct shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* All commands: NULL past the last one. */
const struct shell_command *shell_command_at(size_t i);
/* By its name, "top" of "top20", too: *number is then 20, else NOT_GIVEN. NULL: there
 * is none. */
const struct shell_command *shell_command_find(const char *word, int64_t *number);

/* --- shell_help.c --------------------------------------------------------------------- */

bool shell_help(struct shell *shell, const struct shell_command *command,
                const struct shell_line *line);

/* --- shell_settings.c ----------------------------------------------------------------- */

/* The name of a setting as the shell knows it ("measure" of pprof's "sample_index"); NULL:
 * there is none. */
const char *shell_setting_name(const struct shell *shell, const char *name);
/* Sets it; "" sets it back to what it was at the start. False: said. */
bool shell_setting_assign(struct shell *shell, const char *name, const char *value);
/* Prints all settings, or one. */
bool shell_settings_print(struct shell *shell, const char *name);
/* The filters, as pprof's ":" clears them. */
void shell_settings_clear_filters(struct shell *shell);
/* The words that a setting takes; NULL: any text. */
const char *(*shell_setting_words(const struct shell *shell, const char *name))(size_t i);

/* --- shell_output.c ------------------------------------------------------------------- */

/* Prints a view to where the line wants it. False: said. */
bool shell_print(struct shell *shell, const struct shell_line *line, const hd_view *view);

/* --- shell_complete.c ----------------------------------------------------------------- */

struct completion {
  size_t from;            /* where the word begins, its quote included */
  struct text_list words; /* that it may become; owned */
  char tail;              /* what follows a single one; 0 nothing */
};

/* What the word before text[cursor] may become. shell_completion_release is due. */
void shell_complete(struct shell *shell, const char *text, size_t cursor,
                    struct completion *completion);
void shell_completion_release(struct completion *completion);

/* --- shell_editor.c -------------------------------------------------------------------- */

/* Reads lines with an editor and runs them, up to the end of the input. False where there
 * is no library for it: nothing has been read. */
bool shell_edit(struct shell *shell);

#endif
