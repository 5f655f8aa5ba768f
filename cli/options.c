#include "options.h"

#include "nearest.h"
#include "numbers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MS_PER_DAY = 86400000, WORDS_TEXT = 256 };

struct parser {
  const struct option_group *groups;
  bool program_follows;
  void *values;
  int argc, at; /* argv[at] is the next to look at */
  char **argv;
  char *error;
};

/* Where a row was found. */
struct found {
  const struct option_row *row;
  void *store;
};

const struct option_row *option_next(struct option_walk *walk)
{
  const struct option_row *next = walk->row ? walk->row + 1 : walk->group->rows;
  while (next && next->kind == OPTION_END)
    next = (++walk->group)->rows;
  walk->row = next;
  return next;
}

void option_words_text(const struct option_row *row, char *out, size_t size)
{
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; row->words(i) && used < size; i++) {
    const char *glue = i == 0 ? "" : row->words(i + 1) ? ", " : " or ";
    int length = snprintf(out + used, size - used, "%s%s", glue, row->words(i));
    used += length < 0 ? size : (size_t)length;
  }
}

__attribute__((format(printf, 2, 3))) static bool fail(struct parser *parser, const char *format,
                                                       ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(parser->error, OPTION_ERROR_TEXT, format, args);
  va_end(args);
  return false;
}

/* pprof's names have underscores where ours have hyphens. */
static bool same_name(const char *name, const char *typed, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (name[i] != typed[i] && !(name[i] == '-' && typed[i] == '_'))
      return false;
  return name[length] == '\0';
}

static struct found find_long(const struct parser *parser, const char *name, size_t length)
{
  struct option_walk walk = {parser->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));)
    if (same_name(row->name, name, length))
      return (struct found){row, (char *)parser->values + walk.group->offset + row->offset};
  return (struct found){NULL, NULL};
}

static struct found find_letter(const struct parser *parser, char letter)
{
  struct option_walk walk = {parser->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));)
    if (row->letter == letter)
      return (struct found){row, (char *)parser->values + walk.group->offset + row->offset};
  return (struct found){NULL, NULL};
}

static bool store_number(struct parser *parser, struct found found, const char *text)
{
  const struct option_row *row = found.row;
  int64_t value;
  if (!parse_number(text, &value))
    return fail(parser, "--%s takes a whole number, not '%s'", row->name, text);
  if (row->most && (value < row->least || value > row->most))
    return fail(parser, "--%s takes a whole number from %" PRId64 " to %" PRId64 ", not '%s'",
                row->name, row->least, row->most, text);
  if (value < row->least)
    return fail(parser, "--%s takes a whole number of at least %" PRId64 ", not '%s'", row->name,
                row->least, text);
  *(int64_t *)found.store = value;
  return true;
}

static bool store_size(struct parser *parser, struct found found, const char *text)
{
  uint64_t value;
  if (!parse_size(text, &value))
    return fail(parser, "--%s takes a size such as 512k or 2GiB, not '%s'", found.row->name, text);
  if (value < (uint64_t)found.row->least)
    return fail(parser, "--%s takes a size of at least %" PRId64 " B, not '%s'", found.row->name,
                found.row->least, text);
  *(uint64_t *)found.store = value;
  return true;
}

static bool store_duration(struct parser *parser, struct found found, const char *text)
{
  uint64_t value;
  if (!parse_duration(text, &value))
    return fail(parser, "--%s takes a duration such as 250ms, 10s or 1h30m, not '%s'",
                found.row->name, text);
  if (found.row->most && value > (uint64_t)found.row->most)
    return fail(parser, "--%s takes a duration of at most %" PRId64 "d, not '%s'", found.row->name,
                found.row->most / MS_PER_DAY, text);
  if (value < (uint64_t)found.row->least)
    return fail(parser, "--%s takes a duration of at least %" PRId64 "ms, not '%s'",
                found.row->name, found.row->least, text);
  *(struct duration *)found.store = (struct duration){value};
  return true;
}

static bool store_choice(struct parser *parser, struct found found, const char *text)
{
  struct nearest nearest = nearest_to(text);
  for (size_t i = 0; found.row->words(i); i++) {
    if (strcasecmp(text, found.row->words(i)) == 0) {
      *(const char **)found.store = found.row->words(i);
      return true;
    }
    nearest_offer(&nearest, found.row->words(i));
  }
  char words[WORDS_TEXT];
  option_words_text(found.row, words, sizeof words);
  return fail(parser, "--%s takes %s, not '%s'%s%s%s", found.row->name, words, text,
              nearest.best ? ": did you mean " : "", nearest.best ? nearest.best : "",
              nearest.best ? "?" : "");
}

