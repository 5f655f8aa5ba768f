/* Real text heap profiles of gperftools, tcmalloc and Go against what pprof makes
 * of the same files, and against Go's own profile.proto. */
#include "unit/heap_text_support.h"

#define FILES TESTDATA "/heap-text/"

/* --- pprof's figures ------------------------------------------------------------- */

/* pprof rounds each row down; ours add up without that. */
static void check_file(const char *path, uint64_t rate, const double totals[4])
{
  static const enum hd_measure measures[] = {HD_INUSE_SPACE, HD_INUSE_OBJECTS, HD_ALLOC_SPACE,
                                             HD_ALLOC_OBJECTS};
  struct hd_profile *profile = text_read_file("heap-text", path);
  double within = rate > 1 ? (double)profile->records.count : 0;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(profile->has[measures[i]], totals[i] >= 0);
    if (totals[i] >= 0)
      assert_near(hd_profile_total(profile, measures[i]), totals[i], within);
  }
  assert_int_equal(profile->meta.rate, rate);
  assert_string_equal(profile->meta.format, "heap-text");
  assert_string_equal(profile->meta.kind, strstr(path, "growth") ? "growth" : "heap");
  assert_int_equal(profile->bad_rows, 0);
  assert_int_equal(profile->meta.dropped_allocations, 0);
  hd_profile_destroy(profile);
}

static void as_pprof_has_it(void **state)
{
  (void)state;
  check_file(FILES "service.1.heap", 1, (double[]){2777181, 1925, 4001205, 2855});
  check_file(FILES "service.2.heap", 1, (double[]){10548368, 18553, 26478608, 30580});
  check_file(FILES "symbols.heap", 1, (double[]){10548368, 18553, 26478608, 30580});
  check_file(FILES "sampled.1.heap", 524288, (double[]){8600960, 6308, -1, -1});
  check_file(FILES "sampled.2.heap", 524288, (double[]){20299560, 16279, -1, -1});
  check_file(FILES "growth.1", 1, (double[]){13631488, 13, -1, -1});
  check_file(FILES "growth.3", 1, (double[]){38797312, 37, -1, -1});
  check_file(FILES "go.1.txt", 524288, (double[]){28207325, 14020, 151600153, 15894});
  check_file(FILES "go.3.txt", 524288, (double[]){56489933, 39390, 432074444, 45018});
}

/* "  151: 0xb0c442 M=1": a look-up address and the mapping that it lies in. */
static void check_location(const struct hd_profile *profile, const char *line)
{
  unsigned long id, address, mapping;
  if (sscanf(line, " %lu: 0x%lx M=%lu", &id, &address, &mapping) != 3)
    return;
  assert_in_range(id, 1, profile->locations.count);
  const struct hd_location *place = &profile->locations.items[id - 1];
  uint64_t start = 0;
  if (place->module)
    start = profile->modules.items[place->module - 1].start -
            profile->modules.items[place->module - 1].offset;
  assert_int_equal(place->offset + start, address);
}

/* "  4    2488234          1     829411: 1 2 3": the measures in alphabetical order. */
static bool check_sample(const struct hd_profile *profile, const char *line, size_t *record)
{
  double values[4];
  int at = 0, count = sscanf(line, " %lf %lf %lf %lf", values, values + 1, values + 2, values + 3);
  const char *colon = strchr(line, ':');
  if (count != (profile->has[HD_ALLOC_SPACE] ? 4 : 2) || !colon)
    return false;
  assert_true(*record < profile->records.count);
  if (count == 4) {
    assert_near(floor(hd_profile_value(profile, *record, HD_ALLOC_OBJECTS) + 1e-6), values[0], 0);
    assert_near(floor(hd_profile_value(profile, *record, HD_ALLOC_SPACE) + 1e-6), values[1], 0);
    at = 2;
  }
  assert_near(floor(hd_profile_value(profile, *record, HD_INUSE_OBJECTS) + 1e-6), values[at], 0);
  assert_near(floor(hd_profile_value(profile, *record, HD_INUSE_SPACE) + 1e-6), values[at + 1], 0);
  uint32_t stack = profile->records.items[*record].stack;
  struct hd_span span = stack ? profile->stacks.items[stack - 1] : (struct hd_span){0};
  char *next = (char *)(uintptr_t)(colon + 1), *end;
  for (uint32_t i = 0; i < span.count; i++, next = end)
    assert_int_equal(strtoul(next, &end, 10), profile->stack_locations.items[span.first + i]);
  assert_int_equal(strspn(next, " \n"), strlen(next));
  ++*record;
  return true;
}

