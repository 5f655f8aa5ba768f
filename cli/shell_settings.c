#include "shell.h"

#include "messages.h"
#include "moments.h"
#include "numbers.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What pprof calls them. */
static const struct {
  const char *theirs, *ours;
} aliases[] = {{"sample_index", "measure"}, {"granularity", "by"}};

static const struct option_row *row_of(const struct shell *shell, const char *name, void **store)
{
  void *values = (void *)(uintptr_t)&shell->args;
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strcmp(name, aliases[i].theirs) == 0)
      name = aliases[i].ours;
  return option_find(shell->settings, values, name, store);
}

const char *shell_setting_name(const struct shell *shell, const char *name)
{
  void *store;
  const struct option_row *row = row_of(shell, name, &store);
  return row ? row->name : NULL;
}

const char *(*shell_setting_words(const struct shell *shell, const char *name))(size_t i)
{
  void *store;
  const struct option_row *row = row_of(shell, name, &store);
  return row ? row->words : NULL;
}

static size_t size_of(enum option_kind kind)
{
  switch (kind) {
  case OPTION_FLAG: return sizeof(bool);
  case OPTION_NUMBER:
  case OPTION_SIZE: return sizeof(int64_t);
  case OPTION_DURATION: return sizeof(struct duration);
  case OPTION_TEXT:
  case OPTION_CHOICE: return sizeof(const char *);
  case OPTION_LIST:
  case OPTION_END: break;
  }
  return 0;
}

/* What pprof's words are here. */
static const char *translated(const char *name, const char *value)
{
  static const struct {
    const char *name, *theirs, *ours;
  } words[] = {
      {"by", "functions", "function"}, {"by", "lines", "line"},         {"by", "files", "file"},
      {"by", "addresses", "site"},     {"by", "filefunctions", "site"}, {"sort", "flat", "growth"},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i].name) == 0 && strcmp(value, words[i].theirs) == 0)
      return words[i].ours;
  return value;
}

static const char *owned(struct shell *shell, const char *text)
{
  struct text_list *list = &shell->owned;
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 16;
    const char **items = reallocarray(list->items, capacity, sizeof *items);
    if (!items)
      return NULL;
    list->items = items;
    list->capacity = capacity;
  }
  char *copy = strdup(text);
  if (copy)
    list->items[list->count++] = copy;
  return copy;
}

/* Whether the question still makes sense; the snapshots say which measures there are and
 * which of them a window leaves. */
static bool is_answered(struct shell *shell, struct hd_error *error)
{
  struct hd_query query = {.measure = shell->args.measure};
  query.window.base = shell->args.base;
  query.window.end = shell->args.end;
  hd_view *view = NULL;
  bool fine = hd_snapshots(shell->session, &query, &view, error);
  hd_view_destroy(view);
  return fine;
}

static bool set_back(struct shell *shell, const struct option_row *row, void *store)
{
  size_t offset = (size_t)((char *)store - (char *)&shell->args);
  if (row->kind == OPTION_LIST)
    ((struct text_list *)store)->count = 0;
  else
    memcpy(store, (char *)&shell->at_start + offset, size_of(row->kind));
  return true;
}

static bool store_value(struct shell *shell, const struct option_row *row, void *store,
                        const char *value)
{
  char error[OPTION_ERROR_TEXT];
  const char *kept = owned(shell, translated(row->name, value));
  struct hd_moment moment;
  if (!kept) {
    shell_complain(shell, "out of memory");
    return false;
  }
  if (row->kind == OPTION_LIST)
    ((struct text_list *)store)->count = 0;
  if (!option_assign(shell->settings, &shell->args, row->name, kept, error)) {
    shell_complain(shell, "%s", error + strspn(error, "-"));
    return false;
  }
  bool time = strcmp(row->name, "since") == 0 || strcmp(row->name, "until") == 0;
  if (!time || parse_moment(kept, &moment))
    return true;
  shell_complain(shell,
                 "%s wants a time like '2026-03-01 15:04' (UTC), or how long before the "
                 "last snapshot, like 2h",
                 row->name);
  return false;
}

bool shell_setting_assign(struct shell *shell, const char *name, const char *value)
{
  void *store;
  const struct option_row *row = row_of(shell, name, &store);
  char before[sizeof(struct duration) + sizeof(int64_t)];
  struct hd_error error = HD_ERROR_INIT;
  memcpy(before, store, size_of(row->kind));
  bool fine = !*value && row->kind != OPTION_FLAG ? set_back(shell, row, store)
                                                  : store_value(shell, row, store, value);
  bool asks = strcmp(row->name, "measure") == 0 || strcmp(row->name, "base") == 0 ||
              strcmp(row->name, "end") == 0;
  if (fine && asks && !is_answered(shell, &error)) {
    shell_complain(shell, "%s", error.text + strspn(error.text, "-"));
    fine = false;
  }
  if (!fine)
    memcpy(store, before, size_of(row->kind));
  return fine;
}

void shell_settings_clear_filters(struct shell *shell)
{
  shell->args.filter = (struct filter_args){0};
}

/* --- printing ------------------------------------------------------------------------- */

static void value_text(const struct option_row *row, const void *store, char *out, size_t size)
{
  const struct text_list *list = store;
  const char *text = "";
  char number[NUMBER_TEXT];
  int64_t value;
  switch (row->kind) {
  case OPTION_FLAG: text = *(const bool *)store ? "true" : "false"; break;
  case OPTION_NUMBER:
  case OPTION_SIZE:
    memcpy(&value, store, sizeof value);
    snprintf(number, sizeof number, "%" PRId64, value);
    text = value || row->kind == OPTION_NUMBER ? number : "";
    text = value == NOT_GIVEN ? "" : text;
    text = !value && strcmp(row->name, "nodecount") != 0 ? "" : text;
    break;
  case OPTION_DURATION:
    snprintf(number, sizeof number, "%" PRIu64 "ms",
             ((const struct duration *)store)->milliseconds);
    text = ((const struct duration *)store)->milliseconds ? number : "";
    break;
  case OPTION_TEXT:
  case OPTION_CHOICE: text = *(const char *const *)store ? *(const char *const *)store : ""; break;
  case OPTION_LIST: text = list->count ? list->items[list->count - 1] : ""; break;
  case OPTION_END: break;
  }
  snprintf(out, size, "%s", *text ? text : "\"\"");
}

static void print_row(const struct option_row *row, const void *store)
{
  enum { FEW = 100 };
  char value[256], words[256] = "", name[64], line[1024];
  value_text(row, store, value, sizeof value);
  if (row->words)
    option_words_text(row, words, sizeof words);
  bool shown = words[0] && strlen(words) < FEW;
  snprintf(name, sizeof name, "%s", row->name);
  for (char *c = name; *c; c++)
    *c = *c == '-' ? '_' : *c;
  int length = snprintf(line, sizeof line, "  %-12s = %-12s //: %s%s%s%s\n", name, value, row->help,
                        shown ? " (" : "", shown ? words : "", shown ? ")" : "");
  length = length < (int)sizeof line ? length : (int)sizeof line - 1;
  output_write(NULL, line, (size_t)length);
}

bool shell_settings_print(struct shell *shell, const char *name)
{
  void *store;
  const struct option_row *one = name ? row_of(shell, name, &store) : NULL;
  if (one) {
    print_row(one, store);
    return true;
  }
  struct option_walk walk = {shell->settings, NULL};
  for (const struct option_row *row; (row = option_next(&walk));)
    print_row(row, (char *)&shell->args + walk.group->offset + row->offset);
  return true;
}
