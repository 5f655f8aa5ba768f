#include "input/http.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/units.h"
#include "input/http_headers.h"
#include "input/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
  MAX_REDIRECTS = 10,
  /* Slower than this in every span of the time-out is a server that stalls. */
  LEAST_BYTES = 4096,
  /* So many time-outs are the most that a whole answer may take. */
  MOST_TIMEOUTS = 20,
};

struct hd_http {
  const struct hd_url_options *options;
  const struct hd_curl *curl;
  CURL *easy;
  struct curl_slist *headers; /* of the user's */
  bool (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
  void *context;
  uint64_t timeout_ms, max_body;
  char detail[CURL_ERROR_SIZE];
  /* Of the request under way. */
  struct hd_answer *answer;
  const char *shown;
  struct hd_buffer doing;        /* "fetching http://...", for who waits */
  int64_t extra_ms;              /* that the service was asked to take */
  int64_t begun_ms, deadline_ms; /* by when `span_end` bytes must be there */
  uint64_t span_end, received;
  bool timed_out, given_up, too_large, enough;
  int write_errno;
};

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool hd_http_create(const struct hd_url_options *options,
                    bool (*progress)(void *context, const char *what, uint64_t done,
                                     uint64_t total),
                    void *context, struct hd_http **http, struct hd_error *error)
{
  const struct hd_curl *curl;
  *http = NULL;
  if (!hd_curl_load(&curl, error))
    return false;
  struct hd_http *made = hd_alloc_zeroed(1, sizeof *made);
  CURL *easy = made ? curl->easy_init() : NULL;
  if (!easy) {
    hd_free(made);
    return hd_fail_memory(error);
  }
  *made = (struct hd_http){
      .options = options,
      .curl = curl,
      .easy = easy,
      .progress = progress,
      .context = context,
      .timeout_ms = options->timeout_ms ? options->timeout_ms : HD_HTTP_TIMEOUT_MS,
      .max_body = options->max_body ? options->max_body : HD_HTTP_MAX_BODY,
  };
  *http = made;
  if (hd_http_headers(curl, options, &made->headers, error))
    return true;
  hd_http_destroy(made);
  *http = NULL;
  return false;
}

void hd_http_destroy(struct hd_http *http)
{
  if (!http)
    return;
  http->curl->easy_cleanup(http->easy);
  http->curl->slist_free_all(http->headers);
  hd_buffer_deinit(&http->doing);
  hd_free(http);
}

const struct hd_url_options *hd_http_options(const struct hd_http *http)
{
  return http->options;
}

bool hd_http_given_up(const struct hd_http *http)
{
  return http->given_up;
}

static bool write_all(struct hd_http *http, const char *data, size_t length)
{
  while (length) {
    ssize_t n = write(http->answer->fd, data, length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      http->write_errno = errno;
      return false;
    }
    data += n;
    length -= (size_t)n;
  }
  return true;
}

/* Of what is no profile the beginning is enough. */
static size_t on_body(char *data, size_t size, size_t count, void *context)
{
  struct hd_http *http = context;
  struct hd_answer *answer = http->answer;
  size_t length = size * count, room = sizeof answer->head - answer->head_length;
  long status = 0;
  memcpy(answer->head + answer->head_length, data, length < room ? length : room);
  answer->head_length += length < room ? length : room;
  http->curl->easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
  http->enough = status >= 300 && length >= room;
  http->too_large = answer->length + length > http->max_body;
  if (http->enough || http->too_large || !write_all(http, data, length))
    return 0;
  answer->length += length;
  return length;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
  static const char go[] = "x-go-pprof:";
  struct hd_http *http = context;
  size_t length = size * count;
  if (length >= sizeof go - 1 && strncasecmp(data, go, sizeof go - 1) == 0)
    http->answer->go = true;
  return length;
}

/* Called by libcurl about once a second, and whenever something comes. */
static int on_progress(void *context, curl_off_t total, curl_off_t done, curl_off_t up_total,
                       curl_off_t up)
{
  struct hd_http *http = context;
  const struct hd_url_options *options = http->options;
  int64_t now = now_ms(), timeout = (int64_t)http->timeout_ms;
  (void)up_total;
  (void)up;
  http->received = (uint64_t)done;
  if (http->received >= http->span_end) {
    http->deadline_ms = now + timeout;
    http->span_end = http->received + LEAST_BYTES;
  }
  http->timed_out |=
      now >= http->deadline_ms || now - http->begun_ms >= timeout * MOST_TIMEOUTS + http->extra_ms;
  if (options->stop && options->stop(options->stop_context))
    http->given_up = true;
  if (http->progress && !http->given_up)
    http->given_up = !http->progress(http->context, hd_buffer_text(&http->doing), http->received,
                                     (uint64_t)total);
  return http->timed_out || http->given_up;
}

#define SET(option, value) http->curl->easy_setopt(http->easy, CURLOPT_##option, value)

static void set_up(struct hd_http *http, const char *url, const char *user)
{
  const struct hd_url_options *options = http->options;
  http->curl->easy_reset(http->easy);
  SET(URL, url);
  SET(PROTOCOLS_STR, "http,https");
  SET(NOSIGNAL, 1L);
  SET(USERAGENT, "heapdiff");
  SET(ACCEPT_ENCODING, "");
  SET(CONNECTTIMEOUT_MS, (long)http->timeout_ms);
  SET(ERRORBUFFER, http->detail);
  SET(WRITEFUNCTION, on_body);
  SET(WRITEDATA, (void *)http);
  SET(HEADERFUNCTION, on_header);
  SET(HEADERDATA, (void *)http);
  SET(NOPROGRESS, 0L);
  SET(XFERINFOFUNCTION, on_progress);
  SET(XFERINFODATA, (void *)http);
  SET(MAXFILESIZE_LARGE, (curl_off_t)http->max_body);
  SET(NETRC, (long)CURL_NETRC_OPTIONAL);
  if (options->ca_cert)
    SET(CAINFO, options->ca_cert);
  if (options->insecure) {
    SET(SSL_VERIFYPEER, 0L);
    SET(SSL_VERIFYHOST, 0L);
  }
  /* Basic, and at once: a login page may stand where a 401 should. */
  if (user[0])
    SET(USERPWD, user);
}

/* The certificate's fault, and who may be meant by it. */
static bool untrusted(const struct hd_http *http, const char *detail, struct hd_error *error)
{
  return hd_fail_input(error, "the server's certificate is not trusted%s (%s): %s",
                       http->options->ca_cert ? " by the file of --ca-cert" : "", detail,
                       http->options->ca_cert ? "name the certificate of who signed it, or of "
                                                "the server itself"
                                              : "--ca-cert FILE trusts a private one, --insecure "
                                                "takes any");
}

static bool failed(const struct hd_http *http, CURLcode code, struct hd_error *error)
{
  const char *detail = http->detail[0] ? http->detail : http->curl->easy_strerror(code);
  char received[HD_UNITS_TEXT], limit[HD_UNITS_TEXT];
  long os = 0;
  http->curl->easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &os);
  hd_format_bytes(received, (int64_t)http->received, -1, false);
  hd_format_bytes(limit, (int64_t)http->max_body, -1, false);
  if (http->given_up)
    return hd_fail_input(error, "interrupted");
  if (http->write_errno)
    return hd_fail_internal(error, "the answer cannot be kept: %s", strerror(http->write_errno));
  if (http->too_large || code == CURLE_FILESIZE_EXCEEDED)
    return hd_fail_input(error,
                         "the answer is larger than %s: no heap profile is, or raise the "
                         "limit with --max-body",
                         limit);
  if (!http->received && code == CURLE_RECV_ERROR)
    code = CURLE_GOT_NOTHING;
  if (http->timed_out || code == CURLE_OPERATION_TIMEDOUT)
    return hd_fail_input(error,
                         "the server did not %s within %.3g s (%s came): "
                         "--fetch-timeout waits longer",
                         http->received ? "send more" : "answer", (double)http->timeout_ms / 1e3,
                         received);
  switch (code) {
  case CURLE_OUT_OF_MEMORY: return hd_fail_memory(error);
  case CURLE_URL_MALFORMAT: return hd_fail_usage(error, "this is no URL that can be fetched");
  case CURLE_COULDNT_RESOLVE_HOST:
    return hd_fail_input(error, "there is no host of this name (and no file)");
  case CURLE_COULDNT_RESOLVE_PROXY:
    return hd_fail_input(error, "the proxy of http_proxy or https_proxy is not found");
  case CURLE_COULDNT_CONNECT:
    return hd_fail_input(error,
                         "cannot connect: %s; is the service running, and is this the port "
                         "of its profiles?",
                         os ? strerror((int)os) : detail);
  case CURLE_GOT_NOTHING:
    return hd_fail_input(error,
                         "the server closed the connection without an answer: it may want "
                         "%s",
                         hd_url_is_https(http->shown) ? "http" : "https");
  case CURLE_PARTIAL_FILE:
  case CURLE_RECV_ERROR:
  case CURLE_HTTP2_STREAM:
    return hd_fail_input(error, "the answer stopped in the middle, after %s: fetch it again",
                         received);
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_ISSUER_ERROR: return untrusted(http, detail, error);
  case CURLE_SSL_CACERT_BADFILE:
    return hd_fail_usage(error, "--ca-cert: %s holds no certificates in PEM form",
                         http->options->ca_cert ? http->options->ca_cert : "the system's file");
  case CURLE_SSL_CONNECT_ERROR:
    return hd_fail_input(error, "no TLS connection (%s): is this port for http?", detail);
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_UNSUPPORTED_PROTOCOL:
    return hd_fail_input(error, "what answers there does not speak HTTP: is this the port of the "
                                "service's profiles?");
  default: return hd_fail_input(error, "cannot be fetched: %s", detail);
  }
}

