/* Real Go profiles: the reader against known amounts, and against `go tool pprof
 * -raw` where Go is installed: the whole of its listing is made again from our
 * profile and compared as text. */
#include "base/error.h"
#include "base/stream.h"
#include "model/profile.h"
#include "readers/reader.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

extern const struct hd_reader hd_reader_pprof;

static bool keep(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)error;
  *(struct hd_profile **)context = profile;
  return true;
}

/* Reads a gzip file, in any way of the reader's: NULL and `error` where refused. */
static struct hd_profile *try_file(const char *path, struct hd_error *error)
{
  static uint8_t data[1 << 20];
  gzFile in = gzopen(path, "rb");
  assert_non_null(in);
  int length = gzread(in, data, sizeof data);
  assert_true(length > 0 && length < (int)sizeof data);
  gzclose(in);
  assert_ptr_equal(
      hd_reader_probe(data, (size_t)length < HD_PROBE_BYTES ? (size_t)length : HD_PROBE_BYTES),
      &hd_reader_pprof);
  struct hd_stream stream = hd_stream_of(data, (size_t)length);
  struct hd_profile *profile = NULL;
  struct hd_sink sink = {keep, &profile};
  hd_reader_pprof.read(&stream, &sink, error);
  return profile;
}

static struct hd_profile *read_file(const char *path)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_profile *profile = try_file(path, &error);
  if (!profile)
    fail_msg("%s: %s", path, error.text);
  return profile;
}

static const struct hd_location *leaf_of(const struct hd_profile *profile, size_t record)
{
  uint32_t stack = profile->records.items[record].stack;
  assert_true(stack > 0);
  uint32_t first = profile->stacks.items[stack - 1].first;
  return &profile->locations.items[profile->stack_locations.items[first] - 1];
}

/* The flat value of one source line. */
static double flat(const struct hd_profile *profile, const char *function, uint32_t line,
                   enum hd_measure measure)
{
  double sum = 0;
  for (size_t i = 0; i < profile->records.count; i++) {
    const struct hd_frame *frame = &profile->frames.items[leaf_of(profile, i)->first_frame];
    const char *name = hd_strings_text(&profile->strings, frame->function);
    if (strcmp(name, function) == 0 && frame->line == line)
      sum += hd_profile_value(profile, i, measure);
  }
  return sum;
}

/* The figures are those of `go tool pprof -top -lines -unit=B`. */
static void test_leak_figures(void **state)
{
  (void)state;
  static const long totals[] = {24235068, 36754972, 47796013, 61970233, 74043346};
  static const long fill[] = {8921602, 19942406, 29388809, 41984013, 52480016};
  for (int i = 0; i < 5; i++) {
    char path[512];
    snprintf(path, sizeof path, TESTDATA "/pprof/go-leak/heap.%d.pb.gz", i + 1);
    struct hd_profile *profile = read_file(path);
    assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == (double)totals[i]);
    assert_true(flat(profile, "main.fill", 44, HD_INUSE_SPACE) == (double)fill[i]);
    assert_true(flat(profile, "main.warm", 64, HD_INUSE_SPACE) == 13385723);
    assert_true(flat(profile, "main.churn", 54, HD_INUSE_SPACE) == 0);
    assert_true(flat(profile, "main.churn", 54, HD_ALLOC_SPACE) > 100e6);
    assert_true(profile->meta.rate == 524288);
    assert_string_equal(profile->meta.program, "/tmp/leak/leak");
    hd_profile_destroy(profile);
  }
}

/* With a rate of 1 the profile has the program's own count, which it printed. */
static void test_exact_amounts(void **state)
{
  (void)state;
  for (int point = 1; point <= 2; point++) {
    char path[512];
    snprintf(path, sizeof path, TESTDATA "/pprof/go-exact/heap.%d.pb.gz", point);
    struct hd_profile *profile = read_file(path);
    assert_true(profile->meta.rate == 1);
    assert_true(flat(profile, "main.fill", 44, HD_INUSE_SPACE) == point * 512000);
    assert_true(flat(profile, "main.fill", 44, HD_INUSE_OBJECTS) == point * 500);
    assert_true(flat(profile, "main.spawn", 79, HD_INUSE_SPACE) == point * 81920);
    for (size_t i = 0; i < profile->records.count; i++)
      assert_true(profile->records.items[i].weight == 1 && profile->records.items[i].size > 0);
    hd_profile_destroy(profile);
  }
}

