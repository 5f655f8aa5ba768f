#include "gate/config.h"

#include "analysis/verdict.h"
#include "gate/json_place.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_STEPS = 8 };

struct reader {
  struct hd_gate_config *config;
  const char *path, *text;
  struct hd_error *error;
  struct hd_json_step steps[MOST_STEPS];
  size_t count;
};

/* A mistake at the value that the steps lead to (or its key), in words. */
__attribute__((format(printf, 3, 4))) static bool wrong(struct reader *reader, bool at_key,
                                                        const char *format, ...)
{
  char words[512];
  int line = 0, column = 0;
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  hd_json_place(reader->text, reader->steps, reader->count, at_key, &line, &column);
  return hd_fail_usage(reader->error, "line %d, column %d: %s", line, column, words);
}

static void down(struct reader *reader, const char *key, size_t index)
{
  if (reader->count < MOST_STEPS)
    reader->steps[reader->count] = (struct hd_json_step){key, index};
  reader->count++;
}

static void up(struct reader *reader)
{
  reader->count--;
}

static const char *keep(struct reader *reader, const char *text)
{
  const char *copy = hd_arena_copy(&reader->config->arena, text, strlen(text));
  if (!copy)
    hd_fail_memory(reader->error);
  return copy;
}

/* --- texts, one or a list of them ---------------------------------------------------------- */

typedef bool (*take_text_fn)(struct reader *reader, void *to, const char *text);

static bool take_text(struct reader *reader, const json_t *value, take_text_fn take, void *to)
{
  if (!json_is_string(value))
    return wrong(reader, false, "a text in quotes is wanted here, or a list of them");
  if (strlen(json_string_value(value)) != json_string_length(value))
    return wrong(reader, false, "a text has a NUL character in it");
  const char *text = keep(reader, json_string_value(value));
  return text && take(reader, to, text);
}

static bool take_texts(struct reader *reader, const json_t *value, take_text_fn take, void *to)
{
  if (!json_is_array(value))
    return take_text(reader, value, take, to);
  bool fine = true;
  for (size_t i = 0; fine && i < json_array_size(value); i++) {
    down(reader, NULL, i);
    fine = take_text(reader, json_array_get(value, i), take, to);
    up(reader);
  }
  return fine;
}

/* --- members -------------------------------------------------------------------------------- */

struct budgets {
  enum hd_rule rule;
  struct hd_gate_exception *exception; /* NULL: for all */
};

static bool take_budget(struct reader *reader, void *to, const char *text)
{
  struct budgets *budgets = to;
  struct hd_budget budget;
  const char *why;
  if (!hd_budget_parse(budgets->rule, text, &budget, &why))
    return wrong(reader, false, "%s takes %s, not '%s'", hd_rules[budgets->rule].name, why, text);
  bool fine = budgets->exception ? hd_vec_push(&budgets->exception->budgets, budget)
                                 : hd_vec_push(&reader->config->budgets, budget);
  return fine || hd_fail_memory(reader->error);
}

static bool no_member(struct reader *reader, const char *key, const char *of,
                      const char *const *known)
{
  char words[256] = "";
  size_t used = 0;
  for (size_t i = 0; known[i] && used < sizeof words; i++)
    used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "", known[i]);
  return wrong(reader, true, "%s has no member '%.100s'; there are %s", of, key, words);
}

static bool take_budgets(struct reader *reader, const json_t *value,
                         struct hd_gate_exception *exception)
{
  static const char *const names[] = {
#define HD_RULE(id, name, ...) name,
#include "gate/rules.def"
#undef HD_RULE
      NULL};
  const char *key;
  json_t *item;
  if (!json_is_object(value))
    return wrong(reader, false, "budgets is an object such as {\"max-growth\": \"1MiB\"}");
  json_object_foreach((json_t *)value, key, item)
  {
    struct budgets budgets = {hd_rule_find(key), exception};
    down(reader, key, 0);
    if (budgets.rule == HD_RULES)
      return no_member(reader, key, "budgets", names);
    if (exception && !hd_rules[budgets.rule].sites)
      return wrong(reader, true, "%s is of the total, not of call sites", key);
    if (!take_texts(reader, item, take_budget, &budgets))
      return false;
    up(reader);
  }
  return true;
}

static bool take_verdict(struct reader *reader, void *to, const char *text)
{
  (void)to;
  for (unsigned i = 0; i <= HD_VERDICT_STEADY; i++)
    if (strcmp(hd_verdict_names[i], text) == 0)
      return hd_vec_push(&reader->config->fail_on, text) || hd_fail_memory(reader->error);
  return wrong(reader, false, "there is no verdict '%.100s'", text);
}

/* Relative to the config's own place. */
static bool take_file(struct reader *reader, void *to, const char *text)
{
  const char *slash = strrchr(reader->path, '/');
  struct hd_texts *files = to;
  if (!text[0])
    return wrong(reader, false, "the name of a file is empty");
  if (slash && text[0] != '/')
    text = hd_arena_printf(&reader->config->arena, "%.*s/%s", (int)(slash - reader->path),
                           reader->path, text);
  return (text && hd_vec_push(files, text)) || hd_fail_memory(reader->error);
}

static bool take_regex(struct reader *reader, void *to, const char *text)
{
  struct hd_regex **regex = to;
  struct hd_error own = HD_ERROR_INIT;
  if (!text[0])
    return wrong(reader, false, "the pattern is empty");
  if (hd_regex_create(text, "pattern", regex, &own))
    return true;
  return own.kind == HD_ERROR_USAGE ? wrong(reader, false, "%s", own.text)
                                    : hd_fail_memory(reader->error);
}