static bool store_item(struct parser *parser, struct found found, const char *text)
{
  struct text_list *list = found.store;
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 4;
    const char **items = reallocarray(list->items, capacity, sizeof *items);
    if (!items)
      return fail(parser, "out of memory");
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = text;
  return true;
}

static bool store(struct parser *parser, struct found found, const char *text)
{
  if (found.row->path && !*text)
    return fail(parser, "--%s takes the name of a file or directory, not ''", found.row->name);
  switch (found.row->kind) {
  case OPTION_NUMBER: return store_number(parser, found, text);
  case OPTION_SIZE: return store_size(parser, found, text);
  case OPTION_DURATION: return store_duration(parser, found, text);
  case OPTION_CHOICE: return store_choice(parser, found, text);
  case OPTION_LIST: return store_item(parser, found, text);
  case OPTION_TEXT: *(const char **)found.store = text; return true;
  case OPTION_FLAG: *(bool *)found.store = true; return true;
  case OPTION_END: break;
  }
  return fail(parser, "--%s has no kind", found.row->name);
}

/* `attached` is the value where it stands in the same argument, else NULL. */
static bool take(struct parser *parser, struct found found, const char *attached)
{
  if (found.row->kind == OPTION_FLAG && attached)
    return fail(parser, "--%s takes no value", found.row->name);
  if (found.row->kind == OPTION_FLAG)
    return store(parser, found, "");
  if (!attached && parser->at == parser->argc)
    return fail(parser, "--%s needs a value: --%s %s", found.row->name, found.row->name,
                found.row->metavar);
  return store(parser, found, attached ? attached : parser->argv[parser->at++]);
}

/* What users of other tools type by heart. */
static const char *elsewhere(const char *typed)
{
  static const struct {
    const char *option, *here;
  } known[] = {
      {"diff_base", "name both snapshots: heapdiff top BASE NEW"},
      {"base", "name both snapshots: heapdiff top BASE NEW"},
      {"top", "top is a verb: heapdiff top"},
      {"text", "top is a verb: heapdiff top"},
      {"list", "list is a verb: heapdiff list REGEX"},
      {"sample_index", "it is --measure here"},
      {"inuse_space", "it is --measure inuse_space here"},
      {"inuse_objects", "it is --measure inuse_objects here"},
      {"alloc_space", "it is --measure alloc_space here"},
      {"alloc_objects", "it is --measure alloc_objects here"},
      {"lines", "it is --by line here"},
      {"functions", "it is --by function here"},
      {"files", "it is --by file here"},
      {"json", "it is --format json here"},
      {"csv", "it is --format csv here"},
      {"attach", "it is --pid PID here"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(typed, known[i].option) == 0)
      return known[i].here;
  return NULL;
}

static bool unknown(struct parser *parser, const char *argument, const char *name, size_t length)
{
  char typed[64];
  snprintf(typed, sizeof typed, "%.*s", (int)(length < sizeof typed ? length : sizeof typed), name);
  int shown = (int)(name + length - argument);
  const char *here = elsewhere(typed);
  if (here)
    return fail(parser, "unknown option '%.*s': %s", shown, argument, here);
  struct nearest nearest = nearest_to(typed);
  struct option_walk walk = {parser->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));)
    nearest_offer(&nearest, row->name);
  nearest_offer(&nearest, "help");
  if (nearest.best)
    return fail(parser, "unknown option '%.*s': did you mean --%s?", shown, argument, nearest.best);
  return fail(parser, "unknown option '%.*s': --help lists those there are", shown, argument);
}

/* "-nodecont=3" is a slip in a long name, and not the number "odecont=3". */
static bool is_letters(const struct option_row *row, const char *value)
{
  bool counts =
      row->kind == OPTION_NUMBER || row->kind == OPTION_SIZE || row->kind == OPTION_DURATION;
  return counts && ((*value | 0x20) >= 'a' && (*value | 0x20) <= 'z');
}