/* Row by row and address by address as google/pprof's own tests expect it. */
static void check_conformance(const char *name)
{
  char path[PATH_MAX], line[8192];
  snprintf(path, sizeof path, SOURCE_DIR "/../shared/conformance/pprof/%s", name);
  if (!exists(path)) {
    print_message("%s is not here: skipped\n", name);
    skip();
  }
  struct hd_profile *profile = text_read_file("heap-text", path);
  snprintf(path + strlen(path), sizeof path - strlen(path), ".string");
  FILE *expected = fopen(path, "r");
  assert_non_null(expected);
  size_t record = 0;
  bool locations = false, mappings = false;
  while (fgets(line, sizeof line, expected)) {
    locations |= strncmp(line, "Locations", 9) == 0;
    mappings |= strncmp(line, "Mappings", 8) == 0;
    if (locations && !mappings)
      check_location(profile, line);
    else if (!locations)
      check_sample(profile, line, &record);
  }
  fclose(expected);
  assert_true(locations);
  assert_int_equal(record, profile->records.count);
  hd_profile_destroy(profile);
}

static void conformance_sampled(void **state)
{
  (void)state;
  check_conformance("cppbench.heap");
}

static void conformance_growth(void **state)
{
  (void)state;
  check_conformance("cppbench.growth");
}

static void conformance_go(void **state)
{
  (void)state;
  check_conformance("gobench.heap");
}

/* --- Go ------------------------------------------------------------------------ */

/* The stack's last frames have no line in one, and one in the other. */
static void cut_outermost(char *text)
{
  char *found = strstr(text, "runtime.goexit");
  if (found)
    *found = '\0';
}

/* profile.proto and the text written just after it hold the same stacks and values. */
static void go_in_both_forms(void **state)
{
  (void)state;
  size_t size;
  struct hd_profile *text = text_read_file("heap-text", FILES "go.3.txt");
  FILE *unzipped = popen("gzip -dc " FILES "go.3.pb.gz", "r");
  assert_non_null(unzipped);
  char *data = malloc(1 << 20);
  assert_non_null(data);
  size = fread(data, 1, 1 << 20, unzipped);
  pclose(unzipped);
  struct hd_profile *proto = text_read_bytes("pprof", data, size);
  free(data);
  assert_true(proto->records.count > 10);
  for (size_t i = 0; i < proto->records.count; i++) {
    char a[4096], b[4096];
    bool found = false;
    text_describe(proto, proto->records.items[i].stack, a, sizeof a);
    cut_outermost(a);
    assert_true(a[0]);
    for (size_t j = 0; !found && j < text->records.count; j++) {
      text_describe(text, text->records.items[j].stack, b, sizeof b);
      cut_outermost(b);
      found = strcmp(a, b) == 0 && fabs(hd_profile_value(proto, i, HD_INUSE_SPACE) -
                                        hd_profile_value(text, j, HD_INUSE_SPACE)) <= 1 &&
              fabs(hd_profile_value(proto, i, HD_ALLOC_OBJECTS) -
                   hd_profile_value(text, j, HD_ALLOC_OBJECTS)) <= 1;
    }
    if (!found)
      fail_msg("not in the text: %s", a);
  }
  assert_int_equal(text->meta.rss_peak, 93798400);
  assert_int_equal(text->meta.rss, -1);
  assert_int_equal(text->meta.system, 192138536 - 90177536);
  assert_int_equal(text->meta.system_free, 118669312 - 90177536);
  assert_int_equal(text->meta.time_ns, 1795471580034094672);
  assert_string_equal(text_of(text, text->comments.items[0]), "Sys = 192138536");
  hd_profile_destroy(text);
  hd_profile_destroy(proto);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_pprof_has_it),
      cmocka_unit_test(conformance_sampled),
      cmocka_unit_test(conformance_growth),
      cmocka_unit_test(conformance_go),
      cmocka_unit_test(go_in_both_forms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
