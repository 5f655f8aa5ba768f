#include "readers/heap_text_scan.h"

#include <string.h>

static bool is_blank(char c)
{
  return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool hd_scan_blanks(struct hd_scan *text)
{
  while (text->at < text->end && is_blank(*text->at))
    text->at++;
  return text->at == text->end;
}

void hd_scan_trim(struct hd_scan *text)
{
  while (text->at < text->end && (is_blank(*text->at) || *text->at == '\r'))
    text->at++;
  while (text->at < text->end && (is_blank(text->end[-1]) || text->end[-1] == '\r'))
    text->end--;
}

bool hd_scan_literal(struct hd_scan *text, const char *literal)
{
  size_t length = strlen(literal);
  if (hd_scan_left(text) < length || memcmp(text->at, literal, length) != 0)
    return false;
  text->at += length;
  return true;
}

bool hd_scan_mark(struct hd_scan *text, char mark)
{
  struct hd_scan ahead = *text;
  if (hd_scan_blanks(&ahead) || *ahead.at != mark)
    return false;
  text->at = ahead.at + 1;
  return true;
}

bool hd_scan_uint(struct hd_scan *text, uint64_t *value)
{
  struct hd_scan ahead = *text;
  uint64_t sum = 0;
  if (hd_scan_blanks(&ahead) || !is_digit(*ahead.at))
    return false;
  for (; ahead.at < ahead.end && is_digit(*ahead.at); ahead.at++)
    if (__builtin_mul_overflow(sum, 10, &sum) ||
        __builtin_add_overflow(sum, (uint64_t)(*ahead.at - '0'), &sum))
      return false;
  *text = ahead;
  *value = sum;
  return true;
}

bool hd_scan_int(struct hd_scan *text, int64_t *value)
{
  struct hd_scan ahead = *text;
  uint64_t size;
  bool negative = hd_scan_mark(&ahead, '-');
  if ((negative && (ahead.at == ahead.end || !is_digit(*ahead.at))) ||
      !hd_scan_uint(&ahead, &size) || size > INT64_MAX)
    return false;
  *text = ahead;
  *value = negative ? -(int64_t)size : (int64_t)size;
  return true;
}

/* By character: the digit's value + 1, 0 where it is none. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool hd_scan_hex(struct hd_scan *text, uint64_t *value)
{
  const char *at = text->at, *end = text->end;
  uint64_t sum = 0;
  if (end - at >= 2 && at[0] == '0' && (at[1] | 0x20) == 'x')
    at += 2;
  const char *first = at;
  for (; at < end; at++) {
    uint64_t digit = hex_digits[(unsigned char)*at];
    if (!digit)
      break;
    if (sum >> 60)
      return false;
    sum = sum << 4 | (digit - 1);
  }
  if (at == first)
    return false;
  text->at = at;
  *value = sum;
  return true;
}

bool hd_scan_word(struct hd_scan *text, struct hd_scan *word)
{
  struct hd_scan ahead = *text;
  if (hd_scan_blanks(&ahead))
    return false;
  word->at = ahead.at;
  while (ahead.at < ahead.end && !is_blank(*ahead.at))
    ahead.at++;
  word->end = ahead.at;
  *text = ahead;
  return true;
}

bool hd_scan_holds(const struct hd_scan *text, const char *words)
{
  return memmem(text->at, hd_scan_left(text), words, strlen(words)) != NULL;
}

bool hd_scan_counts(struct hd_scan *text, int64_t counts[4])
{
  struct hd_scan ahead = *text;
  if (!hd_scan_int(&ahead, &counts[0]) || !hd_scan_mark(&ahead, ':') ||
      !hd_scan_int(&ahead, &counts[1]) || !hd_scan_mark(&ahead, '[') ||
      !hd_scan_int(&ahead, &counts[2]) || !hd_scan_mark(&ahead, ':') ||
      !hd_scan_int(&ahead, &counts[3]) || !hd_scan_mark(&ahead, ']'))
    return false;
  *text = ahead;
  return true;
}

void hd_scan_drop_log_prefix(struct hd_scan *text)
{
  const char *close = memchr(text->at, ']', hd_scan_left(text));
  if (!close || close + 1 == text->end || close[1] != ' ')
    return;
  const char *digits = close;
  while (digits > text->at && is_digit(digits[-1]))
    digits--;
  bool named = digits < close && digits - text->at > 1 && digits[-1] == ':';
  /* "n: b [N: B] @" has a bracket of its own. */
  if (named && !memchr(text->at, '[', (size_t)(close - text->at)))
    text->at = close + 2;
}
