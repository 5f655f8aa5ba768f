/* The text heap profiles of gperftools, tcmalloc and Go: every form of header, row,
 * symbol and mapping, and damage. */
#include "unit/heap_text_support.h"

#define FILES TESTDATA "/heap-text/"
#define HEAD "heap profile: 1: 8 [1: 8] @ heapprofile\n"
#define ROW "1: 8 [1: 8] @ 0x401001\n"

/* --- Go ---------------------------------------------------------------------- */

/* Functions of the runtime in front go, as Go hides them; what is inlined shares
 * an address, and so does recursion. */
static void go_symbols(void **state)
{
  (void)state;
  struct hd_profile *profile =
      text_read("heap-text", "heap profile: 2: 16 [3: 24] @ heap/2\n"
                             "1: 8 [1: 8] @ 0x10 0x20 0x30 0x30 0x30 0x40 0x50\n"
                             "#\t0x1f\tmain.inner+0x1\t/a b/x.go:5\n"
                             "#\t0x1f\tmain.(*T).outer+0x1f\t\t/a b/x.go:9\n"
                             "#\t0x2f\tmain.walk[...]+0x2\t/a b/x.go:20\n"
                             "#\t0x2f\tmain.walk[...]+0x2\t/a b/x.go:20\n"
                             "#\t0x2f\tmain.walk[...]+0x2\t/a b/x.go:20\n"
                             "#\t0x3f\tmain.main+0x2 C:\\y.go:30\n\n"
                             "1: 8 [2: 16] @ 0x60 0x70\n"
                             "#\t0x5f\n"
                             "\n# runtime.MemStats\n# Sys = 5\n# MaxRSS = 77\n# LastGC = 9\n");
  char text[512];
  assert_int_equal(profile->records.count, 2);
  text_describe(profile, 1, text, sizeof text);
  assert_string_equal(text, "main.inner /a b/x.go:5 < main.(*T).outer /a b/x.go:9 < "
                            "main.walk[...] /a b/x.go:20 < main.walk[...] /a b/x.go:20 < "
                            "main.walk[...] /a b/x.go:20 < main.main C:\\y.go:30 < "
                            "runtime.goexit :0 < ");
  /* Not a frame of it has a name: all of them stay. */
  assert_int_equal(profile->stacks.items[1].count, 2);
  assert_int_equal(profile->meta.rss_peak, 77);
  assert_int_equal(profile->meta.system, -1);
  assert_int_equal(profile->meta.time_ns, 9);
  assert_int_equal(profile->meta.rate, 1);
  assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == 16);
  hd_profile_destroy(profile);
}

/* What does not fit together is not known. */
static void go_memory_from_the_system(void **state)
{
  (void)state;
  static const struct {
    const char *statistics;
    int64_t system, free;
  } cases[] = {
      {"# Sys = 100\n# HeapIdle = 50\n# HeapReleased = 20\n", 80, 30},
      {"# HeapReleased = 0\n# HeapIdle = 50\n# Sys = 100\n", 100, 50},
      {"# Sys = 100\n# HeapIdle = 50\n", -1, -1},
      {"# Sys = 100\n# HeapIdle = 50\n# HeapReleased = -1\n", -1, -1},
      {"# Sys = 100\n# HeapIdle = 50\n# HeapReleased = 60\n", -1, -1},
      {"# Sys = 40\n# HeapIdle = 50\n# HeapReleased = 20\n", -1, -1},
      {"# Sys = 9223372036854775807\n# HeapIdle = 9223372036854775807\n# HeapReleased = 0\n",
       INT64_MAX, INT64_MAX},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512];
    snprintf(text, sizeof text,
             "heap profile: 1: 8 [1: 8] @ heap/2\n1: 8 [1: 8] @ 0x10\n\n# runtime.MemStats\n%s",
             cases[i].statistics);
    struct hd_profile *profile = text_read("heap-text", text);
    assert_int_equal(profile->meta.system, cases[i].system);
    assert_int_equal(profile->meta.system_free, cases[i].free);
    assert_int_equal(profile->meta.rss, -1);
    hd_profile_destroy(profile);
  }
}