static bool take_letters(struct parser *parser, const char *argument, bool *help)
{
  for (const char *letter = argument + 1; *letter; letter++) {
    struct found found = find_letter(parser, *letter);
    if (!found.row && *letter == 'h') {
      *help = true;
      return true;
    }
    if (letter == argument + 1 && (!found.row || is_letters(found.row, letter + 1)))
      return unknown(parser, argument, argument + 1, strcspn(argument + 1, "="));
    if (!found.row)
      return fail(parser, "unknown option '-%c' in '%s'", *letter, argument);
    if (found.row->kind != OPTION_FLAG)
      return take(parser, found, letter[1] ? letter + 1 : NULL);
    store(parser, found, "");
  }
  return true;
}

/* One argument that begins with "-" and is longer. */
static bool take_option(struct parser *parser, const char *argument, bool *help)
{
  bool two = argument[1] == '-';
  const char *name = argument + (two ? 2 : 1);
  size_t length = strcspn(name, "=");
  const char *value = name[length] ? name + length + 1 : NULL;
  struct found found = length > 1 ? find_long(parser, name, length) : (struct found){NULL, NULL};
  if (found.row)
    return take(parser, found, value);
  if (!value && strcmp(name, "help") == 0) {
    *help = true;
    return true;
  }
  return two ? unknown(parser, argument, name, length) : take_letters(parser, argument, help);
}

static bool set_standards(struct parser *parser)
{
  struct option_walk walk = {parser->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));) {
    void *place = (char *)parser->values + walk.group->offset + row->offset;
    if (row->standard && !store(parser, (struct found){row, place}, row->standard))
      return false;
  }
  return true;
}

static bool take_all(struct parser *parser, bool stop_at_word, int *words, bool *help)
{
  while (parser->at < parser->argc && !*help) {
    char *argument = parser->argv[parser->at++];
    if (strcmp(argument, "--") == 0)
      return true;
    if (argument[0] == '-' && argument[1]) {
      if (!take_option(parser, argument, help))
        return false;
      continue;
    }
    parser->argv[(*words)++] = argument;
    if (stop_at_word)
      return true;
  }
  return true;
}

enum option_result options_parse(const struct option_group *groups, void *values, bool stop_at_word,
                                 int *argc, char **argv, char error[OPTION_ERROR_TEXT])
{
  struct parser parser = {.groups = groups,
                          .program_follows = stop_at_word,
                          .values = values,
                          .argc = *argc,
                          .argv = argv,
                          .error = error};
  int words = 0;
  bool help = false;
  if (!set_standards(&parser) || !take_all(&parser, stop_at_word, &words, &help))
    return OPTIONS_BAD;
  if (help)
    return OPTIONS_HELP;
  while (parser.at < parser.argc)
    argv[words++] = argv[parser.at++];
  *argc = words;
  /* What follows is read as a program's arguments, which end with NULL. */
  argv[words] = NULL;
  return OPTIONS_OK;
}

const struct option_row *option_find(const struct option_group *groups, void *values,
                                     const char *name, void **place)
{
  struct parser parser = {.groups = groups, .values = values};
  struct found found = find_long(&parser, name, strlen(name));
  *place = found.store;
  return found.row;
}

static bool store_flag(struct parser *parser, struct found found, const char *text)
{
  static const char *const words[2][6] = {{"false", "no", "off", "0", "f", "n"},
                                          {"true", "yes", "on", "1", "t", "y"}};
  for (size_t value = 0; value < 2; value++)
    for (size_t i = 0; i < sizeof words[value] / sizeof *words[value]; i++)
      if (strcasecmp(text, words[value][i]) == 0) {
        *(bool *)found.store = value;
        return true;
      }
  return *text ? fail(parser, "--%s takes true or false, not '%s'", found.row->name, text)
               : store(parser, found, text);
}

bool option_assign(const struct option_group *groups, void *values, const char *name,
                   const char *value, char error[OPTION_ERROR_TEXT])
{
  struct parser parser = {.groups = groups, .values = values, .error = error};
  struct found found = find_long(&parser, name, strlen(name));
  if (!found.row)
    return fail(&parser, "there is no --%s", name);
  return found.row->kind == OPTION_FLAG ? store_flag(&parser, found, value)
                                        : store(&parser, found, value);
}

void options_release(const struct option_group *groups, void *values)
{
  struct option_walk walk = {groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));) {
    if (row->kind != OPTION_LIST)
      continue;
    struct text_list *list = (void *)((char *)values + walk.group->offset + row->offset);
    free(list->items);
    *list = (struct text_list){0};
  }
}
