/* Filling struct hd_error. Every setter returns false, so that a failing
 * function can end with `return hd_fail_input(error, "...")`. All of them take
 * NULL for `error`, and none overwrites a failure that is already there. */
#ifndef HD_BASE_ERROR_H
#define HD_BASE_ERROR_H

#include <heapdiff/error.h>

#define HD_PRINTF(f, a) __attribute__((format(printf, f, a)))

bool hd_fail_usage(struct hd_error *error, const char *format, ...) HD_PRINTF(2, 3);
bool hd_fail_input(struct hd_error *error, const char *format, ...) HD_PRINTF(2, 3);
bool hd_fail_internal(struct hd_error *error, const char *format, ...) HD_PRINTF(2, 3);
bool hd_fail_memory(struct hd_error *error);

/* An input failure at a line (1-based) or at a byte offset. */
bool hd_fail_line(struct hd_error *error, int64_t line, const char *format, ...) HD_PRINTF(3, 4);
bool hd_fail_offset(struct hd_error *error, int64_t offset, const char *format, ...)
    HD_PRINTF(3, 4);

/* Adds the line (0: none) or the offset (-1: none) to an input failure that has no
 * place yet. Returns false always. */
bool hd_error_at(struct hd_error *error, int64_t line, int64_t offset);

/* Names the file a failure belongs to, once: does nothing when there is no
 * failure or a source is named already. Returns false always. */
bool hd_error_in(struct hd_error *error, const char *source);

#endif