/* objects / weight is a whole number of sampled objects, but for what Go cuts off
 * behind the point of objects = samples * weight. */
static void test_raw_counts_are_whole(void **state)
{
  (void)state;
  struct hd_profile *profile = read_file(TESTDATA "/pprof/go-leak/heap.5.pb.gz");
  for (size_t i = 0; i < profile->records.count; i++) {
    double weight = profile->records.items[i].weight;
    double objects = hd_profile_value(profile, i, HD_ALLOC_OBJECTS);
    double samples = ceil(objects / weight - 1e-9);
    assert_true(weight > 1 && samples >= 1);
    assert_true(floor(samples * weight + 1e-9) == objects);
  }
  hd_profile_destroy(profile);
}

static void test_other_kinds_are_refused(void **state)
{
  (void)state;
  struct hd_error error = HD_ERROR_INIT;
  assert_null(try_file(TESTDATA "/pprof/other-kinds/cpu.pb.gz", &error));
  assert_non_null(strstr(error.text, "this is a CPU profile (samples/count, cpu/nanoseconds)"));
}

/* --- pprof's own listing ------------------------------------------------------ */

struct numbering {
  uint32_t of[1 << 16]; /* by location: its number, in order of appearance */
  uint32_t by[1 << 16]; /* by number: the location */
  uint32_t count;
};

static uint32_t number(struct numbering *numbering, uint32_t location)
{
  assert_true(location < 1 << 16);
  if (!numbering->of[location]) {
    numbering->of[location] = ++numbering->count;
    numbering->by[numbering->count] = location;
  }
  return numbering->of[location];
}

static bool same_row(const struct hd_record *a, const struct hd_record *b)
{
  return a->stack == b->stack && a->size == b->size && a->labels == b->labels;
}

/* pprof lists rows that are alike but for their values as one. */
static void list_sample(FILE *out, const struct hd_profile *profile, size_t i,
                        struct numbering *numbering)
{
  static const enum hd_measure order[] = {HD_ALLOC_OBJECTS, HD_ALLOC_SPACE, HD_INUSE_OBJECTS,
                                          HD_INUSE_SPACE};
  const struct hd_record *records = profile->records.items;
  double sums[4] = {0};
  for (size_t k = 0; k < profile->records.count; k++) {
    if (!same_row(&records[k], &records[i]))
      continue;
    if (k < i)
      return;
    for (int m = 0; m < 4; m++)
      sums[m] += hd_profile_value(profile, k, order[m]);
  }
  for (int m = 0; m < 4; m++)
    fprintf(out, " %10.0f", sums[m]);
  fprintf(out, ": ");
  struct hd_span stack = profile->stacks.items[records[i].stack - 1];
  for (uint32_t k = 0; k < stack.count; k++)
    fprintf(out, "%u ", number(numbering, profile->stack_locations.items[stack.first + k]));
  fprintf(out, "\n                bytes:[%llu]\n", (unsigned long long)records[i].size);
}

static void list_location(FILE *out, const struct hd_profile *profile, uint32_t n,
                          uint32_t location_id)
{
  const struct hd_location *location = &profile->locations.items[location_id - 1];
  const struct hd_module *module = &profile->modules.items[location->module - 1];
  uint64_t address = location->offset;
  if (module->limit)
    address += module->start - module->offset;
  fprintf(out, "%6u: %#llx M=%u ", n, (unsigned long long)address, location->module);
  for (uint32_t k = 0; k < location->frame_count; k++) {
    const struct hd_frame *frame = &profile->frames.items[location->first_frame + k];
    fprintf(out, "%s%s %s:%u s=%u\n", k ? "             " : "",
            hd_strings_text(&profile->strings, frame->function),
            hd_strings_text(&profile->strings, frame->file), frame->line, frame->start_line);
    assert_int_equal(frame->system_name, 0);
  }
}

