#include "shell.h"

#include "interrupt.h"
#include "messages.h"
#include "nearest.h"
#include "numbers.h"
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 1024 };

void shell_complain(struct shell *shell, const char *format, ...)
{
  char text[TEXT];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  output_flush();
  shell->failed = true;
  if (shell->line)
    message_of(shell->command->name, "line %d: %s", shell->line, text);
  else
    message_of(shell->command->name, "%s", text);
}

/* --- questions ------------------------------------------------------------------------ */

/* What the words of one line add to the settings, for that line alone. */
struct extras {
  struct hd_query query;
  char focus[TEXT], ignore[TEXT]; /* "a|b" of several words, as in pprof */
};

static bool add_pattern(struct shell *shell, char *patterns, const char *word)
{
  size_t used = strlen(patterns);
  if (used + strlen(word) + 2 > TEXT) {
    shell_complain(shell, "the patterns are too long");
    return false;
  }
  snprintf(patterns + used, TEXT - used, "%s%s", used ? "|" : "", word);
  return true;
}

static bool take_word(struct shell *shell, struct extras *extras, const char *word)
{
  int64_t number;
  if (parse_number(word, &number) && number >= 0) {
    extras->query.nodecount = number;
    return true;
  }
  if (strcmp(word, "-cum") == 0 || strcmp(word, "--cum") == 0) {
    extras->query.cum = true;
    return true;
  }
  if (word[0] == '-' && word[1])
    return add_pattern(shell, extras->ignore, word + 1);
  return add_pattern(shell, extras->focus, word);
}

static struct hd_query settings_query(const struct shell *shell)
{
  const struct shell_args *args = &shell->args;
  struct hd_query query = {
      .measure = args->measure,
      .by = args->by,
      .sort = args->sort,
      .cum = args->cum,
      .pprof_layout = args->pprof,
      .keep_small = style_for_programs(&args->style),
      .limit = (int64_t)args->limit,
      .source_paths = args->source_paths.items,
      .source_path_count = args->source_paths.count,
      .trim_paths = args->trim_paths.items,
      .trim_path_count = args->trim_paths.count,
  };
  int status;
  filter_query(&args->filter, &query);
  window_query(shell->command, &args->window, &query, &status);
  query.window.base = args->base;
  query.window.end = args->end;
  return query;
}

static bool is_said(const struct shell *shell, size_t note)
{
  struct hd_note own = hd_session_note(shell->session, note);
  bool said = false;
  for (size_t i = 0; i < note; i++)
    said |= strcmp(hd_session_note(shell->session, i).code, own.code) == 0;
  /* What is wrong with a pattern is of that pattern. */
  return said && strcmp(own.code, "pattern-is-text") != 0;
}

/* What one question more has to say of the snapshots: each kind once, whatever the figures
 * of this question are. */
static void say_notes(struct shell *shell)
{
  size_t count = hd_session_note_count(shell->session);
  for (; shell->said < count; shell->said++)
    if (!is_said(shell, shell->said)) {
      struct hd_note note = hd_session_note(shell->session, shell->said);
      message_note(&note);
    }
}

static bool ask(struct shell *shell, const struct shell_command *command,
                const struct shell_line *line)
{
  struct extras extras = {.query = settings_query(shell)};
  struct hd_error error = HD_ERROR_INIT;
  hd_view *view = NULL;
  size_t first = 1;
  extras.query.nodecount = rows_to_print(shell->args.nodecount, command->few, &shell->args.style);
  if (command->takes_function && line->count < 2) {
    shell_complain(shell, "%s wants a function: %s %s", command->name, command->name,
                   command->synopsis);
    return false;
  }
  if (command->takes_function)
    extras.query.pattern = line->words[first++];
  for (size_t i = first; i < line->count; i++)
    if (!take_word(shell, &extras, line->words[i]))
      return false;
  if (extras.focus[0])
    extras.query.focus = extras.focus;
  if (extras.ignore[0])
    extras.query.ignore = extras.ignore;
  bool fine = command->ask(shell->session, &extras.query, &view, &error);
  output_flush();
  say_notes(shell);
  if (fine)
    fine = shell_print(shell, line, view);
  else if (!interrupt_came())
    shell_complain(shell, "%s: %s", command->name, error.text);
  hd_view_destroy(view);
  return fine;
}

void shell_prepare(struct shell *shell)
{
  struct hd_query query = settings_query(shell);
  if (shell->prepares)
    hd_session_prepare(shell->session, &query);
}

/* --- other commands ------------------------------------------------------------------- */

static bool say_settings(struct shell *shell, const struct shell_command *command,
                         const struct shell_line *line)
{
  (void)command;
  (void)line;
  return shell_settings_print(shell, NULL);
}

static bool quit(struct shell *shell, const struct shell_command *command,
                 const struct shell_line *line)
{
  (void)command;
  (void)line;
  shell->done = true;
  return true;
}

static bool clear_filters(struct shell *shell, const struct shell_command *command,
                          const struct shell_line *line)
{
  (void)command;
  (void)line;
  shell_settings_clear_filters(shell);
  return true;
}

