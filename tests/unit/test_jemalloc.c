/* jemalloc's heap profiles: real ones against jeprof's figures, and damaged ones. */
#include "unit/heap_text_support.h"

#define FILES TESTDATA "/jemalloc/"
#define MAPS                                                                                       \
  "\nMAPPED_LIBRARIES:\n"                                                                          \
  "55a8c3729000-55a8c372b000 r-xp 00001000 fe:00 10978243   /srv/my server\n"

static void check_file(const char *path, double bytes, double objects, double alloc_bytes)
{
  struct hd_profile *profile = text_read_file("jemalloc", path);
  /* jeprof rounds each row of objects down, and prints whole bytes of the sum. */
  assert_near(hd_profile_total(profile, HD_INUSE_SPACE), bytes, 1);
  assert_near(hd_profile_total(profile, HD_INUSE_OBJECTS), objects,
              (double)profile->records.count);
  assert_int_equal(profile->has[HD_ALLOC_SPACE], alloc_bytes >= 0);
  assert_int_equal(profile->has[HD_ALLOC_OBJECTS], alloc_bytes >= 0);
  if (alloc_bytes >= 0)
    assert_near(hd_profile_total(profile, HD_ALLOC_SPACE), alloc_bytes, 1);
  assert_int_equal(profile->meta.rate, 16384);
  assert_string_equal(profile->meta.kind, "heap");
  assert_string_equal(profile->meta.program, "/tmp/leaky/leaky-service");
  assert_int_equal(profile->bad_rows, 0);
  assert_int_equal(profile->meta.dropped_allocations, 0);
  for (size_t i = 0; i < profile->locations.count; i++)
    assert_true(profile->locations.items[i].module);
  hd_profile_destroy(profile);
}

static void as_jeprof_has_it(void **state)
{
  (void)state;
  check_file(FILES "service.0.heap", 3237352, 1449, -1);
  check_file(FILES "service.1.heap", 11209165, 19865, -1);
  check_file(FILES "final.heap", 12125491, 21568, -1);
  check_file(FILES "accumulated.heap", 10412864, 17240, 24399016);
}

static void rows(void **state)
{
  (void)state;
  struct hd_profile *profile =
      text_read("jemalloc", "heap_v2/524288\r\n"
                            "  t*: 9: 9000 [20: 20000]\r\n"
                            "  t0: 9: 9000 [20: 20000] main thread\r\n"
                            "@ 0x55a8c3729101 0x55a8c3729201 0x7000\r\n"
                            "  t*: 4: 4000 [10: 30000]\r\n"
                            "  t0: 3: 3000 [5: 5000]\r\n"
                            "  t12: 1: 1000 [5: 5000] worker: [1] \xc3\xa9\r\n"
                            "@\n"
                            "  t*: 5: 5000 [10: 10000]\n" MAPS);
  assert_int_equal(profile->records.count, 2);
  double k = 1 / (1 - exp(-1000.0 / 524288)), alloc_k = 1 / (1 - exp(-3000.0 / 524288));
  const struct hd_record *record = &profile->records.items[0];
  assert_near(record->weight, k, 1e-6);
  assert_int_equal(record->size, 1000);
  assert_int_equal(record->rate, 524288);
  assert_near(hd_profile_value(profile, 0, HD_INUSE_OBJECTS), 4 * k, 1e-5);
  assert_near(hd_profile_value(profile, 0, HD_INUSE_SPACE), 4000 * k, 1e-2);
  assert_near(hd_profile_value(profile, 0, HD_ALLOC_OBJECTS), 10 * alloc_k, 1e-5);
  assert_near(hd_profile_value(profile, 0, HD_ALLOC_SPACE), 30000 * alloc_k, 1e-2);
  assert_int_equal(profile->records.items[1].stack, 0);
  /* Look-up addresses, as offsets in the file; what lies in no file as it is. */
  const struct hd_location *at = profile->locations.items;
  assert_int_equal(profile->locations.count, 3);
  assert_int_equal(at[0].offset, 0x1100);
  assert_int_equal(at[1].offset, 0x1200);
  assert_string_equal(text_of(profile, profile->modules.items[at[0].module - 1].path),
                      "/srv/my server");
  assert_int_equal(at[2].module, 0);
  assert_int_equal(at[2].offset, 0x6fff);
  hd_profile_destroy(profile);
}

static void every_allocation(void **state)
{
  (void)state;
  struct hd_profile *profile = text_read("jemalloc", "heap_v2/1\n  t*: 1: 8 [0: 0]\n@ 0x10\n"
                                                     "  t*: 1: 8 [0: 0]\n" MAPS);
  assert_true(hd_profile_value(profile, 0, HD_INUSE_SPACE) == 8);
  assert_true(profile->records.items[0].weight == 1);
  assert_int_equal(profile->meta.rate, 1);
  assert_false(profile->has[HD_ALLOC_SPACE]);
  hd_profile_destroy(profile);
}

