/* The heaptrack reader: both forms of a recording, the series, real files. */
#include "heaptrack_texts.h"

#include "input/open.h"

#include <inttypes.h>

static void expect_profile(const struct profiles *profiles, size_t i, const char *text)
{
  struct hd_buffer out = HD_BUFFER_INIT;
  write_profile(&out, profiles->items[i]);
  assert_string_equal(hd_buffer_text(&out), text);
  hd_buffer_deinit(&out);
}

#define INNER "inner a.c:7 (in prog)~outer a.c:9 (in prog) < main (in prog)\n"

static void an_interpreted_recording(void **state)
{
  (void)state;
  struct profiles profiles;
  read_good(INTERPRETED, &profiles);
  assert_int_equal(profiles.count, 4);
  expect_profile(&profiles, 0, "");
  expect_profile(&profiles, 1, "128: " INNER "16: 0x7f0000001000 (in /l x.s) < " INNER "8\n");
  expect_profile(&profiles, 3,
                 "64: " INNER "0: 0x7f0000001000 (in /l x.s) < " INNER "8\n"
                 "1:  < main (in prog)\n2:  a.c:12 (in prog) < main (in prog)\n");
  const struct hd_profile *last = profiles.items[3];
  assert_true(hd_profile_total(last, HD_INUSE_OBJECTS) == 4);
  assert_true(hd_profile_total(last, HD_ALLOC_SPACE) == 64 * 2 + 16 + 8 + 1 + 4);
  assert_true(hd_profile_total(last, HD_ALLOC_OBJECTS) == 7);
  drop_profiles(&profiles);
}

static void what_it_says_of_itself(void **state)
{
  (void)state;
  static const int64_t stamps[] = {10, 20, 30, 30}, pages[] = {2, 3, 4, 4};
  static const char *const reasons[] = {"start", NULL, NULL, "exit"};
  struct profiles profiles;
  read_good(INTERPRETED, &profiles);
  for (size_t i = 0; i < profiles.count; i++) {
    const struct hd_meta *meta = &profiles.items[i]->meta;
    assert_string_equal(meta->format, "heaptrack");
    assert_string_equal(meta->kind, "heap");
    assert_string_equal(meta->recorder, "heaptrack 1.4.0");
    assert_string_equal(meta->command, "./prog -x y");
    assert_string_equal(meta->program, "./prog");
    assert_string_equal(meta->called, "./prog");
    assert_int_equal(meta->rate, 1);
    assert_int_equal(meta->sequence, i);
    assert_int_equal(meta->mono_ns, stamps[i] * 1000000);
    assert_int_equal(meta->rss, pages[i] * 4096);
    if (reasons[i])
      assert_string_equal(meta->reason, reasons[i]);
    else
      assert_null(meta->reason);
  }
  const struct hd_profile *last = profiles.items[3];
  assert_string_equal(hd_strings_text(&last->strings, last->comments.items[0]),
                      "the most in use at once were 152 bytes, after 0.010 s");
  drop_profiles(&profiles);
  /* Attached to a process: neither its start nor its end. */
  read_good(HEAD "A\n" CODE EVENTS CLOSING("6"), &profiles);
  assert_null(profiles.items[0]->meta.reason);
  assert_null(profiles.items[3]->meta.reason);
  drop_profiles(&profiles);
  /* No time at all: what there is at the end. */
  read_good(HEAD CODE "+ 0\n" CLOSING("6"), &profiles);
  assert_int_equal(profiles.count, 1);
  expect_profile(&profiles, 0, "64: " INNER);
  assert_int_equal(profiles.items[0]->meta.rss, -1);
  drop_profiles(&profiles);
}

