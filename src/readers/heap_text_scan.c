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

/* -1 where it is no hexadecimal digit. */
static int hex_digit(char c)
{
  if (is_digit(c))
    return c - '0';
  char lower = (char)(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool hd_scan_hex(struct hd_scan *text, uint64_t *value)
{
  struct hd_scan ahead = *text;
  uint64_t sum = 0;
  if (!hd_scan_literal(&ahead, "0x"))
    hd_scan_literal(&ahead, "0X");
  const char *first = ahead.at;
  for (int digit; ahead.at < ahead.end && (digit = hex_digit(*ahead.at)) >= 0; ahead.at++) {
    if (sum >> 60)
      return false;
    sum = sum << 4 | (uint64_t)digit;
  }
  if (ahead.at == first)
    return false;
  *text = ahead;
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