static const struct shell_command commands[] = {
    {"top", "[N] [--cum] [REGEX...] [-REGEX...]",
     "the call sites that gained most; top20 is top 20; only stacks with a frame that matches, "
     "none that matches after -",
     false, false, ask, hd_top, FEW_OF_TOP},
    {"text", "", "top, as pprof calls it", false, true, ask, hd_top, FEW_OF_TOP},
    {"list", "REGEX", "the source of the functions that match, with the growth of each line", true,
     false, ask, hd_list, 0},
    {"explain", "REGEX [N]", "why a call site in a function that matches is called a leak, or not",
     true, false, ask, hd_explain, FEW_OF_EXPLAIN},
    {"peek", "REGEX", "the callers and the callees of the functions that match", true, false, ask,
     hd_peek, 0},
    {"tree", "[N] [--cum] [REGEX...] [-REGEX...]", "every function among its callers and callees",
     false, false, ask, hd_tree, FEW_OF_TREE},
    {"traces", "[N] [REGEX...] [-REGEX...]", "every stack with what it holds or gained", false,
     false, ask, hd_traces, FEW_OF_TRACES},
    {"snapshots", "", "the snapshots by their numbers, which base= and end= take", false, false,
     ask, hd_snapshots, 0},
    {"options", "", "the settings; o is the same", false, false, say_settings, NULL, 0},
    {"o", "", "options", false, true, say_settings, NULL, 0},
    {":", "", "clear focus, ignore, hide and show", false, false, clear_filters, NULL, 0},
    {"help", "[COMMAND|SETTING]", "what there is, or one of it", false, false, shell_help, NULL, 0},
    {"quit", "", "leave; exit, q and Ctrl-D are the same", false, false, quit, NULL, 0},
    {"exit", "", "quit", false, true, quit, NULL, 0},
    {"q", "", "quit", false, true, quit, NULL, 0},
};

const struct shell_command *shell_command_at(size_t i)
{
  return i < sizeof commands / sizeof *commands ? &commands[i] : NULL;
}

const struct shell_command *shell_command_find(const char *word, int64_t *number)
{
  static const char digits[] = "0123456789";
  size_t length = strlen(word);
  *number = NOT_GIVEN;
  while (length && strchr(digits, word[length - 1]))
    length--;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strlen(commands[i].name) == length && strncmp(commands[i].name, word, length) == 0)
      return !word[length] || (commands[i].ask && parse_number(word + length, number))
                 ? &commands[i]
                 : NULL;
  return NULL;
}

/* --- lines ------------------------------------------------------------------------------- */

static bool is_measure(const char *word)
{
  for (size_t i = 0; hd_measure_name(i); i++)
    if (strcmp(word, hd_measure_name(i)) == 0)
      return true;
  return false;
}

static void unknown(struct shell *shell, const char *word)
{
  struct nearest nearest = nearest_to(word);
  struct option_walk walk = {shell->settings, NULL};
  for (size_t i = 0; shell_command_at(i); i++)
    if (!shell_command_at(i)->is_alias)
      nearest_offer(&nearest, shell_command_at(i)->name);
  for (const struct option_row *row; (row = option_next(&walk));)
    nearest_offer(&nearest, row->name);
  if (nearest.best)
    shell_complain(shell, "unknown command '%s': did you mean %s?", word, nearest.best);
  else
    shell_complain(shell, "unknown command '%s': help lists them", word);
}

/* "name value" sets, too; a flag alone is true, another name alone is shown. */
static void set_by_words(struct shell *shell, const struct shell_line *line, const char *name)
{
  if (line->count > 2) {
    shell_complain(shell, "%s takes one value: quote it, or write %s=VALUE", name, name);
    return;
  }
  void *store;
  bool flag = option_find(shell->settings, &shell->args, name, &store)->kind == OPTION_FLAG;
  if (line->count < 2 && !flag)
    shell_settings_print(shell, name);
  else
    shell_setting_assign(shell, name, line->count < 2 ? "" : line->words[1]);
}

/* A command that has digits behind its name has them as its first word. */
static void run_command(struct shell *shell, const struct shell_command *command, int64_t number,
                        struct shell_line *line)
{
  char text[NUMBER_TEXT];
  if (!command->ask && (line->to_file || line->to_program)) {
    shell_complain(shell, "the output of %s goes nowhere else", command->name);
    return;
  }
  if (number != NOT_GIVEN && line->count < SHELL_WORDS) {
    snprintf(text, sizeof text, "%lld", (long long)number);
    line->words[line->count++] = text;
  }
  if (!command->run(shell, command, line) && !interrupt_came())
    shell->failed = true;
}

static void run_line(struct shell *shell, struct shell_line *line)
{
  int64_t number;
  const char *first = line->words[0];
  const char *name = line->name ? shell_setting_name(shell, line->name) : NULL;
  if (name) {
    shell_setting_assign(shell, name, line->value);
    return;
  }
  const struct shell_command *command = shell_command_find(first, &number);
  if (command)
    run_command(shell, command, number, line);
  else if ((name = shell_setting_name(shell, first)))
    set_by_words(shell, line, name);
  else if (line->count == 1 && is_measure(first))
    shell_setting_assign(shell, "measure", first);
  else if (line->name)
    shell_complain(shell, "there is no setting '%s': o lists them", line->name);
  else
    unknown(shell, first);
}

void shell_run(struct shell *shell, const char *text)
{
  struct shell_line line;
  const char *mistake;
  if (!shell_line_parse(&line, text, &mistake))
    shell_complain(shell, "%s", mistake);
  else if (line.count)
    run_line(shell, &line);
  shell_line_release(&line);
  output_flush();
  if (interrupt_came() && shell->interactive)
    message("interrupted");
  shell_prepare(shell);
}