/* "BYTES: MODULE+OFFSET < ..." of what is not symbolized yet. */
static void write_addresses(struct hd_buffer *out, const struct hd_profile *profile)
{
  for (size_t i = 0; i < profile->records.count; i++) {
    uint32_t stack = profile->records.items[i].stack;
    struct hd_span span = stack ? profile->stacks.items[stack - 1] : (struct hd_span){0};
    hd_buffer_printf(out, "%.0f:", hd_profile_value(profile, i, HD_INUSE_SPACE));
    for (uint32_t k = 0; k < span.count; k++) {
      const struct hd_location *location =
          &profile->locations.items[profile->stack_locations.items[span.first + k] - 1];
      const struct hd_module *module =
          location->module ? &profile->modules.items[location->module - 1] : NULL;
      assert_int_equal(location->frame_count, 0);
      assert_true(!module || module->by_address);
      hd_buffer_printf(out, " %s+%" PRIx64,
                       module ? hd_strings_text(&profile->strings, module->path) : "",
                       location->offset);
    }
    hd_buffer_puts(out, "\n");
  }
}

static void a_raw_recording(void **state)
{
  (void)state;
  struct profiles profiles;
  struct hd_buffer out = HD_BUFFER_INIT;
  read_good(RAW, &profiles);
  assert_int_equal(profiles.count, 2);
  write_addresses(&out, profiles.items[0]);
  assert_string_equal(out.data, "128: /l x.so+123 /bin/prog+1010\n8: +4fff /bin/prog+1010\n");
  hd_buffer_clear(&out);
  write_addresses(&out, profiles.items[1]);
  assert_string_equal(out.data, "128: /l x.so+123 /bin/prog+1010\n8: +4fff /bin/prog+1010\n"
                                "1: /l y.so+124 /bin/prog+1010\n2:\n");
  assert_true(hd_profile_total(profiles.items[1], HD_ALLOC_OBJECTS) == 6);
  assert_string_equal(profiles.items[0]->meta.program, "/bin/prog");
  assert_string_equal(profiles.items[0]->meta.called, "prog");
  assert_int_equal(profiles.items[1]->bad_rows, 0);
  drop_profiles(&profiles);
  hd_buffer_deinit(&out);
}

/* Freed by address, in any order, while others come and go. */
static void many_blocks(void **state)
{
  (void)state;
  enum { BLOCKS = 5000 };
  struct hd_buffer text = HD_BUFFER_INIT;
  struct profiles profiles;
  uint64_t live = 0;
  hd_buffer_puts(&text, RAW_HEAD "t 10 0\n");
  for (unsigned i = 0; i < BLOCKS; i++)
    hd_buffer_printf(&text, "+ %x 1 %x\n", i % 7 + 1, 0x1000 + i * 16);
  for (unsigned i = 0; i < BLOCKS; i++) {
    unsigned block = i * 1237 % BLOCKS;
    if (block % 3)
      hd_buffer_printf(&text, "- %x\n+ 10 1 %x\n- %x\n", 0x1000 + block * 16, 0x90000 + i,
                       0x90000 + i);
    else
      live += block % 7 + 1;
  }
  read_good(hd_buffer_text(&text), &profiles);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == (double)live);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_OBJECTS) == (BLOCKS + 2) / 3);
  drop_profiles(&profiles);
  hd_buffer_deinit(&text);
}

/* Texts without their length; one number for the version. */
static void older_formats(void **state)
{
  (void)state;
  struct profiles profiles;
  read_good("v 10200\nX a\nI 1000 1\ns my prog\ns f\ni 5 1 2\nt 1 0\na 9 1\n+ 0\n" CLOSING("2"),
            &profiles);
  expect_profile(&profiles, 0, "9: f (in my prog)\n");
  assert_string_equal(profiles.items[0]->meta.recorder, "heaptrack 1.2.0");
  drop_profiles(&profiles);
}

