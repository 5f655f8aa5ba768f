/* Numbers as people type and read them. */
#ifndef HEAPDIFF_CLI_NUMBERS_H
#define HEAPDIFF_CLI_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* Each takes the whole text and returns false where it is anything else, or
 * does not fit; *value is then untouched. */

/* A decimal integer, with a sign or without. */
bool parse_number(const char *text, int64_t *value);
/* Bytes: "4096", "512k", "1.5GiB". Factors are of 1024 whether the suffix is k,
 * kB or KiB; at most INT64_MAX. */
bool parse_size(const char *text, uint64_t *bytes);
/* Milliseconds: "10" (seconds), "250ms", "10s", "5m", "1h30m", "2d"; an amount
 * below a millisecond that is not 0 is refused. At most INT64_MAX. */
bool parse_duration(const char *text, uint64_t *milliseconds);

enum { NUMBER_TEXT = 32 };

/* "41.20MB": two decimals, as the reports print sizes. */
void format_size(char out[NUMBER_TEXT], int64_t bytes);
/* An amount of time: "2.5ms", "1.25s", "310s". */
void format_seconds(char out[NUMBER_TEXT], double seconds);
/* Time since a start: "12.3s", "5m10s", "2h05m". */
void format_elapsed(char out[NUMBER_TEXT], int64_t ns);

#endif
