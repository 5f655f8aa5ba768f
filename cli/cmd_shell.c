#include "command.h"
#include "shell.h"

#include "interrupt.h"
#include "messages.h"
#include "output.h"
#include "progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option_row rows[] = {
    {NUMBER_AT(struct shell_args, nodecount), .letter = 'n', .name = "nodecount", .metavar = "N",
     .help = "rows to print, 0: all (default: 20 of top, 80 of tree, 3 of explain, all of traces)"},
    {CHOICE_AT(struct shell_args, by), .name = "by", .metavar = "WHAT",
     .help = "what a row of top is; by default site, and function with pprof",
     .words = hd_grouping_name},
    {FLAG_AT(struct shell_args, cum), .name = "cum",
     .help = "rank by what was allocated at a row or below it"},
    MEASURE_ROW(struct shell_args),
    {CHOICE_AT(struct shell_args, sort), .name = "sort", .metavar = "COLUMN",
     .help = "the order of top's rows; by default score, the value with one snapshot",
     .words = hd_sort_name},
    {SIZE_AT(struct shell_args, limit), .name = "limit", .metavar = "SIZE",
     .help = "say when the process reaches this; by default the limit it had, where known"},
    {FLAG_AT(struct shell_args, pprof), .name = "pprof",
     .help = "flat, flat%, sum%, cum and cum% as pprof's top lays them out"},
    {LIST_AT(struct shell_args, source_paths), .name = "source-path", .metavar = "DIR",
     .path = true, .help = "list looks for source files here"},
    {LIST_AT(struct shell_args, trim_paths), .name = "trim-path", .metavar = "PREFIX",
     .help = "list takes this off the names of source files before it looks for them"},
    OPTION_ROWS_END,
};

static const struct option_row number_rows[] = {
    {NUMBER_AT(struct shell_args, base), .name = "base", .metavar = "N", .least = 1,
     .help = "the first snapshot that counts, by its number (snapshots lists them)"},
    {NUMBER_AT(struct shell_args, end), .name = "end", .metavar = "N", .least = 1,
     .help = "the last snapshot that counts, by its number"},
    OPTION_ROWS_END,
};

#define SETTING_GROUPS                                                                             \
  {"settings:", rows, 0}, {"which snapshots:", number_rows, 0},                                    \
      {"", window_rows, offsetof(struct shell_args, window)},                                      \
      {"which allocations:", filter_rows, offsetof(struct shell_args, filter)},                    \
  {                                                                                                \
    "printing:", style_rows, offsetof(struct shell_args, style)                                    \
  }

static const struct option_group settings[] = {SETTING_GROUPS, OPTION_GROUPS_END};

static const struct option_group groups[] = {
    SETTING_GROUPS,
    {"call sites:", wrapper_rows, offsetof(struct shell_args, input)},
    {"reading:", input_rows, offsetof(struct shell_args, input)},
    {"series from URLs:", url_series_rows, offsetof(struct shell_args, input.urls)},
    {"URLs:", url_rows, offsetof(struct shell_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct shell_args, input.symbols)},
    OPTION_GROUPS_END,
};

static void run_script(struct shell *shell)
{
  char *line = NULL;
  size_t size = 0;
  while (!shell->done && !output_failed() && getline(&line, &size, stdin) >= 0) {
    shell->line++;
    shell_run(shell, line);
  }
  if (ferror(stdin)) {
    message("standard input: %s", strerror(errno));
    shell->failed = true;
  }
  free(line);
}

static void run_interactive(struct shell *shell)
{
  size_t count = hd_session_kept_count(shell->session);
  printf("%zu snapshot%s: 'snapshots' lists them, 'help' the commands, 'o' the settings\n", count,
         count == 1 ? "" : "s");
  fflush(stdout);
  interrupt_watch();
  if (shell_edit(shell))
    return;
  message("libedit.so.2 is not there: no editing of lines, no history");
  run_script(shell);
}

static bool interrupted(void *context)
{
  (void)context;
  return interrupt_came();
}

/* A file of commands leaves no time between them; who types, or a program that waits for the
 * answers, does. */
static bool leaves_time(void)
{
  struct stat input;
  return fstat(STDIN_FILENO, &input) == 0 && !S_ISREG(input.st_mode);
}

static bool open_session(struct shell *shell, char **paths, int count, struct hd_error *error)
{
  struct hd_session_options options = input_options(&shell->args.input);
  options.measure = shell->args.measure;
  options.stop = interrupted;
  if (!hd_session_create(&options, &shell->session, error))
    return false;
  if (!hd_session_select(shell->session, (const char *const *)paths, (size_t)count, error) ||
      !hd_session_keep(shell->session, error)) {
    message_notes(shell->session, 0);
    return false;
  }
  progress_end(); /* else it comes over the prompt */
  hd_session_remember(shell->session);
  shell->said = message_notes(shell->session, 0);
  return true;
}

static int run_shell(struct shell *shell, char **paths, int count)
{
  struct hd_error error = HD_ERROR_INIT;
  if (!open_session(shell, paths, count, &error))
    return message_error(&error);
  interrupt_no_sigpipe();
  shell->at_start = shell->args;
  shell->prepares = leaves_time();
  shell_prepare(shell);
  shell->interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
  if (shell->interactive)
    run_interactive(shell);
  else
    run_script(shell);
  return shell->failed && !shell->interactive ? HD_ERROR_INPUT : STATUS_FINE;
}

static int run(const struct command *command, int argc, char **argv)
{
  struct shell shell = {.command = command, .settings = settings};
  struct hd_query checked = {0};
  int status;
  shell.args.nodecount = NOT_GIVEN;
  if (!command_parse(command, &shell.args, &argc, argv, &status))
    return status;
  if (window_query(command, &shell.args.window, &checked, &status) &&
      url_series_begin(command, &shell.args.input.urls, argv, argc, &status))
    status = run_shell(&shell, argv, argc);
  hd_session_destroy(shell.session);
  options_release(command->groups, &shell.args);
  for (size_t i = 0; i < shell.owned.count; i++)
    free((void *)(uintptr_t)shell.owned.items[i]);
  free(shell.owned.items);
  return status;
}

const struct command verb_shell = {
    .name = "shell",
    .summary = "ask again and again of snapshots that are read once",
    .synopsis = {"[OPTION...] [SNAPSHOT...]", "[OPTION...] [SNAPSHOT...] < SCRIPT"},
    .about = "Reads the snapshots once and answers commands at a prompt: top, list, explain, "
             "peek, tree and traces, with the options as settings that stay, as pprof users "
             "know it. Where standard input is no terminal, it is a script of commands. Without "
             "snapshots, those that were last used or recorded in this directory are taken, else "
             "heapdiff.data/.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
