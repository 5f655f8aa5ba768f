/* Reading one line of a text format: each function takes what it names from the
 * front of `text` and returns true, or leaves `text` as it was. No line is
 * terminated; nothing is read past `end`. */
#ifndef HD_READERS_HEAP_TEXT_SCAN_H
#define HD_READERS_HEAP_TEXT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_scan {
  const char *at, *end;
};

static inline struct hd_scan hd_scan_of(const char *text, size_t length)
{
  return (struct hd_scan){text, text + length};
}

static inline size_t hd_scan_left(const struct hd_scan *text)
{
  return (size_t)(text->end - text->at);
}

/* Blanks and tabs; none is fine. True where the line ends behind them. */
bool hd_scan_blanks(struct hd_scan *text);
/* Drops blanks, tabs and carriage returns at both ends. */
void hd_scan_trim(struct hd_scan *text);
bool hd_scan_literal(struct hd_scan *text, const char *literal);
/* Blanks, then the one character. */
bool hd_scan_mark(struct hd_scan *text, char mark);
/* Blanks, then a decimal number; false where it is past 64 bits, too. */
bool hd_scan_int(struct hd_scan *text, int64_t *value);
bool hd_scan_uint(struct hd_scan *text, uint64_t *value);
/* Hexadecimal digits, "0x" before them or not; false past 64 bits, too. */
bool hd_scan_hex(struct hd_scan *text, uint64_t *value);
/* What comes up to the next blank or the end; false where that is nothing. */
bool hd_scan_word(struct hd_scan *text, struct hd_scan *word);
/* Whether the text holds these words anywhere. */
bool hd_scan_holds(const struct hd_scan *text, const char *words);
/* "n: b [N: B]" with any blanks in between: what all these formats count in. */
bool hd_scan_counts(struct hd_scan *text, int64_t counts[4]);
/* A logger's "file.cc:123] " in front of what it was given. */
void hd_scan_drop_log_prefix(struct hd_scan *text);

#endif
