/* Values of `record` that are words: a signal, a share of a limit; and those it has where
 * nothing is said. */
#ifndef HEAPDIFF_CLI_RECORD_WORDS_H
#define HEAPDIFF_CLI_RECORD_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "USR2", "SIGUSR1", "RTMIN+3", "34": the number. False for what is no signal, or
 * none that a program can do without. */
bool parse_signal(const char *text, int *number);
const char *signal_words(size_t i);
/* Formats of snapshots. */
const char *format_words(size_t i);
/* "90%", "90": 1 to 100; "off" and 0: 0. */
bool parse_percent(const char *text, uint32_t *percent);

/* As its options have them; and read, for others that record as it does. */
#define STANDARD_RATE "512k"
#define STANDARD_KEEP "1000"
#define STANDARD_MAX_SIZE "1g"
#define STANDARD_OOM_AT "90%"
struct record_standards {
  int64_t keep;
  uint64_t max_size;
  uint32_t oom_percent;
};
struct record_standards record_standards(void);

#endif
