/* What comes instead of a profile is told apart. */
#include "input/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct hd_answer answer_of(long status, const char *type, const char *body, size_t length)
{
  struct hd_answer answer = {.fd = -1, .status = status, .length = length};
  snprintf(answer.type, sizeof answer.type, "%s", type);
  answer.head_length = length < sizeof answer.head ? length : sizeof answer.head;
  memcpy(answer.head, body, answer.head_length);
  return answer;
}

static void is_refused(struct hd_answer answer, bool looked_for, const char *wanted)
{
  struct hd_error error = HD_ERROR_INIT;
  assert_false(hd_answer_check(&answer, looked_for, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  if (!strstr(error.text, wanted))
    fail_msg("'%s' has no '%s'", error.text, wanted);
}

static void refuses(long status, const char *type, const char *body, const char *wanted)
{
  is_refused(answer_of(status, type, body, strlen(body)), false, wanted);
}

static void takes(const char *type, const char *body, size_t length)
{
  struct hd_answer answer = answer_of(200, type, body, length);
  struct hd_error error = HD_ERROR_INIT;
  if (!hd_answer_check(&answer, false, &error))
    fail_msg("'%s' is taken for: %s", body, error.text);
}

static void test_profiles_pass(void **state)
{
  (void)state;
  takes("application/octet-stream", "\x1f\x8b\x08\0", 4);
  takes("text/plain", "heap profile: 1: 2 [3: 4] @ heap/2\n", 35);
  takes("text/html", "heap profile: 1: 2 [3: 4] @ heap/2\n", 35);
  /* V8's, DHAT's and heapdiff's own are JSON, too. */
  takes("application/json", "{\"head\":{},\"error\":1}", 21);
  takes("application/json", "{\"dhatFileVersion\":2,\"message\":\"x\"}", 35);
  takes("application/json", "{\"heapdiff\":1,\"reason\":\"exit\"}", 30);
  takes("application/json", "{\"nodes\":[]}", 12);
  takes("application/json", "{\"error\":", 9);
}

static void test_status(void **state)
{
  (void)state;
  refuses(401, "", "", "a user and password are asked for (401)");
  refuses(403, "text/plain", "no\n", "access is refused (403: \"no\"): --user or --header");
  refuses(404, "text/plain", "404 page not found\n", "there is no such page (404: \"404 page");
  refuses(429, "", "", "too many requests (429)");
  refuses(400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n",
          "write https:// (400");
  refuses(502, "text/html", "<html><head><title>502 Bad Gateway</title></head>",
          "the server failed (502: \"502 Bad Gateway\")");
  refuses(500, "text/plain", "Could not enable CPU profiling: cpu profiling already in use\n",
          "busy with another profile (500: \"Could not enable CPU profiling: cpu");
  refuses(404, "text/plain", "heap profiling not enabled\n", "there is no such page");
  refuses(501, "text/plain", "heap profiling not enabled\n", "the service does not profile");
  refuses(418, "application/json", "{\"message\":\"teapot\"}",
          "the server answers 418: \"teapot\"");
  refuses(304, "", "", "redirects to nowhere (304)");
}

static void test_pages_that_nobody_named(void **state)
{
  (void)state;
  struct hd_answer answer = answer_of(404, "", "", 0);
  is_refused(answer, true, "no profiles are at /debug/pprof/heap");
  answer.go = true;
  is_refused(answer, false, "Go's net/http/pprof has no such profile (404)");
  answer = answer_of(401, "", "", 0);
  answer.had_user = true;
  is_refused(answer, true, "are not accepted (401)");
}

static void test_other_bodies(void **state)
{
  (void)state;
  refuses(200, "text/html", "<!DOCTYPE html><html><title>Sign in</title>",
          "an HTML page (\"Sign in\") came, no profile: it wants a login");
  refuses(200, "text/plain", " \n<HTML><body>hello",
          "an HTML page came, no profile: name the page");
  refuses(200, "application/json", "{\"error\":{\"message\":\"off\\u0007\"}}",
          "a JSON message came, no profile: \"off\"");
  refuses(200, "application/json", "{\"errors\":[]}", "a JSON message came, no profile");
  refuses(200, "text/plain", "Could not enable heap profiling", "the service does not profile");
  refuses(200, "text/plain", "", "the answer is empty (200)");
  struct hd_answer answer = answer_of(200, "text/html", "<html>", 6);
  snprintf(answer.sent_to, sizeof answer.sent_to, "https://sso/login");
  is_refused(answer, false, "an HTML page came from https://sso/login, no profile");
}

/* Nothing that a server sends becomes more than a line of printable text. */
static void test_hostile_texts(void **state)
{
  (void)state;
  char body[HD_HTTP_HEAD * 2];
  struct hd_error error = HD_ERROR_INIT;
  memset(body, 'a', sizeof body);
  struct hd_answer answer = answer_of(500, "text/plain", body, sizeof body);
  assert_false(hd_answer_check(&answer, false, &error));
  assert_true(strlen(error.text) < 400);
  refuses(500, "text/plain", "one\r\n\ttwo\x1b[31mthree", "(500: \"one two\")");
  refuses(500, "application/octet-stream", "\x01\x02", "(500): it");
  answer = answer_of(200, "text/html", "<title", 6);
  is_refused(answer, false, "an HTML page came");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_profiles_pass),           cmocka_unit_test(test_status),
      cmocka_unit_test(test_pages_that_nobody_named), cmocka_unit_test(test_other_bodies),
      cmocka_unit_test(test_hostile_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