static void take_type(struct hd_http *http)
{
  struct hd_answer *answer = http->answer;
  char *type = NULL;
  http->curl->easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &answer->status);
  http->curl->easy_getinfo(http->easy, CURLINFO_CONTENT_TYPE, &type);
  size_t length = type ? strcspn(type, "; ") : 0;
  for (size_t i = 0; i < length && i + 1 < sizeof answer->type; i++) {
    answer->type[i] = (char)tolower((unsigned char)type[i]);
    answer->type[i + 1] = '\0';
  }
}

/* One request. Its answer takes the place of the one before. */
static bool request(struct hd_http *http, const char *url, const char *user, bool own_origin,
                    struct hd_error *error)
{
  struct hd_answer *answer = http->answer;
  hd_answer_close(answer);
  *answer = (struct hd_answer){.fd = memfd_create("heapdiff", MFD_CLOEXEC)};
  if (answer->fd < 0)
    return hd_fail_internal(error, "no memory for the answer: %s", strerror(errno));
  set_up(http, url, own_origin ? user : "");
  if (own_origin)
    SET(HTTPHEADER, http->headers);
  answer->had_user = own_origin && (user[0] || http->headers);
  http->detail[0] = '\0';
  http->received = http->span_end = 0;
  http->timed_out = http->given_up = http->too_large = http->enough = false;
  http->write_errno = 0;
  http->begun_ms = now_ms();
  http->extra_ms = hd_url_seconds(url) * 1000;
  http->deadline_ms = http->begun_ms + (int64_t)http->timeout_ms + http->extra_ms;
  http->span_end = 1;
  CURLcode code = http->curl->easy_perform(http->easy);
  if (code != CURLE_OK && !http->enough)
    return failed(http, code, error);
  take_type(http);
  return true;
}

