/* Values of `record` that are words: a signal, a share of a limit. */
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

#endif
