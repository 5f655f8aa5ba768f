/* What came instead of a profile, and what to do about it. */
#include "base/units.h"
#include "input/http.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { QUOTED = 200 };

/* The beginning of a body as text, terminated. */
struct text {
  char data[HD_HTTP_HEAD + 1];
};

static struct text text_of(const struct hd_answer *answer)
{
  struct text text = {""};
  memcpy(text.data, answer->head, answer->head_length);
  text.data[answer->head_length] = '\0';
  return text;
}

/* One line of it, what is not printable left out; *quote is "" where it is no text. */
static void quote(const char *text, size_t length, char out[QUOTED])
{
  size_t used = 0;
  bool blank = false;
  for (size_t i = 0; i < length && text[i]; i++) {
    unsigned char c = (unsigned char)text[i];
    if (isspace(c)) {
      blank = used > 0;
      continue;
    }
    if (c < ' ' || c == 0x7f)
      break;
    if (used + 3 >= QUOTED)
      break;
    if (blank)
      out[used++] = ' ';
    blank = false;
    out[used++] = (char)c;
  }
  out[used] = '\0';
}

static bool is_html(const struct hd_answer *answer, const char *text)
{
  text += strspn(text, " \t\r\n\xef\xbb\xbf");
  return strncasecmp(text, "<!doctype html", 14) == 0 || strncasecmp(text, "<html", 5) == 0 ||
         (strcmp(answer->type, "text/html") == 0 && text[0] == '<');
}

/* What a page calls itself, "" where it does not say. */
static void title_of(const char *text, char out[QUOTED])
{
  const char *title = strcasestr(text, "<title"), *from = title ? strchr(title, '>') : NULL;
  out[0] = '\0';
  if (from)
    quote(from + 1, strcspn(from + 1, "<"), out);
}

/* Of a JSON object the text that says what is wrong; false where it is none. Snapshots
 * in JSON (V8's, DHAT's) have no such key. */
static bool json_complaint(const struct hd_answer *answer, const char *text, char out[QUOTED])
{
  static const char *const keys[] = {"error", "message", "errors", "detail", "error_description",
                                     "msg",   "reason",  "title",  "fault"};
  out[0] = '\0';
  if (answer->length > answer->head_length || text[strspn(text, " \t\r\n")] != '{')
    return false;
  json_t *object = json_loads(text, 0, NULL);
  bool snapshot = json_object_get(object, "head") || json_object_get(object, "dhatFileVersion") ||
                  json_object_get(object, "heapdiff");
  bool found = false;
  for (size_t i = 0; !snapshot && !found && i < sizeof keys / sizeof *keys; i++) {
    const json_t *value = json_object_get(object, keys[i]);
    const char *said = json_string_value(value);
    said = said ? said : json_string_value(json_object_get(value, "message"));
    found = value != NULL;
    if (said)
      quote(said, strlen(said), out);
  }
  json_decref(object);
  return found;
}

/* What the body says for itself: " (...)", "" where it says nothing. */
static void said_by(const struct hd_answer *answer, const char *text, char out[QUOTED + 8])
{
  char words[QUOTED] = "";
  if (is_html(answer, text))
    title_of(text, words);
  else if (!json_complaint(answer, text, words) && strncmp(answer->type, "image/", 6) != 0)
    quote(text, strlen(text), words);
  snprintf(out, QUOTED + 8, words[0] ? ": \"%s\"" : "%s", words);
}

static bool says_not_enabled(const char *text)
{
  return strcasestr(text, "could not enable") || strcasestr(text, "not enabled") ||
         strcasestr(text, "not activated") || strcasestr(text, "in use");
}

