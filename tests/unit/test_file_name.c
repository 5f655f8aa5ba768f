/* Which process a file's name tells of. */
#include "input/file_name.h"

#include "support/scratch.h"

static void is(const char *path, const char *stem, int64_t pid, int64_t sequence)
{
  struct hd_file_name name = hd_file_name_read(path);
  char have[100];
  snprintf(have, sizeof have, "%.*s", (int)name.length, name.stem);
  assert_string_equal(have, stem);
  assert_int_equal(name.pid, pid);
  assert_int_equal(name.sequence, sequence);
}

static void forms(void **state)
{
  (void)state;
  is("jeprof.4711.12.i3.heap", "jeprof", 4711, 12);
  is("/var/dumps/web.server.4711.0.f.heap", "web.server", 4711, 0);
  is("je.9.4711.12.m0.heap.gz", "je.9", 4711, 12); /* with a pid namespace */
  is("/tmp/prof.0007.heap", "prof", 0, 7);
  is("/tmp/prof_4711.0007.heap", "prof", 4711, 7);
  is("massif.out.4711", "massif.out", 4711, -1);
  is("dhat.out.4711", "dhat.out", 4711, -1);
  is("d/heaptrack.my.server.4711.zst", "heaptrack.my.server", 4711, -1);
  is("d/my.server.4711.000012.heapdiff.pb", "my.server", 4711, 12);
  is("server.4711-2.000012.heapdiff.pb.gz", "server.4711-2", 4711, 12);
  is("heaptrack.x.4711.gz", "heaptrack.x", 4711, -1);
}

static void others(void **state)
{
  (void)state;
  static const char *const names[] = {
      "",          "/",         ".heap",        "7.heap",  "heap.7",      "a.f.heap",
      "a.i3.heap", "a.b.i3.heap", "log.4711", "massif.out", "massif.out.", "x.99999999999999999999.heap",
      ".1.000001.heapdiff.pb", "a.000001.heapdiff.pb", "a.1.000001.heapdiff", "a.1.heapdiff.pb",
      "massif.out.99999999999999999999", "a.5.99999999999999999999.i1.heap",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    is(names[i], "", 0, -1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(others)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
