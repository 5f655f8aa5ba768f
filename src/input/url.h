/* URLs as users write them: told apart from files, shown without their secrets, and
 * turned into the pages where profiles are. */
#ifndef HD_INPUT_URL_H
#define HD_INPUT_URL_H

#include "base/buffer.h"

#include <heapdiff/url.h>

#include <stdint.h>

/* What is to be fetched. */
enum hd_url_kind { HD_URL_HEAP, HD_URL_GOROUTINE };

/* Which of them has a measure, by its name; NULL, or an unknown one: the heap. */
enum hd_url_kind hd_url_kind_of(const char *measure);

/* Whether an argument has the form "scheme://...". */
bool hd_url_has_scheme(const char *text);

/* The URL without user, password, fragment and the values of its query that are not
 * those of net/http/pprof (debug, gc, seconds): fit for messages. */
void hd_url_shown(const char *url, struct hd_buffer *out);

/* Takes what is secret of the options and the URL out of a text, a server's for instance,
 * which may repeat what it was sent. What is shorter than four characters stays. */
void hd_url_mask(char *text, const char *url, const struct hd_url_options *options);

/* "localhost-6060": the host and the port as part of a file's name. */
void hd_url_file_stem(const char *url, struct hd_buffer *out);

/* User and password of the URL, "name:password", decoded; empty where it has none. */
void hd_url_user(const char *url, struct hd_buffer *out);

/* The pages where the profile may be, to be tried in turn: one
 * that the user named is the only one. `out` is cleared first. False past the last. */
bool hd_url_page(const char *url, enum hd_url_kind kind, bool gc, size_t i, struct hd_buffer *out);
/* Whether the page is looked for, the user having named none. */
bool hd_url_is_bare(const char *url);

/* How long the service is asked to take (?seconds=N, a delta of net/http/pprof), 0 no time;
 * a day at most. */
int64_t hd_url_seconds(const char *url);

/* Whether two URLs are of one scheme, host and port: secrets go nowhere else. */
bool hd_url_same_origin(const char *a, const char *b);
bool hd_url_is_https(const char *url);

#endif
