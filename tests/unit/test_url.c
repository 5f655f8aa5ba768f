/* URLs: what is one, what of it may be shown, which pages it stands for. */
#include "base/buffer.h"
#include "input/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void shows(const char *url, const char *wanted)
{
  struct hd_buffer out = HD_BUFFER_INIT;
  hd_url_shown(url, &out);
  assert_string_equal(hd_buffer_text(&out), wanted);
  hd_buffer_deinit(&out);
}

static void has_user(const char *url, const char *wanted)
{
  struct hd_buffer out = HD_BUFFER_INIT;
  hd_url_user(url, &out);
  assert_string_equal(hd_buffer_text(&out), wanted);
  hd_buffer_deinit(&out);
}

/* `wanted`: the pages, one after the other with a blank between. */
static void stands_for(const char *url, enum hd_url_kind kind, bool gc, const char *wanted)
{
  struct hd_buffer page = HD_BUFFER_INIT, all = HD_BUFFER_INIT;
  for (size_t i = 0; hd_url_page(url, kind, gc, i, &page); i++)
    hd_buffer_printf(&all, "%s%s", i ? " " : "", page.data);
  assert_string_equal(hd_buffer_text(&all), wanted);
  hd_buffer_deinit(&page);
  hd_buffer_deinit(&all);
}

static void test_is_url(void **state)
{
  (void)state;
  static const char *const urls[] = {
      "http://a",   "https://a/b",        "HTTP://a",  "localhost:6060", "10.0.0.1:80/x",
      "[::1]:6060", "[fe80::1%eth0]:80/", "a-b.c_d:1", "host:6060?x=1",  "user:word@host:6060/",
  };
  static const char *const others[] = {
      "a",     "-",   "a.pb.gz",   "dir/host:6060", ":6060", "host:",         "host:123456",
      "a b:1", "[]:", "ftp://x:1", "snap@3",        "",      "host:60a",      "[::1",
      "http:", "://", "a/b:80",    "massif.out.1",  "[x]:1", "heapdiff.data",
  };
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    if (!hd_is_url(urls[i]))
      fail_msg("%s is a URL", urls[i]);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (hd_is_url(others[i]))
      fail_msg("%s is no URL", others[i]);
}

/* A file that is there is what is meant. */
static void test_file_before_host(void **state)
{
  (void)state;
  char folder[] = "/tmp/hd-url-XXXXXX";
  assert_non_null(mkdtemp(folder));
  assert_int_equal(chdir(folder), 0);
  assert_true(hd_is_url("snap:3"));
  FILE *file = fopen("snap:3", "w");
  assert_non_null(file);
  fclose(file);
  assert_false(hd_is_url("snap:3"));
  unlink("snap:3");
  assert_int_equal(chdir("/"), 0);
  rmdir(folder);
}

static void test_secrets_are_not_shown(void **state)
{
  (void)state;
  shows("http://host:80/a/b", "http://host:80/a/b");
  shows("http://name:geheim@host/a", "http://host/a");
  shows("https://geheim@host", "https://host");
  shows("name:geheim@host:6060/x", "host:6060/x");
  shows("http://a@b:ge@heim@host/x", "http://host/x");
  shows("http://name:ge/heim@host/x", "http://host/x");
  shows("http://name:ge?heim@host/x", "http://host/x");
  shows("http://host/a?token=geheim", "http://host/a?token=...");
  shows("http://host/a?geheim", "http://host/a?...");
  shows("http://host/a?debug=1&key=geheim&gc=1&x", "http://host/a?debug=1&key=...&gc=1&...");
  shows("http://host/a?debug=1#geheim", "http://host/a?debug=1");
  shows("http://host/a#geheim", "http://host/a");
  shows("http://host:6060/@x", "http://host:6060/@x");
  shows("http://[::1]:6060/a@b", "http://[::1]:6060/a@b");
}

static void test_show_cuts(void **state)
{
  (void)state;
  char text[8];
  hd_url_show("http://name:geheim@host/", text, sizeof text);
  assert_string_equal(text, "http://");
}

static void test_kind_of_measure(void **state)
{
  (void)state;
  assert_int_equal(hd_url_kind_of(NULL), HD_URL_HEAP);
  assert_int_equal(hd_url_kind_of("alloc_space"), HD_URL_HEAP);
  assert_int_equal(hd_url_kind_of("goroutines"), HD_URL_GOROUTINE);
  assert_int_equal(hd_url_kind_of("none such"), HD_URL_HEAP);
}

