#include "input/url.h"

#include "model/measure.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* A URL taken apart; pointers into its text. */
struct parts {
  const char *scheme; /* "http" where it has none */
  size_t scheme_length;
  const char *host; /* with the port, without the user */
  size_t host_length;
  const char *path; /* from its slash on; may be empty */
  size_t path_length;
  const char *query; /* behind "?"; NULL: none */
  size_t query_length;
};

static size_t scheme_length(const char *text)
{
  size_t length = 0;
  if (!isalpha((unsigned char)text[0]))
    return 0;
  while (isalnum((unsigned char)text[length]) || (text[length] && strchr("+-.", text[length])))
    length++;
  return strncmp(text + length, "://", 3) == 0 ? length : 0;
}

bool hd_url_has_scheme(const char *text)
{
  return scheme_length(text) > 0;
}

/* Where the user and password before the host end. A password with a slash in it,
 * which should have been escaped, is one all the same. */
static const char *after_user(const char *at, const char *end)
{
  const char *stop = at + strcspn(at, "/?#");
  const char *last = NULL;
  for (const char *c = at; c < stop && c < end; c++)
    if (*c == '@')
      last = c;
  if (last)
    return last + 1;
  const char *colon = memchr(at, ':', (size_t)(stop - at));
  if (!colon || at[0] == '[' || colon[1 + strspn(colon + 1, "0123456789")] == '\0' ||
      colon + 1 + strspn(colon + 1, "0123456789") == stop)
    return at;
  const char *late = strrchr(at, '@');
  return late ? late + 1 : at;
}

static struct parts take_apart(const char *url)
{
  struct parts parts = {.scheme = "http", .scheme_length = 4};
  size_t length = scheme_length(url);
  const char *end = url + strlen(url);
  if (length) {
    parts.scheme = url;
    parts.scheme_length = length;
    url += length + 3;
  }
  parts.host = after_user(url, end);
  parts.host_length = strcspn(parts.host, "/?#");
  parts.path = parts.host + parts.host_length;
  parts.path_length = strcspn(parts.path, "?#");
  const char *rest = parts.path + parts.path_length;
  if (*rest == '?') {
    parts.query = rest + 1;
    parts.query_length = strcspn(rest + 1, "#");
  }
  return parts;
}

/* "host:6060", "[::1]:6060/debug/pprof/heap". */
static bool has_port(const char *text)
{
  struct parts parts = take_apart(text);
  const char *end = parts.host + parts.host_length, *colon = end;
  while (colon > parts.host && isdigit((unsigned char)colon[-1]))
    colon--;
  size_t digits = (size_t)(end - colon);
  if (digits < 1 || digits > 5 || colon - parts.host < 2 || colon[-1] != ':')
    return false;
  size_t length = (size_t)(colon - 1 - parts.host);
  if (parts.host[0] == '[')
    return parts.host[length - 1] == ']' && memchr(parts.host, ':', length) &&
           strcspn(parts.host, "]") == length - 1;
  for (size_t i = 0; i < length; i++)
    if (!isalnum((unsigned char)parts.host[i]) && !strchr("-._", parts.host[i]))
      return false;
  return true;
}

bool hd_is_url(const char *text)
{
  struct stat status;
  size_t length = scheme_length(text);
  if (length)
    return (length == 4 && strncasecmp(text, "http", 4) == 0) ||
           (length == 5 && strncasecmp(text, "https", 5) == 0);
  return has_port(text) && stat(text, &status) != 0;
}

