/* Times as people type them. */
#ifndef HEAPDIFF_CLI_MOMENTS_H
#define HEAPDIFF_CLI_MOMENTS_H

#include <heapdiff/query.h>

/* "2026-03-01", "2026-03-01 15:04", "2026-03-01T15:04:05Z" (UTC, years from 1970 on),
 * or a duration as parse_duration takes it: that long before the last snapshot. False
 * where the text is anything else. */
bool parse_moment(const char *text, struct hd_moment *moment);
/* INT64_MAX where there are more than fit. */
int64_t duration_ns(uint64_t milliseconds);

#endif
