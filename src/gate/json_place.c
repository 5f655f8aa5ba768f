#include "gate/json_place.h"

#include <string.h>

static const char *blanks(const char *at)
{
  return at + strspn(at, " \t\r\n");
}

/* Past a string that begins at `at`. */
static const char *past_string(const char *at)
{
  for (at++; *at && *at != '"'; at++)
    if (*at == '\\' && at[1])
      at++;
  return *at ? at + 1 : at;
}

/* Past any value: brackets are counted, as all of them match. */
static const char *past_value(const char *at)
{
  size_t depth = 0;
  do {
    at = blanks(at);
    if (*at == '"') {
      at = past_string(at);
    } else if (*at == '{' || *at == '[') {
      depth++;
      at++;
    } else if (*at == '}' || *at == ']') {
      depth--;
      at++;
    } else if (*at == ',' || *at == ':') {
      at++;
    } else if (*at) {
      at += strcspn(at, " \t\r\n,:]}");
    }
  } while (depth && *at);
  return at;
}

/* The value of a member, or its key; NULL: there is none. Keys with escapes are not found. */
static const char *find_member(const char *at, const char *key, bool at_key)
{
  size_t length = strlen(key);
  if (*at != '{')
    return NULL;
  for (at = blanks(at + 1); *at == '"'; at = blanks(at)) {
    const char *name = at, *end = past_string(at);
    const char *value = blanks(blanks(end) + 1);
    if ((size_t)(end - name) == length + 2 && strncmp(name + 1, key, length) == 0)
      return at_key ? name : value;
    at = blanks(past_value(value));
    if (*at != ',')
      return NULL;
    at++;
  }
  return NULL;
}

static const char *find_item(const char *at, size_t index)
{
  if (*at != '[')
    return NULL;
  for (at = blanks(at + 1); *at && *at != ']'; at = blanks(at + 1)) {
    if (!index--)
      return at;
    at = blanks(past_value(at));
    if (*at != ',')
      return NULL;
  }
  return NULL;
}

bool hd_json_place(const char *text, const struct hd_json_step *steps, size_t count, bool at_key,
                   int *line, int *column)
{
  const char *at = blanks(text);
  for (size_t i = 0; at && i < count; i++)
    at = steps[i].key ? find_member(at, steps[i].key, at_key && i + 1 == count)
                      : find_item(at, steps[i].index);
  if (!at)
    return false;
  *line = *column = 1;
  for (const char *c = text; c < at; c++) {
    *column = *c == '\n' ? 1 : *column + 1;
    *line += *c == '\n';
  }
  return true;
}
