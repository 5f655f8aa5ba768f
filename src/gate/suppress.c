#include "gate/suppress.h"

#include <string.h>

enum { MOST_PATTERNS = 64 };

/* --- patterns -------------------------------------------------------------------------- */

/* Whether the pattern matches the text's beginning. */
static bool match_here(const char *pattern, const char *text)
{
  const char *star = NULL, *again = NULL;
  for (;;) {
    if (*pattern == '$' && !pattern[1]) {
      if (!*text)
        return true;
    } else if (!*pattern) {
      return true;
    } else if (*pattern == '*') {
      star = ++pattern;
      again = text;
      continue;
    } else if (*text && *pattern == *text) {
      pattern++;
      text++;
      continue;
    }
    /* No match from here: the last star takes one more. */
    if (!star || !*again)
      return false;
    text = ++again;
    pattern = star;
  }
}

bool hd_pattern_found(const char *pattern, const char *text)
{
  if (*pattern == '^')
    return match_here(pattern + 1, text);
  do
    if (match_here(pattern, text))
      return true;
  while (*text++);
  return false;
}

/* --- the file --------------------------------------------------------------------------- */

struct parser {
  struct hd_suppressions *to;
  const char *file, *today;
  struct hd_error *error;
  int64_t line;
  const char *until, *reason; /* for the next pattern */
};

static bool wrong(struct parser *parser, const char *why, const char *what)
{
  hd_fail_usage(parser->error, "%s: line %lld: %s%s%s", parser->file, (long long)parser->line, why,
                what ? ": " : "", what ? what : "");
  return false;
}

static const char *keep(struct parser *parser, const char *text, size_t length)
{
  return hd_arena_copy(&parser->to->arena, text, length);
}