static void who_it_is(void **state)
{
  (void)state;
  static const char text[] = "v 10400 3\nx 9 /bin/prog\nX prog b\nrubbish";
  struct hd_stream stream = hd_stream_of(text, sizeof text - 1);
  struct hd_error error = HD_ERROR_INIT;
  struct hd_profile *profile;
  const struct hd_reader *reader = hd_reader_probe((const uint8_t *)text, sizeof text - 1);
  assert_string_equal(reader->name, "heaptrack");
  assert_true(hd_profile_create(&profile, &error));
  assert_true(reader->peek(&stream, profile, &error));
  assert_string_equal(profile->meta.kind, "heap");
  assert_string_equal(profile->meta.program, "/bin/prog");
  hd_profile_destroy(profile);
  static const char *const others[] = {
      "v 10400 3", "v 10400 3\n", "v x\nX", "v 10400 3\nm", "v 0.5 0 0\nX", "", "\n"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_int_equal(reader->probe((const uint8_t *)others[i], strlen(others[i])), HD_PROBE_NO);
}

/* What follows the command up to the system's line is its own, whatever it looks like. */
static void a_command_of_many_lines(void **state)
{
  (void)state;
  struct profiles profiles;
  read_good("v 10400 3\nX sh -c\n+ 7\ni = 1\nI am\n\nI 1000 100\n" CODE "+ 0\n" CLOSING("6"),
            &profiles);
  assert_string_equal(profiles.items[0]->meta.command, "sh -c");
  assert_string_equal(profiles.items[0]->meta.program, "sh");
  assert_int_equal(profiles.items[0]->bad_rows, 0);
  drop_profiles(&profiles);
}

/* However long it is: the first moment, the last, and between 16 and 32 about as far
 * from each other. */
static void the_series_is_thinned(void **state)
{
  (void)state;
  static const unsigned lengths[] = {1, 2, 31, 32, 33, 64, 500, 5000};
  for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
    struct hd_buffer text = HD_BUFFER_INIT;
    struct profiles profiles;
    hd_buffer_puts(&text, HEAD CODE);
    for (unsigned i = 0; i < lengths[k]; i++)
      hd_buffer_printf(&text, "c %x\nR 1\n+ 0\n", i * 10 + 3);
    hd_buffer_puts(&text, CLOSING("6"));
    read_good(hd_buffer_text(&text), &profiles);
    size_t count = profiles.count;
    assert_in_range(count, lengths[k] < 17 ? lengths[k] : 16, 33);
    int64_t longest = 0;
    for (size_t i = 1; i < count; i++) {
      int64_t gap = profiles.items[i]->meta.mono_ns - profiles.items[i - 1]->meta.mono_ns;
      longest = gap > longest ? gap : longest;
    }
    if (count > 20)
      assert_true(longest <= (int64_t)lengths[k] * 10000000 / 8);
    assert_int_equal(profiles.items[0]->meta.mono_ns, 3000000);
    assert_true(hd_profile_total(profiles.items[count - 1], HD_INUSE_OBJECTS) == lengths[k]);
    assert_int_equal(profiles.items[count - 1]->meta.mono_ns,
                     (int64_t)(lengths[k] * 10 - 7) * 1000000);
    drop_profiles(&profiles);
    hd_buffer_deinit(&text);
  }
}

/* Where there are very many stacks. */
static void a_broad_series_is_thinned_more(void **state)
{
  (void)state;
  enum { STACKS = 150000, TIMES = 100 };
  struct hd_buffer text = HD_BUFFER_INIT;
  struct profiles profiles;
  hd_buffer_puts(&text, HEAD);
  for (unsigned i = 0; i < STACKS; i++)
    hd_buffer_printf(&text, "t 0 0\na 8 %x\n+ %x\n", i + 1, i);
  for (unsigned i = 0; i < TIMES; i++)
    hd_buffer_printf(&text, "c %x\n+ %x\n", i * 10, i);
  hd_buffer_puts(&text, CLOSING("0"));
  read_good(hd_buffer_text(&text), &profiles);
  assert_in_range(profiles.count, 5, 15);
  assert_true(hd_profile_total(profiles.items[0], HD_INUSE_OBJECTS) == STACKS);
  assert_true(hd_profile_total(profiles.items[profiles.count - 1], HD_INUSE_OBJECTS) ==
              STACKS + TIMES);
  drop_profiles(&profiles);
  hd_buffer_deinit(&text);
}

/* --- real recordings */

