#include "shell.h"

#include <stdlib.h>
#include <string.h>

enum { MANY = 2000 }; /* more words than that are no choice */

static bool add(struct completion *completion, const char *text)
{
  struct text_list *list = &completion->words;
  if (list->count >= MANY)
    return false;
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 32;
    const char **items = reallocarray(list->items, capacity, sizeof *items);
    if (!items)
      return false;
    list->items = items;
    list->capacity = capacity;
  }
  char *copy = strdup(text);
  if (copy)
    list->items[list->count++] = copy;
  return copy != NULL;
}

static bool begins(const char *text, const char *with)
{
  return strncmp(text, with, strlen(with)) == 0;
}

static void add_words(struct completion *completion, const char *(*words)(size_t i),
                      const char *typed)
{
  for (size_t i = 0; words && words(i); i++)
    if (begins(words(i), typed))
      add(completion, words(i));
}

/* Those that begin so; else those that have it anywhere: a C++ name begins with its
 * namespace, a Go one with its package. */
static void add_functions(struct shell *shell, struct completion *completion, const char *typed)
{
  const char *name;
  for (size_t i = 0; (name = hd_session_function(shell->session, i)); i++)
    if (begins(name, typed) && !add(completion, name))
      return;
  for (size_t i = 0; !completion->words.count && (name = hd_session_function(shell->session, i));
       i++)
    if (strstr(name, typed) && !add(completion, name))
      return;
}

static void add_commands(struct completion *completion, const char *typed)
{
  for (size_t i = 0; shell_command_at(i); i++)
    if (!shell_command_at(i)->is_alias && begins(shell_command_at(i)->name, typed))
      add(completion, shell_command_at(i)->name);
}

/* With "=" where they begin a line. */
static void add_settings(struct shell *shell, struct completion *completion, const char *typed,
                         bool assigned)
{
  struct option_walk walk = {shell->settings, NULL};
  char name[64];
  for (const struct option_row *row; (row = option_next(&walk));) {
    size_t length = strlen(row->name);
    if (length + 2 > sizeof name)
      continue;
    for (size_t i = 0; i <= length; i++)
      name[i] = row->name[i] == '-' ? '_' : row->name[i];
    if (assigned && row->kind != OPTION_FLAG)
      memcpy(name + length, "=", 2);
    if (begins(name, typed))
      add(completion, name);
  }
}

/* What a setting may be: its words, or the functions of a pattern. */
static void add_values(struct shell *shell, struct completion *completion, const char *setting,
                       const char *typed)
{
  const char *(*words)(size_t i) = shell_setting_words(shell, setting);
  bool pattern = strcmp(setting, "focus") == 0 || strcmp(setting, "ignore") == 0 ||
                 strcmp(setting, "hide") == 0 || strcmp(setting, "show") == 0;
  if (words)
    add_words(completion, words, typed);
  else if (pattern)
    add_functions(shell, completion, typed);
}

static void choose(struct shell *shell, struct completion *completion, const char *before,
                   const char *typed)
{
  char word[64];
  int64_t number;
  before += strspn(before, " \t");
  size_t length = strcspn(before, " \t=");
  completion->tail = ' ';
  if (!*before) {
    add_commands(completion, typed);
    add_settings(shell, completion, typed, true);
    return;
  }
  if (length >= sizeof word)
    return;
  memcpy(word, before, length);
  word[length] = '\0';
  const char *setting = shell_setting_name(shell, word);
  const struct shell_command *command = shell_command_find(word, &number);
  bool first = !before[length + strspn(before + length, " \t=")];
  if (setting) {
    add_values(shell, completion, setting, typed);
    completion->tail = 0;
  } else if (command && strcmp(command->name, "help") == 0 && first) {
    add_commands(completion, typed);
    add_settings(shell, completion, typed, false);
  } else if (command && command->ask) {
    bool ignored = !command->takes_function && typed[0] == '-';
    completion->from += ignored;
    add_functions(shell, completion, typed + ignored);
  }
}

void shell_complete(struct shell *shell, const char *text, size_t cursor,
                    struct completion *completion)
{
  char quote;
  *completion = (struct completion){.from = shell_word_start(text, cursor, &quote)};
  char *before = strndup(text, completion->from);
  char *typed = strndup(text + completion->from, cursor - completion->from);
  if (before && typed)
    choose(shell, completion, before, typed + (quote && typed[0] == quote));
  free(before);
  free(typed);
}

void shell_completion_release(struct completion *completion)
{
  for (size_t i = 0; i < completion->words.count; i++)
    free((void *)(uintptr_t)completion->words.items[i]);
  free(completion->words.items);
  *completion = (struct completion){0};
}