static bool is_date(const char *text)
{
  static const char shape[] = "dddd-dd-dd";
  for (size_t i = 0; i < sizeof shape - 1; i++)
    if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
      return false;
  int month = (text[5] - '0') * 10 + text[6] - '0', day = (text[8] - '0') * 10 + text[9] - '0';
  return !text[10] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* "until=2026-12-31 reason=whatever follows" */
static bool take_remark(struct parser *parser, const char *text)
{
  text += strspn(text, " \t");
  while (*text && strncmp(text, "reason=", 7) != 0) {
    size_t length = strcspn(text, " \t");
    if (strncmp(text, "until=", 6) != 0)
      return wrong(parser, "'# heapdiff:' takes until=YYYY-MM-DD and reason=TEXT", NULL);
    parser->until = keep(parser, text + 6, length - 6);
    if (!parser->until)
      return hd_fail_memory(parser->error);
    if (!is_date(parser->until))
      return wrong(parser, "until= takes a date such as 2026-12-31", NULL);
    text += length + strspn(text + length, " \t");
  }
  if (!*text)
    return true;
  parser->reason = keep(parser, text + 7, strlen(text + 7));
  return parser->reason || hd_fail_memory(parser->error);
}

static bool take_patterns(struct parser *parser, const char *text, struct hd_suppression *item)
{
  const char *patterns[MOST_PATTERNS];
  bool stack = item->kind == HD_SUPPRESS_STACK;
  for (bool more = true; more;) {
    size_t length = stack ? strcspn(text, ";") : strlen(text);
    bool dots = stack && length == 3 && strncmp(text, "...", 3) == 0;
    const char *pattern = keep(parser, text, length);
    if (!pattern)
      return hd_fail_memory(parser->error);
    if (!length || item->count == MOST_PATTERNS)
      return wrong(parser, length ? "a stack of more than 64 patterns" : "a pattern is empty",
                   NULL);
    patterns[item->count++] = dots ? NULL : pattern;
    more = text[length] == ';';
    text += length + more;
  }
  const char **kept = hd_arena_alloc(&parser->to->arena, item->count * sizeof *kept);
  if (!kept)
    return hd_fail_memory(parser->error);
  memcpy(kept, patterns, item->count * sizeof *kept);
  item->patterns = kept;
  return true;
}

static bool take_pattern(struct parser *parser, const char *text)
{
  static const char *const kinds[] = {"leak", "function", "file", "module", "stack"};
  const char *colon = strchr(text, ':');
  size_t kind = 0;
  while (colon && kind < sizeof kinds / sizeof *kinds &&
         (strlen(kinds[kind]) != (size_t)(colon - text) ||
          strncmp(kinds[kind], text, strlen(kinds[kind])) != 0))
    kind++;
  if (!colon || kind == sizeof kinds / sizeof *kinds)
    return wrong(parser,
                 "a suppression is leak:, function:, file:, module: or stack: and a "
                 "pattern, not",
                 text);
  struct hd_suppression item = {.kind = (enum hd_suppression_kind)kind,
                                .text = keep(parser, text, strlen(text)),
                                .file = parser->file,
                                .line = parser->line,
                                .until = parser->until,
                                .reason = parser->reason};
  item.expired = item.until && strcmp(item.until, parser->today) < 0;
  parser->until = parser->reason = NULL;
  if (!item.text)
    return hd_fail_memory(parser->error);
  return take_patterns(parser, colon + 1, &item) &&
         (hd_vec_push(&parser->to->items, item) || hd_fail_memory(parser->error));
}

static bool take_line(struct parser *parser, const char *text)
{
  static const char mark[] = "# heapdiff:";
  if (strncmp(text, mark, sizeof mark - 1) == 0)
    return take_remark(parser, text + sizeof mark - 1);
  return !*text || *text == '#' || take_pattern(parser, text);
}

bool hd_suppressions_read(struct hd_suppressions *suppressions, const char *file, const char *text,
                          size_t length, const char *today, struct hd_error *error)
{
  struct parser parser = {.to = suppressions, .today = today, .error = error};
  parser.file = hd_arena_copy(&suppressions->arena, file, strlen(file));
  if (!parser.file)
    return hd_fail_memory(error);
  for (size_t at = 0; at < length;) {
    const char *newline = memchr(text + at, '\n', length - at);
    size_t end = newline ? (size_t)(newline - text) : length, from = at, to = end;
    parser.line++;
    while (to > from && strchr(" \t\r", text[to - 1]))
      to--;
    while (from < to && strchr(" \t", text[from]))
      from++;
    const char *line = keep(&parser, text + from, to - from);
    if (!line)
      return hd_fail_memory(error);
    if (!take_line(&parser, line))
      return false;
    at = end + 1;
  }
  return true;
}

void hd_suppressions_deinit(struct hd_suppressions *suppressions)
{
  hd_vec_deinit(&suppressions->items);
  hd_arena_deinit(&suppressions->arena);
}

/* --- stacks ------------------------------------------------------------------------------ */

struct stack {
  const struct hd_series *series;
  const uint32_t *labels, *modules;
  size_t count;
};

static const char *function_of(const struct stack *stack, size_t i)
{
  return hd_pool_text(stack->series->pool,
                      stack->series->labels.items[stack->labels[i] - 1].key.function);
}

static bool frame_matches(const struct hd_suppression *item, const struct stack *stack, size_t i)
{
  const struct hd_pool *pool = stack->series->pool;
  uint32_t module = stack->modules[i];
  const char *file = hd_pool_text(pool, stack->series->labels.items[stack->labels[i] - 1].key.file);
  const char *path = module ? hd_pool_text(pool, pool->modules.items[module - 1].path) : "";
  const char *texts[] = {function_of(stack, i), file, path};
  static const bool looks_at[][3] = {
      [HD_SUPPRESS_LEAK] = {true, true, true},
      [HD_SUPPRESS_FUNCTION] = {true, false, false},
      [HD_SUPPRESS_FILE] = {false, true, false},
      [HD_SUPPRESS_MODULE] = {false, false, true},
  };
  for (int n = 0; n < 3; n++)
    if (looks_at[item->kind][n] && texts[n][0] && hd_pattern_found(item->patterns[0], texts[n]))
      return true;
  return false;
}

/* Whether the patterns match frames that follow each other, the first one at `frame`. As
 * of a star in a pattern, only the last "..." is ever to be tried again. */
static bool stack_from(const struct hd_suppression *item, const struct stack *stack, size_t frame)
{
  size_t pattern = 0, dots = item->count, again = 0;
  while (pattern < item->count) {
    if (!item->patterns[pattern]) {
      dots = ++pattern;
      again = frame;
    } else if (frame < stack->count &&
               hd_pattern_found(item->patterns[pattern], function_of(stack, frame))) {
      pattern++;
      frame++;
    } else if (dots < item->count && again < stack->count) {
      frame = ++again;
      pattern = dots;
    } else {
      return false;
    }
  }
  return true;
}

static bool matches(const struct hd_suppression *item, const struct stack *stack)
{
  for (size_t i = 0; i < stack->count; i++)
    if (item->kind == HD_SUPPRESS_STACK ? stack_from(item, stack, i)
                                        : frame_matches(item, stack, i))
      return true;
  return false;
}

uint32_t hd_suppressions_hide(void *context, const struct hd_series *series, const uint32_t *labels,
                              const uint32_t *modules, size_t count)
{
  struct hd_suppressions *suppressions = context;
  struct stack stack = {series, labels, modules, count};
  for (size_t i = 0; i < suppressions->items.count; i++) {
    struct hd_suppression *item = &suppressions->items.items[i];
    if (!item->expired && matches(item, &stack)) {
      item->used = true;
      return (uint32_t)i + 1;
    }
  }
  return 0;
}