static void bad_rows(void **state)
{
  (void)state;
  struct hd_profile *profile =
      text_read("jemalloc", "heap_v2/1\n  t*: 1: 8 [0: 0]\n"
                            "@ 0x10 (nil)\n  t*: 1: 8 [0: 0]\n"
                            "@ 0x10\n  t*: 0: 8 [0: 0]\n"
                            "@ 0x10\n  t*: 99999999999999999999: 8 [0: 0]\n"
                            "@ 0x10\n  t*: 2: 16 [0: 0]\n  t*: 3: 24 [0: 0]\n" MAPS);
  /* The stack and the counts that have none, two bad counts, counts for the second time. */
  assert_int_equal(profile->bad_rows, 5);
  assert_int_equal(profile->records.count, 1);
  assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == 16);
  assert_string_equal(profile->first_bad,
                      "line 3 has no usable stack: @ 0x10 (nil)");
  hd_profile_destroy(profile);
}

static void errors(void **state)
{
  (void)state;
  assert_string_equal(text_error("jemalloc", "heap_v2/many\n"),
                      "line 1: \"heap_v2/\" is not followed by the sampling interval in bytes: the "
                      "file is damaged; take the snapshot again");
  assert_string_equal(text_error("jemalloc", "heap_v2/1\n@ 0x1\n"),
                      "line 2: the totals (\"t*: n: bytes [n: bytes]\") do not follow the header: "
                      "the file is damaged; take the snapshot again");
  assert_string_equal(text_error("jemalloc", "heap_v2/1\n  t*: 1: 8 [0: 0]\n@ 0x1\n"),
                      "line 3: the file ends before its list of MAPPED_LIBRARIES: the snapshot is "
                      "incomplete; take it again, or use what there is with --partial");
  assert_string_equal(text_error("jemalloc", "heap_v2/1\n t*: 0: 0 [0: 0]\nMAPPED_LIBRARIES:\n"
                                             "1000-2000 r-xp 00000000 fe:00 1 /bin/ser"),
                      "line 4: the file is cut off here: the snapshot is incomplete; take it "
                      "again, or use what there is with --partial");
  assert_string_equal(text_error("jemalloc", "heap_v2/1\n t*: 0: 0 [0: 0]\nMAPPED_LIBRARIES:\n"
                                             "heap_v2/1\n t*: 0: 0 [0: 0]\n"),
                      "line 4: another profile begins here: give each a file of its own");
  assert_string_equal(text_error("jemalloc", "\n\n"),
                      "line 2: the file ends before its header: it is incomplete; take the snapshot "
                      "again");
}

static void meta_alone(void **state)
{
  (void)state;
  size_t size;
  char *data = read_bytes(FILES "service.1.heap", &size);
  struct hd_stream stream = hd_stream_of(data, size);
  struct hd_profile *profile;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_profile_create(&profile, &error));
  assert_true(hd_reader_find("jemalloc")->peek(&stream, profile, &error));
  assert_string_equal(profile->meta.program, "/tmp/leaky/leaky-service");
  assert_string_equal(profile->meta.kind, "heap");
  assert_int_equal(profile->records.count, 0);
  hd_profile_destroy(profile);
  free(data);
}

static void hostile(void **state)
{
  (void)state;
  static const char text[] = "MAPPED_LIBRARIES:\n";
  size_t size;
  char *data = read_bytes(FILES "service.1.heap", &size);
  const char *maps = strstr(data, text);
  assert_non_null(maps);
  size_t lines = 0;
  for (const char *c = maps; *c; c++)
    lines += *c == '\n';
  free(data);
  /* Cut between two lines of the list it cannot be told from a whole file; cut
   * anywhere before, it is refused. */
  assert_true(text_torture("jemalloc", FILES "service.1.heap", 4000) <= lines + 2);
}

static void memory(void **state)
{
  (void)state;
  text_assert_out_of_memory("jemalloc", FILES "service.0.heap");
}

static void streams(void **state)
{
  (void)state;
  text_assert_streams("jemalloc", FILES "accumulated.heap");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_jeprof_has_it), cmocka_unit_test(rows),
      cmocka_unit_test(every_allocation), cmocka_unit_test(bad_rows),
      cmocka_unit_test(errors),           cmocka_unit_test(meta_alone),
      cmocka_unit_test(hostile),          cmocka_unit_test(memory),
      cmocka_unit_test(streams),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