static bool not_found(const struct hd_answer *answer, bool looked_for, const char *said,
                      struct hd_error *error)
{
  if (answer->go)
    return hd_fail_input(error,
                         "Go's net/http/pprof has no such profile (404%s); it has heap, "
                         "allocs, goroutine and threadcreate, among others",
                         said);
  if (looked_for)
    return hd_fail_input(error,
                         "no profiles are at /debug/pprof/heap (a Go program has them once "
                         "it imports net/http/pprof) or /pprof/heap (gperftools): name the "
                         "page, if it is elsewhere (404%s)",
                         said);
  return hd_fail_input(error,
                       "there is no such page (404%s); Go's net/http/pprof has "
                       "/debug/pprof/heap, gperftools /pprof/heap",
                       said);
}

static bool wrong_status(const struct hd_answer *answer, bool looked_for, const char *text,
                         struct hd_error *error)
{
  char said[QUOTED + 8];
  said_by(answer, text, said);
  switch (answer->status) {
  case 401:
    return answer->had_user
               ? hd_fail_input(error,
                               "the user and password, or the header, are not accepted "
                               "(401%s)",
                               said)
               : hd_fail_input(error,
                               "a user and password are asked for (401%s): --user "
                               "NAME:PASSWORD, ~/.netrc, or --header 'Authorization: ...'",
                               said);
  case 403:
    return hd_fail_input(error, "access is refused (403%s): %s", said,
                         answer->had_user ? "this user may not, or not from here"
                                          : "--user or --header may be wanted");
  case 404: return not_found(answer, looked_for, said, error);
  case 407:
    return hd_fail_input(error, "the proxy asks for a user and password (407): put them "
                                "into http_proxy or https_proxy");
  case 429: return hd_fail_input(error, "too many requests (429%s): wait, or ask less often", said);
  }
  if (says_not_enabled(text))
    return hd_fail_input(error,
                         "the service does not profile, or is busy with another profile "
                         "(%ld%s)",
                         answer->status, said);
  if (answer->status == 400 && strcasestr(text, "HTTPS"))
    return hd_fail_input(error, "the server speaks HTTPS here: write https:// (400%s)", said);
  if (answer->status >= 500)
    return hd_fail_input(error,
                         "the server failed (%ld%s): it, or what stands before it, is out "
                         "of order",
                         answer->status, said);
  if (answer->status >= 300 && answer->status < 400)
    return hd_fail_input(error, "it redirects to nowhere (%ld)", answer->status);
  return hd_fail_input(error, "the server answers %ld%s", answer->status, said);
}

static bool is_page(const struct hd_answer *answer, const char *text, struct hd_error *error)
{
  char title[QUOTED];
  title_of(text, title);
  bool login = strcasestr(text, "password") || strcasestr(title, "log in") ||
               strcasestr(title, "login") || strcasestr(title, "sign in");
  return hd_fail_input(error, "an HTML page%s%s%s came%s%s, no profile: %s", title[0] ? " (\"" : "",
                       title, title[0] ? "\")" : "", answer->sent_to[0] ? " from " : "",
                       answer->sent_to,
                       login ? "it wants a login; --user, or --header with a token or a cookie, "
                               "may do"
                             : "name the page of the profile itself, as /debug/pprof/heap");
}

bool hd_answer_check(const struct hd_answer *answer, bool looked_for, struct hd_error *error)
{
  struct text text = text_of(answer);
  char said[QUOTED];
  if (answer->status < 200 || answer->status > 299)
    return wrong_status(answer, looked_for, text.data, error);
  if (!answer->length)
    return hd_fail_input(error, "the answer is empty (%ld): does the service profile?",
                         answer->status);
  if (is_html(answer, text.data))
    return is_page(answer, text.data, error);
  if (json_complaint(answer, text.data, said))
    return hd_fail_input(error, "a JSON message came, no profile%s%s%s", said[0] ? ": \"" : "",
                         said, said[0] ? "\"" : "");
  if (strncasecmp(text.data, "could not enable", 16) == 0) {
    quote(text.data, strlen(text.data), said);
    return hd_fail_input(error,
                         "the service does not profile, or is busy with another profile: "
                         "\"%s\"",
                         said);
  }
  return true;
}
