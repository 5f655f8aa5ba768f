/* What a caller of hd_record wants, as the agent is told. */
#ifndef HD_RECORD_SETTINGS_H
#define HD_RECORD_SETTINGS_H

#include "agent/protocol.h"
#include "base/error.h"

#include <heapdiff/record.h>

/* 0 is the standard value where it has no meaning of its own. */
struct hd_settings hd_settings_of(const struct hd_record_options *options);
/* That they are in their ranges. */
bool hd_settings_check(const struct hd_record_options *options, struct hd_error *error);
/* As `struct hd_control` takes them: a line each. False where they do not fit, or a name has a
 * line break. */
bool hd_settings_text(const struct hd_settings *settings, const char *directory, char *out,
                      size_t size);

#endif