static bool take_reason(struct reader *reader, void *to, const char *text)
{
  (void)reader;
  *(const char **)to = text;
  return true;
}

static bool take_site_member(struct reader *reader, const char *key, const json_t *item,
                             struct hd_gate_exception *to)
{
  static const char *const names[] = {"function", "file", "module", "budgets", "reason", NULL};
  void *const places[] = {&to->function, &to->file, &to->module, NULL, &to->reason};
  size_t i = 0;
  while (names[i] && strcmp(names[i], key) != 0)
    i++;
  if (!names[i])
    return no_member(reader, key, "an item of sites", names);
  if (!places[i])
    return take_budgets(reader, item, to);
  return take_text(reader, item, strcmp(key, "reason") == 0 ? take_reason : take_regex, places[i]);
}

static bool take_site(struct reader *reader, const json_t *value)
{
  const char *key;
  json_t *item;
  if (!hd_vec_push(&reader->config->exceptions, (struct hd_gate_exception){.reason = NULL}))
    return hd_fail_memory(reader->error);
  struct hd_gate_exception *to =
      &reader->config->exceptions.items[reader->config->exceptions.count - 1];
  if (!json_is_object(value))
    return wrong(reader, false, "an item of sites is an object");
  json_object_foreach((json_t *)value, key, item)
  {
    down(reader, key, 0);
    if (!take_site_member(reader, key, item, to))
      return false;
    up(reader);
  }
  if (!to->function && !to->file && !to->module)
    return wrong(reader, false, "an item of sites says which by function, file or module");
  return to->budgets.count || wrong(reader, false, "an item of sites has budgets");
}

static bool take_sites(struct reader *reader, const json_t *value)
{
  if (!json_is_array(value))
    return wrong(reader, false, "sites is a list of objects");
  for (size_t i = 0; i < json_array_size(value); i++) {
    down(reader, NULL, i);
    if (!take_site(reader, json_array_get(value, i)))
      return false;
    up(reader);
  }
  return true;
}

static bool take_limit(struct reader *reader, void *to, const char *text)
{
  struct hd_budget budget;
  const char *why;
  if (!hd_budget_parse(HD_RULE_MAX_GROWTH, text, &budget, &why) ||
      budget.kind != HD_BUDGET_AMOUNT || budget.amount < 1)
    return wrong(reader, false, "limit takes a size such as 2GiB, not '%.100s'", text);
  *(int64_t *)to = (int64_t)budget.amount;
  return true;
}

static bool take_confidence(struct reader *reader, const json_t *value)
{
  double number = json_number_value(value);
  if (!json_is_number(value) || number < .5 || number >= 1)
    return wrong(reader, false, "confidence is a number from 0.5 to below 1, such as 0.999");
  reader->config->confidence = number;
  return true;
}

static bool take_member(struct reader *reader, const char *key, const json_t *item)
{
  static const char *const names[] = {"baseline", "budgets",      "fail-on", "confidence",
                                      "limit",    "suppressions", "sites",   NULL};
  struct hd_gate_config *config = reader->config;
  size_t i = 0;
  while (names[i] && strcmp(names[i], key) != 0)
    i++;
  switch (i) {
  case 0: return take_texts(reader, item, take_file, &config->baselines);
  case 1: return take_budgets(reader, item, NULL);
  case 2: return take_texts(reader, item, take_verdict, NULL);
  case 3: return take_confidence(reader, item);
  case 4: return take_text(reader, item, take_limit, &config->limit);
  case 5: return take_texts(reader, item, take_file, &config->suppressions);
  case 6: return take_sites(reader, item);
  default: return no_member(reader, key, "the config", names);
  }
}

static bool take_config(struct reader *reader, const json_t *root)
{
  const char *key;
  json_t *item;
  if (!json_is_object(root))
    return wrong(reader, false, "the config is an object: {\"budgets\": {...}}");
  json_object_foreach((json_t *)root, key, item)
  {
    down(reader, key, 0);
    if (!take_member(reader, key, item))
      return false;
    up(reader);
  }
  return true;
}

bool hd_gate_config_read(struct hd_gate_config *config, const char *path, const char *text,
                         size_t length, struct hd_error *error)
{
  struct reader reader = {.config = config, .path = path, .text = text, .error = error};
  json_error_t mistake;
  json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &mistake);
  bool fine = root ? take_config(&reader, root)
                   : hd_fail_usage(error, "line %d, column %d: this is not JSON: %s", mistake.line,
                                   mistake.column, mistake.text);
  json_decref(root);
  return fine || hd_error_in(error, path);
}

void hd_gate_config_deinit(struct hd_gate_config *config)
{
  for (size_t i = 0; i < config->exceptions.count; i++) {
    struct hd_gate_exception *of = &config->exceptions.items[i];
    hd_regex_destroy(of->function);
    hd_regex_destroy(of->file);
    hd_regex_destroy(of->module);
    hd_vec_deinit(&of->budgets);
  }
  hd_vec_deinit(&config->exceptions);
  hd_vec_deinit(&config->budgets);
  hd_vec_deinit(&config->fail_on);
  hd_vec_deinit(&config->baselines);
  hd_vec_deinit(&config->suppressions);
  hd_arena_deinit(&config->arena);
}
