/* What the pprof reader makes of mappings, locations and functions, and of the
 * frames that a file asks to drop. */
#include "unit/pprof_builder.h"

static void test_addresses(void **state)
{
  (void)state;
  put_heap_types(&file, &table, 1);
  ROW(&file, 3, 10, 0x7000, 0x8000, 0x200, S("libx.so"), S("Go-id/B64"));
  ROW(&file, 3, 11, 0, 0, 0, S("app"));
  function(1, "f", "");
  put_location(&file, 1, 10, 0x7abc, NULL, 0); /* inside */
  put_location(&file, 2, 10, 0x8000, NULL, 0); /* just past it */
  put_location(&file, 3, 0, 0x1234, NULL, 0);  /* of no mapping */
  put_location(&file, 4, 99, 0x1235, NULL, 0); /* of one that is not there */
  put_location(&file, 5, 11, 0x1236, NULL, 0); /* of one without a range */
  LOCATION(&file, 6, 11, 0x1237, 1);           /* the same, with its symbols */
  struct hd_profile *profile = finish();
  static const struct {
    uint32_t module;
    uint64_t offset;
  } want[] = {{1, 0xcbc}, {0, 0x8000}, {0, 0x1234}, {0, 0x1235}, {0, 0x1236}, {2, 0x1237}};
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(profile->locations.items[i].module, want[i].module);
    assert_true(profile->locations.items[i].offset == want[i].offset);
    assert_int_equal(profile->locations.items[i].frame_count, i == 5);
  }
  /* Not hexadecimal: as it is. */
  assert_string_equal(text_of(profile, profile->modules.items[0].build_id), "Go-id/B64");
  assert_int_equal(profile->modules.items[1].build_id, 0);
  assert_string_equal(profile->meta.program, "libx.so");
  hd_profile_destroy(profile);
}

static void test_names(void **state)
{
  (void)state;
  put_heap_types(&file, &table, 1);
  function(1, "_ZN1a1bE", "");
  function(2, "", "_Zsys");
  function(3, "", "");
  function(4, "_Rsame", "_Rsame");
  LOCATION(&file, 1, 0, 1, 1, 2, 3, 4);
  struct hd_profile *profile = finish();
  const struct hd_frame *frames = profile->frames.items;
  assert_string_equal(text_of(profile, frames[0].function), "_ZN1a1bE");
  assert_int_equal(frames[0].system_name, frames[0].function);
  assert_string_equal(text_of(profile, frames[1].function), "_Zsys");
  assert_int_equal(frames[2].function, 0);
  assert_int_equal(frames[3].system_name, frames[3].function);
  hd_profile_destroy(profile);
}

static void test_sparse_ids_and_folding(void **state)
{
  (void)state;
  static struct message location;
  location.length = 0;
  const uint64_t huge = UINT64_MAX, large = 1ull << 40;
  put_heap_types(&file, &table, 1);
  ROW(&file, 5, huge, S("f"));
  ROW(&file, 5, large, S("g"));
  ROW(&file, 5, 3, S("h"));
  put_int(&location, 1, large + 1);
  put_int(&location, 5, 1);
  ROW(&location, 4, huge, 5);
  ROW(&location, 4, large, (uint64_t)-5); /* negative lines: unknown */
  put_message(&file, 4, &location);
  LOCATION(&file, huge, 0, 8, 3);
  SAMPLE(&file, 1, 8, huge, large + 1);
  struct hd_profile *profile = finish();
  assert_string_equal(stack_text(profile, 0), "h f<g");
  assert_true(profile->locations.items[0].folded);
  assert_false(profile->locations.items[1].folded);
  assert_true(profile->frames.items[0].line == 5 && profile->frames.items[1].line == 0);
  hd_profile_destroy(profile);
}

/* main calls user calls Wrap (into which alloc::Get was inlined) calls malloc. */
static void frames_to_drop(const char *drop, const char *keep)
{
  put_heap_types(&file, &table, 1);
  function(1, "main", "");
  function(2, "user", "");
  function(3, "alloc::Wrap(int)", "");
  function(4, "(anonymous namespace)::Get::operator()(int)", "");
  function(5, ".malloc", "");
  LOCATION(&file, 1, 0, 1, 1);
  LOCATION(&file, 2, 0, 2, 2);
  LOCATION(&file, 3, 0, 3, 4, 3);
  LOCATION(&file, 4, 0, 4, 5);
  SAMPLE(&file, 1, 1, 4, 3, 2, 1);
  SAMPLE(&file, 1, 1, 4, 3); /* nothing but what may be dropped */
  put_int(&file, 7, S(drop));
  if (*keep)
    put_int(&file, 8, S(keep));
}

static void check_drop(void **state, const char *drop, const char *keep, const char *first,
                       const char *second)
{
  start(state);
  frames_to_drop(drop, keep);
  struct hd_profile *profile = finish();
  assert_string_equal(stack_text(profile, 0), first);
  assert_string_equal(stack_text(profile, 1), second);
  hd_profile_destroy(profile);
}

/* The expected stacks are those of `go tool pprof -raw` on the same bytes. */
static void test_drop_frames(void **state)
{
  const char *get = "(anonymous namespace)::Get::operator()(int)", *wrap = "alloc::Wrap(int)";
  char whole[256], rest[256];
  snprintf(whole, sizeof whole, ".malloc %s<%s user main", get, wrap);
  snprintf(rest, sizeof rest, ".malloc %s<%s", get, wrap);
  /* Only whole names match, so that "mall" and "us" take nothing. */
  check_drop(state, "mall|us", "", whole, rest);
  check_drop(state, "mall|malloc", "", strchr(whole, ' ') + 1, strchr(rest, ' ') + 1);
  check_drop(state, "malloc|alloc::.*", "", "user main", rest);
  check_drop(state, "malloc|alloc::.*", "alloc::Wrap", strchr(whole, ' ') + 1,
             strchr(rest, ' ') + 1);
  /* The inlined half of a location goes, its caller stays; and goes in all of its
   * stacks, even where the stack is not cut. */
  check_drop(state, "\\(anonymous namespace\\)::Get::operator\\(\\)", "",
             "alloc::Wrap(int) user main", ".malloc alloc::Wrap(int)");
  /* All would go: from the root on, nothing does. */
  check_drop(state, ".*", "", whole, rest);
}

static void test_bad_pattern(void **state)
{
  (void)state;
  frames_to_drop("a(b\x1b", "");
  refused("drop_frames: the pattern 'a(b?' is wrong");
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_addresses),   TEST(test_names),       TEST(test_sparse_ids_and_folding),
      TEST(test_drop_frames), TEST(test_bad_pattern),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
