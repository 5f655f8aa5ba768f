/* Fetching over HTTP and HTTPS: one client for all of a run's requests, which keeps its
 * connections. Redirects are followed; user, password and headers go to the origin of
 * the URL that they were given for alone. */
#ifndef HD_INPUT_HTTP_H
#define HD_INPUT_HTTP_H

#include "base/error.h"

#include <heapdiff/url.h>

#include <stddef.h>

enum {
  HD_HTTP_TIMEOUT_MS = 30000,
  HD_HTTP_MAX_BODY = 256 << 20,
  HD_HTTP_HEAD = 4096,
};

/* What a server has sent. */
struct hd_answer {
  int fd;          /* the body, in memory; -1 none */
  uint64_t length; /* of it */
  long status;     /* 200, 404 */
  char type[64];   /* the media type, lower case, "" unknown */
  bool go;         /* Go's net/http/pprof speaks of itself */
  bool had_user;   /* the request had a user, or a header of the user's */
  char sent_to[256]; /* the page that it redirected to, for messages; "" it did not */
  uint8_t head[HD_HTTP_HEAD]; /* of the body */
  size_t head_length;
};

struct hd_http;

/* `options` and what it points to are the caller's, and stay. `progress` is as
 * hd_progress_fn; NULL: nobody waits. Loads libcurl. */
bool hd_http_create(const struct hd_url_options *options,
                    bool (*progress)(void *context, const char *what, uint64_t done,
                                     uint64_t total),
                    void *context, struct hd_http **http, struct hd_error *error);
void hd_http_destroy(struct hd_http *http); /* takes NULL */

/* Gets a page, whatever its status; `user` ("name:password", "" none) is that of the
 * URL. False where no answer came whole: the error says why, without the URL. The
 * answer is to be closed in either case. */
bool hd_http_get(struct hd_http *http, const char *url, const char *user, struct hd_answer *answer,
                 struct hd_error *error);
void hd_answer_close(struct hd_answer *answer);

const struct hd_url_options *hd_http_options(const struct hd_http *http);
/* Whether hd_http_get failed as the progress function, or options->stop, ended it. */
bool hd_http_given_up(const struct hd_http *http);

/* --- http_explain.c ---------------------------------------------------------------- */

/* Whether an answer may be a profile; else what it is, and what to do. `looked_for`:
 * the page was not named by the user. */
bool hd_answer_check(const struct hd_answer *answer, bool looked_for, struct hd_error *error);

#endif