static void read_recording(const char *path, struct profiles *profiles)
{
  struct hd_input *input;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_sink sink = {take_profile, profiles};
  profiles->count = 0;
  assert_true(hd_input_open(path, NULL, &input, &error));
  assert_true(hd_input_compressed(input));
  struct hd_stream *stream = hd_input_stream(input);
  assert_true(hd_stream_peek(stream, HD_PROBE_BYTES, &error));
  const struct hd_reader *reader = hd_reader_probe(stream->data, stream->length);
  assert_string_equal(reader->name, "heaptrack");
  if (!reader->read(stream, &sink, &error))
    fail_msg("%s: line %ld: %s", path, (long)error.line, error.text);
  hd_input_close(input);
}

static void expect_totals(const struct hd_profile *profile, double bytes, double objects,
                          double allocations)
{
  assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == bytes);
  assert_true(hd_profile_total(profile, HD_INUSE_OBJECTS) == objects);
  assert_true(hd_profile_total(profile, HD_ALLOC_OBJECTS) == allocations);
  assert_int_equal(profile->bad_rows, 0);
}

static const char *peak_of(const struct hd_profile *profile)
{
  return hd_strings_text(&profile->strings, profile->comments.items[0]);
}

/* The figures are heaptrack_print's of the same files. */
static void a_service(void **state)
{
  (void)state;
  struct profiles profiles;
  read_recording(TESTDATA "/heaptrack/service.zst", &profiles);
  assert_int_equal(profiles.count, 11);
  const struct hd_profile *last = profiles.items[profiles.count - 1];
  expect_totals(last, 10548368, 18553, 30581);
  assert_true(strncmp(peak_of(last), "the most in use at once were 10621072 bytes", 43) == 0);
  assert_true(sum_at(last, HD_INUSE_OBJECTS, "service/cache.c", 52) == 6000);
  assert_true(sum_at(last, HD_INUSE_SPACE, "service/cache.c", 46) == 6000 * 32);
  drop_profiles(&profiles);
}

/* What the program counted itself (../dhat/containers.truth.json). */
static void containers(void **state)
{
  (void)state;
  static const struct {
    uint32_t line;
    double bytes, objects;
  } sites[] = {{46, 24, 1}, {49, 524288, 1},    {55, 32, 1},       {58, 1966081, 1},
               {64, 48, 1}, {67, 144000, 3000}, {74, 56, 1},       {77, 112696, 3001},
               {87, 24, 1}, {89, 16000, 1},     {92, 80000, 1000}, {38, 44800, 700}};
  struct profiles profiles;
  read_recording(TESTDATA "/heaptrack/containers.zst", &profiles);
  const struct hd_profile *last = profiles.items[profiles.count - 1];
  expect_totals(last, 2892145, 7710, 27748);
  for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
    assert_true(sum_at(last, HD_INUSE_SPACE, "containers.cc", sites[i].line) == sites[i].bytes);
    assert_true(sum_at(last, HD_INUSE_OBJECTS, "containers.cc", sites[i].line) == sites[i].objects);
  }
  drop_profiles(&profiles);
}

static void a_raw_file(void **state)
{
  (void)state;
  struct profiles profiles;
  read_recording(TESTDATA "/heaptrack/raw.gz", &profiles);
  const struct hd_profile *last = profiles.items[profiles.count - 1];
  expect_totals(last, 3831632, 4129, 6531);
  bool found = false;
  for (size_t i = 0; i < last->modules.count; i++)
    found |= strcmp(hd_strings_text(&last->strings, last->modules.items[i].path),
                    "/opt/service/leaky-service") == 0;
  assert_true(found);
  drop_profiles(&profiles);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_interpreted_recording),
      cmocka_unit_test(what_it_says_of_itself),
      cmocka_unit_test(a_raw_recording),
      cmocka_unit_test(many_blocks),
      cmocka_unit_test(older_formats),
      cmocka_unit_test(who_it_is),
      cmocka_unit_test(a_command_of_many_lines),
      cmocka_unit_test(the_series_is_thinned),
      cmocka_unit_test(a_broad_series_is_thinned_more),
      cmocka_unit_test(a_service),
      cmocka_unit_test(containers),
      cmocka_unit_test(a_raw_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