/* As `go tool pprof -raw` writes samples and locations. */
static char *listing(const struct hd_profile *profile)
{
  static struct numbering numbering;
  memset(&numbering, 0, sizeof numbering);
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  for (size_t i = 0; i < profile->records.count; i++)
    list_sample(out, profile, i, &numbering);
  fprintf(out, "Locations\n");
  for (uint32_t n = 1; n <= numbering.count; n++)
    list_location(out, profile, n, numbering.by[n]);
  fclose(out);
  return text;
}

static char *back_over_number(const char *line, char *at)
{
  char *from = at;
  while (from > line && from[-1] >= '0' && from[-1] <= '9')
    from--;
  return from < at && from > line && from[-1] == ':' ? from - 1 : NULL;
}

/* Newer releases write "file:line:column s=start": takes the column out. */
static void drop_column(char *line)
{
  char *start = strstr(line, " s=");
  char *column = start ? back_over_number(line, start) : NULL;
  if (column && back_over_number(line, column))
    memmove(column, start, strlen(start) + 1);
}

/* What pprof prints between the sample types and the mappings. */
static char *pprof_listing(const char *path)
{
  char command[700], line[4096], *text = NULL;
  size_t size;
  snprintf(command, sizeof command, "go tool pprof -symbolize=none -raw '%s' 2>/dev/null", path);
  FILE *in = popen(command, "r"), *out = open_memstream(&text, &size);
  assert_true(in && out);
  bool inside = false;
  while (fgets(line, sizeof line, in)) {
    if (strcmp(line, "Mappings\n") == 0)
      inside = false;
    drop_column(line);
    if (inside)
      fputs(line, out);
    if (strncmp(line, "alloc_objects/count ", 20) == 0)
      inside = true;
  }
  fclose(out);
  assert_int_equal(pclose(in), 0);
  return text;
}

static void compare_with_pprof(const char *path)
{
  struct hd_profile *profile = read_file(path);
  char *ours = listing(profile), *theirs = pprof_listing(path);
  assert_true(strlen(theirs) > 100);
  if (strcmp(ours, theirs) != 0) {
    size_t at = 0;
    while (ours[at] == theirs[at])
      at++;
    size_t from = at > 80 ? at - 80 : 0;
    fail_msg("%s: at %zu ours is\n%.160s\npprof's is\n%.160s", path, at, ours + from,
             theirs + from);
  }
  free(ours);
  free(theirs);
  hd_profile_destroy(profile);
}

static void need_go(void)
{
  if (system("go version >/dev/null 2>&1") != 0) {
    print_message("go is not installed: skipped\n");
    skip();
  }
}

static void test_own_files_as_pprof(void **state)
{
  (void)state;
  need_go();
  compare_with_pprof(TESTDATA "/pprof/go-leak/heap.1.pb.gz");
  compare_with_pprof(TESTDATA "/pprof/go-leak/heap.5.pb.gz");
  compare_with_pprof(TESTDATA "/pprof/go-exact/heap.2.pb.gz");
}

static void test_parca_files_as_pprof(void **state)
{
  (void)state;
  static const char *const names[] = {"1644509272337470000", "1644509275338070000",
                                      "1644509278338696000", "1644509281339135000",
                                      "1644509284338649000"};
  const char *folder = SOURCE_DIR "/../shared/conformance/parca";
  if (access(folder, R_OK) != 0) {
    print_message("%s is not there: skipped\n", folder);
    skip();
  }
  need_go();
  for (int i = 0; i < 5; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.pb.gz", folder, names[i]);
    compare_with_pprof(path);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_leak_figures),         cmocka_unit_test(test_exact_amounts),
      cmocka_unit_test(test_raw_counts_are_whole), cmocka_unit_test(test_other_kinds_are_refused),
      cmocka_unit_test(test_own_files_as_pprof),   cmocka_unit_test(test_parca_files_as_pprof),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