/* --- headers --------------------------------------------------------------------- */

static void kinds(void **state)
{
  (void)state;
  static const struct {
    const char *tail;
    uint64_t rate;
    bool sampled;
  } cases[] = {
      {"heapprofile", 1, false}, {"heap_v2/4096", 4096, true}, {"heapz_v2/4096", 4096, true},
      {"heap/8192", 4096, true}, {"heap/2", 1, false},         {"heap/1", 1, false},
      {"growth", 1, false},      {"growthz", 1, false},        {"fragmentation", 1, false},
      {"fragmentationz", 1, false}, {"heap_v2/", 0, false},    {"heap_v2/1", 1, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[256];
    snprintf(text, sizeof text, "heap profile:  2: 20 [  3: 30 ]  @ %s\n2: 20 [3: 30] @ 0x10\n",
             cases[i].tail);
    struct hd_profile *profile = text_read("heap-text", text);
    double k = cases[i].sampled ? 1 / (1 - exp(-10.0 / 4096)) : 1;
    assert_int_equal(profile->meta.rate, cases[i].rate);
    assert_near(hd_profile_total(profile, HD_INUSE_OBJECTS), 2 * k, 1e-6);
    assert_near(hd_profile_total(profile, HD_INUSE_SPACE), 20 * k, 1e-5);
    assert_near(hd_profile_total(profile, HD_ALLOC_SPACE), 30 * k, 1e-5);
    assert_near(profile->records.items[0].weight, k, 1e-6);
    assert_int_equal(profile->records.items[0].size, 10);
    hd_profile_destroy(profile);
  }
}

static void alloc_is_absent(void **state)
{
  (void)state;
  static const struct {
    const char *totals;
    bool alloc;
  } cases[] = {{"2: 20 [2: 20]", false}, {"2: 20 [0: 0]", false}, {"2: 20 [2: 30]", true},
               {"2: 20 [3: 20]", true},  {"0: 0 [0: 0]", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[256];
    snprintf(text, sizeof text, "heap profile: %s @ heapprofile\n", cases[i].totals);
    struct hd_profile *profile = text_read("heap-text", text);
    assert_int_equal(profile->has[HD_ALLOC_SPACE], cases[i].alloc);
    assert_int_equal(profile->has[HD_ALLOC_OBJECTS], cases[i].alloc);
    assert_true(profile->has[HD_INUSE_SPACE]);
    hd_profile_destroy(profile);
  }
}

static void in_front_of_the_header(void **state)
{
  (void)state;
  static const char text[] = "\r\n%warn sampling was off\r\n%other\r\n"
                             "I0101 12:00:00.000000 77 dump.cc:12] " HEAD
                             "I0101 12:00:00.000000 77 dump.cc:13] " ROW;
  assert_string_equal(hd_reader_probe((const uint8_t *)text, sizeof text - 1)->name, "heap-text");
  struct hd_profile *profile = text_read("heap-text", text);
  assert_int_equal(profile->records.count, 1);
  assert_int_equal(profile->bad_rows, 0);
  assert_string_equal(text_of(profile, profile->comments.items[0]), "sampling was off");
  hd_profile_destroy(profile);
}

static void errors(void **state)
{
  (void)state;
  assert_string_equal(text_error("heap-text", "heap profile: 1: 8 @ heapprofile\n"),
                      "line 1: this is not the header of a heap profile (\"heap profile: n: bytes "
                      "[n: bytes] @ kind\"): the file is damaged; take the snapshot again");
  assert_non_null(strstr(text_error("heap-text", "heap profile: 99999999999999999999: 8 [1: 8] @ "
                                                 "heapprofile\n"), "line 1: this is not"));
  assert_non_null(strstr(text_error("heap-text", "heap profile: 1: 8 [1: 8] @ heap_v2/4x\n"),
                         "line 1: this is not"));
  assert_string_equal(text_error("heap-text", "\nheap profile: 1: 8 [1: 8] @ heapster/1\n"),
                      "line 2: the header calls this a profile of kind \"heapster\", which heapdiff "
                      "does not know: it reads heapprofile, heap, heap_v2, heapz_v2, growth and "
                      "fragmentation");
  assert_string_equal(text_error("heap-text", "heap profile: 2: 16 [2: 16] @ heapprofile\n"
                                              "1: 8 [1: 8] @ 0x10\n1: 8 [1: 8"),
                      "line 3: the file is cut off here: the snapshot is incomplete; take it "
                      "again, or use what there is with --partial");
  assert_string_equal(text_error("heap-text", HEAD "\x01\x02\n\x03"),
                      "line 3: the file ends here, and 2 of its rows could not be read: it is "
                      "damaged; take the snapshot again");
  /* Neither added up, nor taken for mapped files. */
  assert_string_equal(text_error("heap-text", HEAD ROW HEAD ROW),
                      "line 3: another profile begins here: give each a file of its own");
  assert_string_equal(text_error("heap-text", HEAD ROW "MAPPED_LIBRARIES:\n" HEAD ROW),
                      "line 4: another profile begins here: give each a file of its own");
  assert_non_null(strstr(text_error("heap-text", "heap profile: 4000000000: 4000000000000000000 "
                                                 "[0: 0] @ heapprofile\n"
                                                 "1: 1100000000000000000 [0: 0] @ 0x1\n"
                                                 "1: 1100000000000000000 [0: 0] @ 0x1\n"),
                         "line 3: inuse_space adds up to more than 2^60"));
}

/* --- rows ------------------------------------------------------------------------- */

static void bad_rows(void **state)
{
  (void)state;
  struct hd_profile *profile =
      text_read("heap-text", "heap profile: 3: 30 [4: 40] @ heapprofile\n"
                             "0: 536870912 [0: 536870912] @ 0x10\n"
                             "1: 10 [2: 20] @ 0x10 0x20\n"
                             "garbage\n"
                             "1: 10 [1: 10] @ 0x10 zz\n"
                             "9223372036854775807: 9223372036854775807 [1: 1] @ 0x1\n"
                             "18446744073709551616: 1 [1: 1] @ 0x1\n"
                             "-1: -4096 [0: 0] @ 0x30\n"
                             "2: 20 [2: 20] @\n");
  assert_int_equal(profile->bad_rows, 5);
  assert_int_equal(profile->records.count, 3);
  /* Without sampling a negative row is one that somebody wrote so: kept, and said. */
  assert_int_equal(profile->negative_values, 1);
  assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == 30 - 4096);
  assert_true(hd_profile_total(profile, HD_ALLOC_OBJECTS) == 4);
  assert_string_equal(profile->first_bad,
                      "line 2 has counts that cannot be: 0: 536870912 [0: 536870912] @ 0x10");
  hd_profile_destroy(profile);
}

static void bad_rows_of_samples(void **state)
{
  (void)state;
  struct hd_profile *profile =
      text_read("heap-text", "heap profile: 5: 5 [5: 5] @ heap_v2/524288\n"
                             "-1: 4096 [0: 0] @ 0x10\n"
                             "3: 0 [3: 0] @ 0x10\n"
                             "-1: -4096 [0: 0] @ 0x10\n"
                             "4611686018427387904: 1 [0: 0] @ 0x10\n");
  double k = 1 / (1 - exp(-4096.0 / 524288));
  assert_int_equal(profile->bad_rows, 2);
  assert_int_equal(profile->records.count, 2);
  assert_near(hd_profile_total(profile, HD_INUSE_OBJECTS), -k, 1e-6);
  hd_profile_destroy(profile);
}

/* What the header counts and no row holds is said. */
static void rows_left_out(void **state)
{
  (void)state;
  struct hd_profile *profile = text_read("heap-text", "heap profile: 9: 72 [9: 72] @ heapprofile\n"
                                                      ROW "MAPPED_LIBRARIES:\n");
  assert_int_equal(profile->meta.dropped_allocations, 8);
  hd_profile_destroy(profile);
}

/* --- symbols and mappings ----------------------------------------------------------- */

static void embedded_symbols(void **state)
{
  (void)state;
  static const char text[] = "--- symbol\nbinary=/bin/server\n0x0000401000 main--run--fill\n"
                             "0x402000 leaf(int)<0000000000001ae0>\n0x403000 0x403000\njunk\n"
                             "---\n--- heap\n" HEAD
                             "1: 8 [1: 8] @ 0x402000 0x401001 0x403001\n";
  assert_string_equal(hd_reader_probe((const uint8_t *)text, sizeof text - 1)->name, "heap-text");
  struct hd_profile *profile = text_read("heap-text", text);
  assert_string_equal(profile->meta.program, "/bin/server");
  assert_string_equal(text_of(profile, text_frame(profile, 1, 0)->function), "leaf(int)");
  assert_int_equal(profile->locations.items[1].frame_count, 3);
  assert_string_equal(text_of(profile, text_frame(profile, 2, 0)->function), "fill");
  assert_string_equal(text_of(profile, text_frame(profile, 2, 1)->function), "run");
  assert_string_equal(text_of(profile, text_frame(profile, 2, 2)->function), "main");
  assert_int_equal(profile->locations.items[2].frame_count, 0);
  hd_profile_destroy(profile);
}

/* A symbol table may be in front of jemalloc's, too, past what a probe sees. */
static void embedded_symbols_of_jemalloc(void **state)
{
  (void)state;
  struct hd_profile *profile =
      text_read("heap-text", "--- symbol\n0x401000 main\n---\n--- heap\nheap_v2/1\n"
                             "  t*: 1: 8 [0: 0]\n@ 0x401001\n  t*: 1: 8 [0: 0]\n"
                             "MAPPED_LIBRARIES:\n");
  assert_string_equal(profile->meta.format, "jemalloc");
  assert_string_equal(text_of(profile, text_frame(profile, 1, 0)->function), "main");
  hd_profile_destroy(profile);
}

/* Module path, build-id and offset of the one address 0x401000. */
static void check_map(const char *maps, const char *path, const char *build_id, uint64_t offset)
{
  char text[1024];
  snprintf(text, sizeof text, HEAD ROW "%s", maps);
  struct hd_profile *profile = text_read("heap-text", text);
  const struct hd_location *place = &profile->locations.items[0];
  assert_int_equal(place->offset, offset);
  assert_int_equal(place->module != 0, path != NULL);
  if (path) {
    assert_int_equal(profile->modules.count, 1);
    assert_string_equal(text_of(profile, profile->modules.items[0].path), path);
    assert_string_equal(text_of(profile, profile->modules.items[0].build_id), build_id);
  }
  hd_profile_destroy(profile);
}

static void mappings(void **state)
{
  (void)state;
  check_map("MAPPED_LIBRARIES:\r\n00401000-00402000 r-xp 00003000 08:01 77   /b/a (deleted)\r\n",
            "/b/a (deleted)", "", 0x3000);
  check_map("--- Memory map: ---\n\tsource=/home\n  00400000-00fcb000: $source/main\n",
            "/home/main", "", 0x1000);
  check_map("MAPPED_LIBRARIES:\n400000-402000 r-xp 00002000 /bin/s (@5000) ABCDEF0123456789AB\n",
            "/bin/s", "abcdef0123456789ab", 0x6000);
  check_map("MAPPED_LIBRARIES:\n0x400000-0x402000 /bin/s abcdef0123456789\n", "/bin/s",
            "abcdef0123456789", 0x1000);
  check_map("MAPPED_LIBRARIES:\nI0101 1 a.cc:7] 400000-402000 r-xp 0 00:00 0 /b/s\n", "/b/s", "",
            0x1000);
  /* Not to be run; not at this address; no file; nonsense. */
  check_map("MAPPED_LIBRARIES:\n400000-402000 r--p 00000000 00:00 1 /b/s\n", NULL, "", 0x401000);
  check_map("MAPPED_LIBRARIES:\n402000-403000 r-xp 00000000 00:00 1 /b/s\n", NULL, "", 0x401000);
  check_map("MAPPED_LIBRARIES:\n400000-402000 rwxp 00000000 00:00 0\n", NULL, "", 0x401000);
  check_map("MAPPED_LIBRARIES:\n402000-400000 /b/s\nzz\n0x\n-\n=\n$=\n", NULL, "", 0x401000);
  check_map("MAPPED_LIBRARIES:\nab=2\na=0\na=1\n400000-402000: /$ab/$a/$c\n", "/2/1/$c", "", 0x1000);
}

/* Parts of one file that lie side by side are one; a program that is built so that
 * it lies at 0 or elsewhere has the same offsets. */
static void mappings_joined(void **state)
{
  (void)state;
  static const char maps[] = "MAPPED_LIBRARIES:\n"
                             "7f0000002000-7f0000003000 r-xp 00001000 fe:00 9 /lib/libx.so.2\n"
                             "7f0000001000-7f0000002000 r-xp 00000000 fe:00 9 /lib/libx.so.2\n"
                             "7f0000009000-7f000000a000 r-xp 00000000 fe:00 9 /opt/server\n";
  char text[1024];
  snprintf(text, sizeof text, HEAD "1: 8 [1: 8] @ 0x7f0000001801 0x7f0000002801 0x7f0000009001\n%s",
           maps);
  struct hd_profile *profile = text_read("heap-text", text);
  assert_int_equal(profile->modules.count, 2);
  assert_int_equal(profile->modules.items[0].limit, 0x7f0000003000);
  assert_int_equal(profile->locations.items[0].offset, 0x800);
  assert_int_equal(profile->locations.items[1].offset, 0x1800);
  assert_int_equal(profile->locations.items[2].offset, 0);
  assert_string_equal(profile->meta.program, "/opt/server");
  hd_profile_destroy(profile);
}

/* --- damage -------------------------------------------------------------------------- */

static void hostile(void **state)
{
  (void)state;
  text_torture("heap-text", FILES "service.1.heap", 1500);
  text_torture("heap-text", FILES "symbols.heap", 1500);
  text_torture("heap-text", FILES "go.1.txt", 1500);
}

/* A cut inside a row is refused; one between rows is said as what is missing. */
static void cut(void **state)
{
  (void)state;
  size_t size;
  char *data = read_bytes(FILES "service.2.heap", &size);
  size_t maps = (size_t)(strstr(data, "MAPPED_LIBRARIES:") - data);
  size_t last_row = (size_t)(strstr(data, "     0:        0 [") - data);
  for (size_t at = strcspn(data, "\n") + 1; at < maps; at++) {
    struct hd_stream stream = hd_stream_of(data, at);
    struct hd_error error;
    struct hd_profile *profile = text_try("heap-text", &stream, &error);
    if (profile)
      assert_true(at >= last_row || profile->meta.dropped_allocations > 0);
    hd_profile_destroy(profile);
  }
  free(data);
}

static void memory(void **state)
{
  (void)state;
  text_assert_out_of_memory("heap-text", FILES "symbols.heap");
  text_assert_out_of_memory("heap-text", FILES "go.1.txt");
}

static void streams(void **state)
{
  (void)state;
  text_assert_streams("heap-text", FILES "go.1.txt");
  text_assert_streams("heap-text", FILES "symbols.heap");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(go_symbols),
      cmocka_unit_test(go_memory_from_the_system),
      cmocka_unit_test(kinds),
      cmocka_unit_test(alloc_is_absent),
      cmocka_unit_test(in_front_of_the_header),
      cmocka_unit_test(errors),
      cmocka_unit_test(bad_rows),
      cmocka_unit_test(bad_rows_of_samples),
      cmocka_unit_test(rows_left_out),
      cmocka_unit_test(embedded_symbols),
      cmocka_unit_test(embedded_symbols_of_jemalloc),
      cmocka_unit_test(mappings),
      cmocka_unit_test(mappings_joined),
      cmocka_unit_test(hostile),
      cmocka_unit_test(cut),
      cmocka_unit_test(memory),
      cmocka_unit_test(streams),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