static void test_user(void **state)
{
  (void)state;
  has_user("http://host/", "");
  has_user("http://name:word@host/", "name:word");
  has_user("name:word@host:80", "name:word");
  has_user("http://na%40me:w%3aord%2@host/", "na@me:w:ord%2");
}

static void test_pages(void **state)
{
  (void)state;
  stands_for("host:6060", HD_URL_HEAP, false,
             "http://host:6060/debug/pprof/heap http://host:6060/pprof/heap");
  stands_for("https://name:word@host/", HD_URL_HEAP, true,
             "https://host/debug/pprof/heap?gc=1 https://host/pprof/heap");
  stands_for("host:6060", HD_URL_GOROUTINE, true, "http://host:6060/debug/pprof/goroutine");
  stands_for("host:6060/debug/pprof/", HD_URL_GOROUTINE, false,
             "http://host:6060/debug/pprof/goroutine");
  stands_for("http://host/app/debug/pprof", HD_URL_HEAP, true,
             "http://host/app/debug/pprof/heap?gc=1");
  stands_for("http://host/any?key=1#part", HD_URL_HEAP, false, "http://host/any?key=1");
  stands_for("http://host/any?key=1", HD_URL_HEAP, true, "http://host/any?key=1&gc=1");
  stands_for("http://host?key=1", HD_URL_HEAP, false,
             "http://host/debug/pprof/heap?key=1 http://host/pprof/heap?key=1");
}

static void test_origin(void **state)
{
  (void)state;
  assert_true(hd_url_same_origin("http://a@Host:1/x", "http://host:1/y"));
  assert_false(hd_url_same_origin("http://host:1/x", "https://host:1/x"));
  assert_false(hd_url_same_origin("http://host:1/x", "http://host:2/x"));
  assert_false(hd_url_same_origin("http://host/x", "http://host.evil/x"));
  assert_false(hd_url_same_origin("http://host/x", "http://host@evil/x"));
}

static void test_seconds(void **state)
{
  (void)state;
  assert_int_equal(hd_url_seconds("http://host/x"), 0);
  assert_int_equal(hd_url_seconds("http://host/x?seconds=30"), 30);
  assert_int_equal(hd_url_seconds("http://host/x?a=1&seconds=7#b"), 7);
  assert_int_equal(hd_url_seconds("http://host/x?more_seconds=7&x"), 0);
  assert_int_equal(hd_url_seconds("http://host/x?seconds=99999999999999999999"), 86400);
  assert_int_equal(hd_url_seconds("http://host/x?seconds=-1"), 0);
}

static void masks(const char *text, const char *wanted)
{
  static const char *const headers[] = {"X-Token: topf", "Authorization: Bearer deckel", "@file"};
  struct hd_url_options options = {.user = "me:kanne", .headers = headers, .header_count = 3};
  char copy[128];
  snprintf(copy, sizeof copy, "%s", text);
  hd_url_mask(copy, "http://name:t%65ller@host/x?a=tasse&gabel#x", &options);
  assert_string_equal(copy, wanted);
}

/* A server may repeat what it was sent. */
static void test_masked(void **state)
{
  (void)state;
  masks("nothing to hide", "nothing to hide");
  masks("no /x?a=tasse&gabel for me:kanne", "no /x?a=...&... for me:...");
  masks("tellerteller topf Bearer deckel", "...... ... ...");
  masks("deckel", "...");
}

static void test_file_stem(void **state)
{
  (void)state;
  struct hd_buffer out = HD_BUFFER_INIT;
  hd_url_file_stem("http://name:geheim@host.x:6060/a?b", &out);
  assert_string_equal(out.data, "host.x-6060");
  hd_buffer_clear(&out);
  hd_url_file_stem("http://../../etc", &out);
  assert_string_equal(out.data, "-.");
  hd_buffer_clear(&out);
  hd_url_file_stem("[::1]:80", &out);
  assert_string_equal(out.data, "---1--80");
  hd_buffer_deinit(&out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_is_url),
      cmocka_unit_test(test_file_before_host),
      cmocka_unit_test(test_secrets_are_not_shown),
      cmocka_unit_test(test_show_cuts),
      cmocka_unit_test(test_kind_of_measure),
      cmocka_unit_test(test_user),
      cmocka_unit_test(test_pages),
      cmocka_unit_test(test_origin),
      cmocka_unit_test(test_seconds),
      cmocka_unit_test(test_masked),
      cmocka_unit_test(test_file_stem),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