/* Where the answer sends to; false: nowhere. */
static bool redirect(struct hd_http *http, struct hd_buffer *url)
{
  char *next = NULL;
  if (http->answer->status < 300 || http->answer->status > 399)
    return false;
  http->curl->easy_getinfo(http->easy, CURLINFO_REDIRECT_URL, &next);
  if (!next || !hd_is_url(next))
    return false;
  hd_buffer_clear(url);
  hd_buffer_puts(url, next);
  return true;
}

static bool follow(struct hd_http *http, const char *first, const char *user,
                   struct hd_buffer *shown, struct hd_error *error)
{
  struct hd_buffer url = HD_BUFFER_INIT;
  bool fine = true, again = true;
  hd_buffer_puts(&url, first);
  for (int i = 0; fine && again; i++) {
    hd_buffer_clear(shown);
    hd_url_shown(hd_buffer_text(&url), shown);
    if (url.failed || shown->failed) {
      fine = hd_fail_memory(error);
    } else if (i > MAX_REDIRECTS) {
      fine = hd_fail_input(error, "it redirects %d times, at last to %s: no profile is there",
                           MAX_REDIRECTS, shown->data);
    } else {
      http->shown = shown->data;
      hd_buffer_clear(&http->doing);
      hd_buffer_printf(&http->doing, "fetching %s", shown->data);
      fine = request(http, url.data, user, hd_url_same_origin(first, url.data), error);
      if (i)
        snprintf(http->answer->sent_to, sizeof http->answer->sent_to, "%s", shown->data);
      again = fine && redirect(http, &url);
    }
  }
  hd_buffer_deinit(&url);
  return fine;
}

bool hd_http_get(struct hd_http *http, const char *url, const char *user, struct hd_answer *answer,
                 struct hd_error *error)
{
  struct hd_buffer shown = HD_BUFFER_INIT;
  *answer = (struct hd_answer){.fd = -1};
  http->answer = answer;
  bool fine = follow(http, url, http->options->user ? http->options->user : user, &shown, error);
  if (http->progress)
    http->progress(http->context, NULL, 0, 0);
  http->shown = NULL;
  http->answer = NULL;
  hd_buffer_deinit(&shown);
  return fine;
}

void hd_answer_close(struct hd_answer *answer)
{
  if (answer->fd >= 0)
    close(answer->fd);
  answer->fd = -1;
}
