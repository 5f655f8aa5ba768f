#include "shell_line.h"

#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n\v\f";

static bool is_blank(char c)
{
  return c && strchr(blanks, c);
}

/* Takes blanks off both ends, in place. */
static char *trimmed(char *text)
{
  text += strspn(text, blanks);
  size_t length = strlen(text);
  while (length && is_blank(text[length - 1]))
    length--;
  text[length] = '\0';
  return text;
}

/* Takes a pair of quotes off that the whole text is in. */
static char *unquoted(char *text)
{
  size_t length = strlen(text);
  bool quoted = length >= 2 && (text[0] == '"' || text[0] == '\'') &&
                strchr(text + 1, text[0]) == text + length - 1;
  if (quoted)
    text[length - 1] = '\0';
  return text + quoted;
}

/* "name = value", as pprof takes it apart: what follows "//:" is a comment. */
static bool take_sides(struct shell_line *line, const char *text)
{
  const char *equals = strchr(text, '=');
  if (!equals)
    return true;
  char *name = strndup(text, (size_t)(equals - text));
  char *value = strdup(equals + 1);
  if (!name || !value) {
    free(name);
    free(value);
    return false;
  }
  char *comment = strstr(value, "//:");
  if (comment)
    *comment = '\0';
  char *left = trimmed(name), *right = unquoted(trimmed(value));
  bool one = *left && !left[strcspn(left, blanks)] && !strchr("'\"#>|", *left);
  size_t size = strlen(left) + strlen(right) + 2;
  line->copy = one ? malloc(size) : NULL;
  if (line->copy) {
    strcpy(line->copy, left);
    strcpy(line->copy + strlen(left) + 1, right);
    line->name = line->copy;
    line->value = line->copy + strlen(left) + 1;
  }
  free(name);
  free(value);
  return !one || line->copy;
}

/* Reads a word at *from and moves it to *to, terminated; false: a quote stays open. */
static bool take_word(char **from, char **to)
{
  char quote = 0, *at = *from, *out = *to;
  for (; *at && (quote || !is_blank(*at)); at++) {
    if (!quote && (*at == '\'' || *at == '"'))
      quote = *at;
    else if (quote && *at == quote)
      quote = 0;
    else
      *out++ = *at;
  }
  *from = *at ? at + 1 : at;
  *out = '\0';
  *to = out + 1;
  return !quote;
}

static bool take_file(struct shell_line *line, char **from, char **to, const char **mistake)
{
  ++*from;
  if (**from == '>') {
    *mistake = "there is no >>: a file is written anew, by >";
    return false;
  }
  *from += strspn(*from, blanks);
  line->to_file = *to;
  if (!**from || **from == '|' || **from == '>') {
    *mistake = "the name of a file is missing after >";
    return false;
  }
  if (take_word(from, to))
    return true;
  *mistake = "a quote is not closed";
  return false;
}

static bool take_words(struct shell_line *line, char *from, char *to, const char **mistake)
{
  while (*(from += strspn(from, blanks))) {
    if (*from == '|') {
      line->to_program = trimmed(from + 1);
      if (*line->to_program && !line->to_file)
        return true;
      *mistake = line->to_file ? "the output goes to a file or to a command, not to both"
                               : "a command is missing after |";
      return false;
    }
    if (*from == '>') {
      if (!take_file(line, &from, &to, mistake))
        return false;
      continue;
    }
    if (line->count == SHELL_WORDS) {
      *mistake = "these are too many words";
      return false;
    }
    line->words[line->count++] = to;
    if (!take_word(&from, &to)) {
      *mistake = "a quote is not closed";
      return false;
    }
  }
  return true;
}

bool shell_line_parse(struct shell_line *line, const char *text, const char **mistake)
{
  *line = (struct shell_line){0};
  *mistake = "out of memory";
  text += strspn(text, blanks);
  if (!*text || *text == '#')
    return true;
  if (!take_sides(line, text))
    return false;
  size_t used = line->copy ? strlen(line->name) + strlen(line->value) + 2 : 0;
  size_t length = strlen(text);
  /* The line as it is typed, and behind it the words, each terminated. */
  char *copy = malloc(used + 2 * (length + 1) + 1);
  if (!copy)
    return false;
  if (used) {
    memcpy(copy, line->copy, used);
    line->value = copy + (line->value - line->copy);
    line->name = copy;
  }
  free(line->copy);
  line->copy = copy;
  memcpy(copy + used, text, length + 1);
  return take_words(line, copy + used, copy + used + length + 1, mistake);
}

void shell_line_release(struct shell_line *line)
{
  free(line->copy);
  *line = (struct shell_line){0};
}

size_t shell_word_start(const char *text, size_t end, char *quote)
{
  size_t start = 0;
  *quote = 0;
  for (size_t i = 0; i < end; i++) {
    if (*quote) {
      *quote = text[i] == *quote ? 0 : *quote;
    } else if (text[i] == '\'' || text[i] == '"') {
      *quote = text[i];
    } else if (is_blank(text[i]) || (text[i] == '=' && start == 0) ||
               ((text[i] == '>' || text[i] == '|') && start == i)) {
      start = i + 1;
    }
  }
  return start;
}
