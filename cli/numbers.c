#include "numbers.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MILLION = 1000000, MS_PER_SECOND = 1000 };

/* What "1.25" says: 1 and 250000 millionths. More than six decimals are refused. */
struct decimal {
  uint64_t whole;
  uint64_t millionths;
};

struct unit {
  const char *name;
  uint64_t factor;
};

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool parse_number(const char *text, int64_t *value)
{
  const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
  if (!is_digit(*digits))
    return false;
  char *end;
  errno = 0;
  intmax_t parsed = strtoimax(text, &end, 10);
  if (*end || errno || parsed < INT64_MIN || parsed > INT64_MAX)
    return false;
  *value = parsed;
  return true;
}

static bool take_decimal(const char **text, struct decimal *decimal)
{
  const char *at = *text;
  if (!is_digit(*at) && !(*at == '.' && is_digit(at[1])))
    return false;
  *decimal = (struct decimal){0};
  for (; is_digit(*at); at++)
    if (__builtin_mul_overflow(decimal->whole, 10, &decimal->whole) ||
        __builtin_add_overflow(decimal->whole, (uint64_t)(*at - '0'), &decimal->whole))
      return false;
  if (*at == '.') {
    at++;
    for (uint64_t place = MILLION / 10; is_digit(*at); at++, place /= 10) {
      if (!place)
        return false;
      decimal->millionths += place * (uint64_t)(*at - '0');
    }
  }
  *text = at;
  return true;
}

/* `factor` is at most 2^50, so that its product with a million fits. */
static bool scale(struct decimal decimal, uint64_t factor, uint64_t *out)
{
  uint64_t whole, sum;
  if (__builtin_mul_overflow(decimal.whole, factor, &whole) ||
      __builtin_add_overflow(whole, factor * decimal.millionths / MILLION, &sum) || sum > INT64_MAX)
    return false;
  *out = sum;
  return true;
}

bool parse_size(const char *text, uint64_t *bytes)
{
  static const char prefixes[] = "kmgtp";
  struct decimal decimal;
  if (!take_decimal(&text, &decimal))
    return false;
  uint64_t factor = 1;
  const char *prefix = *text ? strchr(prefixes, *text | 0x20) : NULL;
  if (prefix) {
    factor <<= 10 * (prefix - prefixes + 1);
    text++;
  }
  if (*text && strcasecmp(text, "B") != 0 && !(prefix && strcasecmp(text, "iB") == 0))
    return false;
  uint64_t value;
  if (!scale(decimal, factor, &value))
    return false;
  *bytes = value;
  return true;
}

/* The unit that the letters at *text name; seconds where there are none. */
static uint64_t take_time_unit(const char **text)
{
  static const struct unit units[] = {
      {"ms", 1},   {"min", 60000}, {"m", 60000},    {"sec", 1000},
      {"s", 1000}, {"h", 3600000}, {"d", 86400000},
  };
  if (!**text)
    return MS_PER_SECOND;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t length = strlen(units[i].name);
    char next = strncmp(*text, units[i].name, length) == 0 ? (*text)[length] : 'x';
    if (next == '\0' || next == '.' || is_digit(next)) {
      *text += length;
      return units[i].factor;
    }
  }
  return 0;
}

bool parse_duration(const char *text, uint64_t *milliseconds)
{
  uint64_t total = 0;
  uint64_t smallest = UINT64_MAX;
  do {
    struct decimal decimal;
    uint64_t part;
    if (!take_decimal(&text, &decimal))
      return false;
    uint64_t factor = take_time_unit(&text);
    /* "1h30m" and "1h30m0.5s", but not "30m1h", nor "1h30". */
    if (!factor || factor >= smallest || (smallest != UINT64_MAX && is_digit(text[-1])) ||
        !scale(decimal, factor, &part) || __builtin_add_overflow(total, part, &total) ||
        total > INT64_MAX)
      return false;
    if (!part && (decimal.whole || decimal.millionths))
      return false;
    smallest = factor;
  } while (*text);
  *milliseconds = total;
  return true;
}

void format_size(char out[NUMBER_TEXT], int64_t bytes)
{
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; fabs(value) >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
    value /= 1024;
  snprintf(out, NUMBER_TEXT, unit ? "%.2f%s" : "%.0f%s", value, units[unit]);
}

void format_elapsed(char out[NUMBER_TEXT], int64_t ns)
{
  int64_t seconds = ns / 1000000000;
  if (seconds < 60)
    snprintf(out, NUMBER_TEXT, "%.1fs", (double)ns / 1e9);
  else if (seconds < 3600)
    snprintf(out, NUMBER_TEXT, "%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
  else
    snprintf(out, NUMBER_TEXT, "%" PRId64 "h%02" PRId64 "m", seconds / 3600, seconds / 60 % 60);
}

void format_seconds(char out[NUMBER_TEXT], double seconds)
{
  if (seconds < 1)
    snprintf(out, NUMBER_TEXT, "%.1fms", seconds * 1e3);
  else
    snprintf(out, NUMBER_TEXT, seconds < 100 ? "%.2fs" : "%.0fs", seconds);
}
