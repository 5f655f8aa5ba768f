/* What goes to standard error. Every message is one line; control characters in
 * it, as a hostile file name may have, are shown as "?". */
#ifndef HEAPDIFF_CLI_MESSAGES_H
#define HEAPDIFF_CLI_MESSAGES_H

#include <heapdiff/session.h>

/* "heapdiff: ..." */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "heapdiff VERB: ..." */
void message_of(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "heapdiff: warning: ..." */
void message_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what went wrong; returns the exit code for it. */
int message_error(const struct hd_error *error);
void message_note(const struct hd_note *note);
/* Says the session's notes from number `from` on; returns how many there are. */
size_t message_notes(const hd_session *session, size_t from);

#endif