static bool is_harmless(const char *name, size_t length)
{
  static const char *const names[] = {"debug", "gc", "seconds"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
      return true;
  return false;
}

static void show_query(const struct parts *parts, struct hd_buffer *out)
{
  const char *at = parts->query, *end = at + parts->query_length;
  hd_buffer_puts(out, "?");
  while (at < end) {
    size_t length = strcspn(at, "&#");
    if (length > (size_t)(end - at))
      length = (size_t)(end - at);
    const char *equals = memchr(at, '=', length);
    size_t name = equals ? (size_t)(equals - at) : length;
    bool harmless = is_harmless(at, name);
    /* What has no name may be all secret. */
    hd_buffer_append(out, at, harmless ? length : equals ? name + 1 : 0);
    if (!harmless)
      hd_buffer_puts(out, "...");
    at += length;
    if (at < end)
      hd_buffer_append(out, at++, 1);
  }
}

void hd_url_shown(const char *url, struct hd_buffer *out)
{
  struct parts parts = take_apart(url);
  if (scheme_length(url)) {
    hd_buffer_append(out, parts.scheme, parts.scheme_length);
    hd_buffer_puts(out, "://");
  }
  hd_buffer_append(out, parts.host, parts.host_length);
  hd_buffer_append(out, parts.path, parts.path_length);
  if (parts.query)
    show_query(&parts, out);
}

void hd_url_show(const char *url, char *out, size_t size)
{
  struct hd_buffer shown = HD_BUFFER_INIT;
  hd_url_shown(url, &shown);
  snprintf(out, size, "%s", shown.failed ? "" : hd_buffer_text(&shown));
  hd_buffer_deinit(&shown);
}

enum hd_url_kind hd_url_kind_of(const char *measure)
{
  enum hd_measure found;
  bool goroutines = measure && hd_measure_find(measure, strlen(measure), &found) &&
                    strcmp(hd_measures[found].kind, "goroutine") == 0;
  return goroutines ? HD_URL_GOROUTINE : HD_URL_HEAP;
}

void hd_url_file_stem(const char *url, struct hd_buffer *out)
{
  enum { MOST = 80 };
  struct parts parts = take_apart(url);
  for (size_t i = 0; i < parts.host_length && i < MOST; i++) {
    unsigned char c = (unsigned char)parts.host[i];
    bool plain = isalnum(c) || c == '-' || (c == '.' && i);
    hd_buffer_append(out, plain ? parts.host + i : "-", 1);
  }
  if (!parts.host_length)
    hd_buffer_puts(out, "host");
}

static bool ends_in(const struct parts *parts, const char *tail)
{
  size_t length = strlen(tail);
  return parts->path_length >= length &&
         memcmp(parts->path + parts->path_length - length, tail, length) == 0;
}

/* The index of net/http/pprof, which lists the profiles. */
static bool is_index(const struct parts *parts)
{
  return ends_in(parts, "/debug/pprof") || ends_in(parts, "/debug/pprof/");
}

static bool is_root(const struct parts *parts)
{
  return !parts->path_length || (parts->path_length == 1 && parts->path[0] == '/');
}

bool hd_url_is_bare(const char *url)
{
  struct parts parts = take_apart(url);
  return is_root(&parts) || is_index(&parts);
}

static int hex_digit(char c)
{
  if (isdigit((unsigned char)c))
    return c - '0';
  return isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

void hd_url_user(const char *url, struct hd_buffer *out)
{
  struct parts parts = take_apart(url);
  size_t length = scheme_length(url);
  const char *at = length ? url + length + 3 : url;
  for (; at + 1 < parts.host; at++) {
    char c = *at;
    if (c == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
      c = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
      at += 2;
    }
    hd_buffer_append(out, &c, 1);
  }
}

static void put_origin(const struct parts *parts, struct hd_buffer *out)
{
  hd_buffer_append(out, parts->scheme, parts->scheme_length);
  hd_buffer_puts(out, "://");
  hd_buffer_append(out, parts->host, parts->host_length);
}

bool hd_url_page(const char *url, enum hd_url_kind kind, bool gc, size_t i, struct hd_buffer *out)
{
  static const char *const names[] = {[HD_URL_HEAP] = "heap", [HD_URL_GOROUTINE] = "goroutine"};
  struct parts parts = take_apart(url);
  bool index = is_index(&parts), bare = index || is_root(&parts);
  if (i > (size_t)(bare && !index && kind == HD_URL_HEAP))
    return false;
  hd_buffer_clear(out);
  put_origin(&parts, out);
  if (index)
    hd_buffer_append(out, parts.path,
                     parts.path_length - (parts.path[parts.path_length - 1] == '/'));
  else if (bare)
    hd_buffer_puts(out, i ? "/pprof" : "/debug/pprof");
  else
    hd_buffer_append(out, parts.path, parts.path_length);
  if (bare)
    hd_buffer_printf(out, "/%s", names[kind]);
  if (parts.query)
    hd_buffer_printf(out, "?%.*s", (int)parts.query_length, parts.query);
  if (gc && kind == HD_URL_HEAP && i == 0)
    hd_buffer_printf(out, "%sgc=1", parts.query ? "&" : "?");
  return true;
}

int64_t hd_url_seconds(const char *url)
{
  enum { LONGEST = 86400 };
  struct parts parts = take_apart(url);
  for (const char *at = parts.query; at && at < parts.query + parts.query_length;) {
    if (strncmp(at, "seconds=", 8) == 0) {
      long seconds = strtol(at + 8, NULL, 10);
      return seconds < 0 ? 0 : seconds > LONGEST ? LONGEST : seconds;
    }
    const char *next = strchr(at, '&');
    at = next ? next + 1 : NULL;
  }
  return 0;
}

bool hd_url_is_https(const char *url)
{
  return scheme_length(url) == 5 && strncasecmp(url, "https", 5) == 0;
}

bool hd_url_same_origin(const char *a, const char *b)
{
  struct parts x = take_apart(a), y = take_apart(b);
  return x.scheme_length == y.scheme_length && x.host_length == y.host_length &&
         strncasecmp(x.scheme, y.scheme, x.scheme_length) == 0 &&
         strncasecmp(x.host, y.host, x.host_length) == 0;
}
