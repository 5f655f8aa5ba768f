/* What the pprof reader makes of profiles written by hand: each field, each
 * choice that profile.proto leaves to a reader. */
#include "unit/pprof_builder.h"

#include "base/cursor.h"

#include <math.h>

static void test_every_field(void **state)
{
  (void)state;
  put_heap_types(&file, &table, 524288);
  SAMPLE(&file, 3, 3000, 2, 1);
  ROW(&file, 3, 1, 0x400000, 0x500000, 0x1000, S("/usr/bin/server"), S("ABCDEF01"), 1, 1, 1, 1);
  LOCATION(&file, 1, 1, 0x400010, 1);
  LOCATION(&file, 2, 1, 0x400020, 3, 2);
  function(1, "main", "");
  function(2, "outer", "outer");
  function(3, "Inner<int>", "_Z5InnerIiE");
  put_int(&file, 9, 1700000000000000000);
  put_int(&file, 10, 5000000000);
  put_int(&file, 13, S("first"));
  put_int(&file, 13, S("second"));
  put_int(&file, 14, S("inuse_objects"));
  put_int(&file, 15, S("https://example.org"));

  struct hd_profile *profile = finish();
  const struct hd_meta *meta = &profile->meta;
  assert_string_equal(meta->format, "pprof");
  assert_string_equal(meta->kind, "heap");
  assert_string_equal(meta->program, "/usr/bin/server");
  assert_string_equal(meta->default_measure, "inuse_objects");
  assert_true(meta->time_ns == 1700000000000000000 && meta->duration_ns == 5000000000);
  assert_true(meta->rate == 524288 && meta->sequence == -1);
  assert_int_equal(profile->comments.count, 2);
  assert_string_equal(text_of(profile, profile->comments.items[1]), "second");

  assert_int_equal(profile->modules.count, 1);
  const struct hd_module *module = &profile->modules.items[0];
  assert_string_equal(text_of(profile, module->build_id), "abcdef01");
  assert_string_equal(text_of(profile, module->path), "/usr/bin/server");
  assert_true(module->start == 0x400000 && module->limit == 0x500000 && module->offset == 0x1000);

  assert_int_equal(profile->locations.count, 2);
  assert_true(profile->locations.items[1].module == 1);
  assert_true(profile->locations.items[1].offset == 0x1020);
  assert_string_equal(stack_text(profile, 0), "Inner<int><outer main");
  const struct hd_frame *inner = &profile->frames.items[profile->locations.items[1].first_frame];
  assert_string_equal(text_of(profile, inner->system_name), "_Z5InnerIiE");
  assert_string_equal(text_of(profile, inner->file), "/src/a.c");
  assert_true(inner->line == 30 && inner->start_line == 21);
  assert_int_equal(inner[1].system_name, 0); /* the same as its name */

  assert_true(profile->has[HD_INUSE_SPACE] && profile->has[HD_INUSE_OBJECTS]);
  assert_false(profile->has[HD_ALLOC_SPACE]);
  assert_true(hd_profile_value(profile, 0, HD_INUSE_SPACE) == 3000);
  assert_true(hd_profile_value(profile, 0, HD_INUSE_OBJECTS) == 3);
  assert_int_equal(profile->negative_values, 0);
  hd_profile_destroy(profile);
}

static void test_strings_first_and_unpacked(void **state)
{
  (void)state;
  static struct message sample;
  sample.length = 0;
  const char *const texts[] = {"", "space", "bytes", "f"};
  for (size_t i = 0; i < 4; i++)
    put_text(&file, 6, texts[i]);
  put_int(&sample, 2, 77); /* values before locations, none packed */
  put_int(&sample, 1, 2);
  put_int(&sample, 1, 1);
  put_int(&sample, 1, 1);
  put_message(&file, 2, &sample);
  ROW(&file, 5, 5, 3);
  LOCATION(&file, 1, 0, 0x10, 5);
  LOCATION(&file, 2, 0, 0x20, 5);
  ROW(&file, 1, 1, 2);
  struct hd_profile *profile = finish();
  assert_string_equal(stack_text(profile, 0), "f f f");
  assert_true(hd_profile_value(profile, 0, HD_INUSE_SPACE) == 77);
  assert_false(profile->has[HD_INUSE_OBJECTS]);
  assert_true(profile->meta.rate == 0 && profile->records.items[0].size == 0);
  assert_true(profile->records.items[0].weight == 1);
  assert_null(profile->meta.default_measure);
  assert_null(profile->meta.program);
  hd_profile_destroy(profile);
}

/* tcmalloc's own writer: short names, and measures that heapdiff does not have. */
static void test_sample_types_by_name(void **state)
{
  (void)state;
  static struct message sample;
  sample.length = 0;
  ROW(&file, 1, S("resident_space"), S("bytes"));
  ROW(&file, 1, S("objects"), S("count"));
  ROW(&file, 1, S("alloc_space"), S("bytes"));
  ROW(&file, 1, S("space"), S("bytes"));
  put_packed(&sample, 2, (const uint64_t[]){1, 2, 300, 40}, 4);
  put_message(&file, 2, &sample);
  put_int(&file, 14, S("space"));
  struct hd_profile *profile = finish();
  assert_true(hd_profile_value(profile, 0, HD_INUSE_OBJECTS) == 2);
  assert_true(hd_profile_value(profile, 0, HD_INUSE_SPACE) == 40);
  assert_true(hd_profile_value(profile, 0, HD_ALLOC_SPACE) == 300);
  assert_false(profile->has[HD_ALLOC_OBJECTS]);
  assert_int_equal(profile->records.items[0].stack, 0);
  assert_true(profile->records.items[0].size == 20);
  assert_string_equal(profile->meta.default_measure, "inuse_space");
  hd_profile_destroy(profile);
}

static void test_other_kinds_are_named(void **state)
{
  static const struct {
    const char *types[4], *message, *kind;
  } cases[] = {
      {{"samples", "count", "cpu", "nanoseconds"},
       "this is a CPU profile (samples/count, cpu/nanoseconds): it counts time; heapdiff compares "
       "memory and goroutines: fetch /debug/pprof/heap or /debug/pprof/goroutine",
       "cpu"},
      {{"contentions", "count", "delay", "nanoseconds"}, "a mutex or block profile", "contention"},
      {{"bananas\n", "kg"}, "a profile of something else (bananas?/kg)", "other"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(state);
    for (size_t k = 0; k < 4 && cases[i].types[k]; k += 2)
      ROW(&file, 1, S(cases[i].types[k]), S(cases[i].types[k + 1]));
    refused(cases[i].message);
    /* To sort out a directory they are fine. */
    struct hd_profile *profile;
    struct hd_error error = HD_ERROR_INIT;
    struct hd_stream stream = hd_stream_of(file.data, file.length);
    assert_true(hd_profile_create(&profile, &error));
    assert_true(hd_reader_pprof.peek(&stream, profile, &error));
    assert_string_equal(profile->meta.kind, cases[i].kind);
    hd_profile_destroy(profile);
  }
}

/* What Go calls what it counts. */
static void test_counts(void **state)
{
  static const struct {
    const char *type, *kind;
    enum hd_measure measure;
  } cases[] = {
      {"goroutine", "goroutine", HD_GOROUTINES},
      {"goroutines", "goroutine", HD_GOROUTINES},
      {"goroutineleak", "goroutineleak", HD_GOROUTINES},
      {"threadcreate", "threadcreate", HD_THREADS},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(state);
    ROW(&file, 1, S(cases[i].type), S("count"));
    static struct message sample;
    sample.length = 0;
    put_packed(&sample, 2, (const uint64_t[]){7}, 1);
    put_message(&file, 2, &sample);
    struct hd_profile *profile = finish();
    assert_string_equal(profile->meta.kind, cases[i].kind);
    assert_true(hd_profile_total(profile, cases[i].measure) == 7);
    hd_profile_destroy(profile);
  }
}

static void test_peek(void **state)
{
  (void)state;
  struct hd_profile *profile;
  struct hd_error error = HD_ERROR_INIT;
  put_heap_types(&file, &table, 1);
  put_int(&file, 9, 1234);
  ROW(&file, 3, 9, 0, 0, 0, S("/bin/x"));
  SAMPLE(&file, 1, 1, 55); /* no such location: a full read would refuse */
  put_strings(&file, &table);
  struct hd_stream stream = hd_stream_of(file.data, file.length);
  assert_true(hd_profile_create(&profile, &error));
  assert_true(hd_reader_pprof.peek(&stream, profile, &error));
  assert_string_equal(profile->meta.kind, "heap");
  assert_string_equal(profile->meta.program, "/bin/x");
  assert_true(profile->meta.time_ns == 1234 && profile->meta.rate == 1);
  assert_int_equal(profile->records.count, 0);
  hd_profile_destroy(profile);
}

/* Writes a sample of 5 objects in 1000 bytes with the labels put in `labels`. */
static void labelled(const struct message *labels)
{
  static struct message sample;
  sample.length = 0;
  put_packed(&sample, 2, (const uint64_t[]){5, 1000}, 2);
  memcpy(sample.data + sample.length, labels->data, labels->length);
  sample.length += labels->length;
  put_message(&file, 2, &sample);
}

static void test_labels(void **state)
{
  (void)state;
  static struct message labels;
  put_heap_types(&file, &table, 1000);
  labels.length = 0; /* size, text, number with a unit; nothing under "empty" */
  ROW(&labels, 3, S("bytes"), 0, 512, S("bytes"));
  ROW(&labels, 3, S("thread"), S("worker"));
  ROW(&labels, 3, S("request"), 0, 500, S("bytes"));
  ROW(&labels, 3, S("empty"));
  labelled(&labels);
  labels.length = 0; /* the same in another order, one twice; size to be rounded */
  ROW(&labels, 3, S("request"), 0, 500, S("bytes"));
  ROW(&labels, 3, S("thread"), S("worker"));
  ROW(&labels, 3, S("request"), 0, 500, S("bytes"));
  labelled(&labels);
  labels.length = 0; /* "bytes" as a text is a label like any other */
  ROW(&labels, 3, S("bytes"), S("many"));
  ROW(&labels, 3, S("bytes"), 0, (uint64_t)-5);
  labelled(&labels);
  struct hd_profile *profile = finish();
  const struct hd_record *records = profile->records.items;
  assert_true(records[0].size == 512 && records[1].size == 200 && records[2].size == 200);
  assert_true(records[0].rate == 1000);
  assert_true(fabs(records[0].weight - 1 / (1 - exp(-.512))) < 1e-12);
  assert_true(fabs(records[1].weight - 1 / (1 - exp(-.2))) < 1e-12);
  assert_int_equal(profile->label_sets.count, 2);
  assert_true(records[0].labels == 1 && records[1].labels == 1 && records[2].labels == 2);
  struct hd_span set = profile->label_sets.items[0];
  assert_int_equal(set.count, 2);
  const struct hd_label *label = &profile->labels.items[set.first];
  assert_string_equal(text_of(profile, label[0].key), "request");
  assert_true(label[0].number == 500 && !label[0].text);
  assert_string_equal(text_of(profile, label[0].unit), "bytes");
  assert_string_equal(text_of(profile, label[1].text), "worker");
  assert_int_equal(profile->label_sets.items[1].count, 1);
  hd_profile_destroy(profile);
}

static void test_negative_and_equal_stacks(void **state)
{
  (void)state;
  put_heap_types(&file, &table, 100);
  put_location(&file, 1, 0, 1, NULL, 0);
  SAMPLE(&file, -2, -200, 1);
  SAMPLE(&file, 4, 100, 1);
  SAMPLE(&file, 0, 0, 1); /* says nothing: no record */
  struct hd_profile *profile = finish();
  assert_int_equal(profile->negative_values, 1);
  assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == -100);
  assert_int_equal(profile->stacks.count, 1);
  assert_int_equal(profile->records.count, 2);
  assert_true(profile->records.items[0].size == 0 && profile->records.items[0].weight == 1);
  assert_true(profile->records.items[1].size == 25 && profile->records.items[1].weight > 4);
  hd_profile_destroy(profile);
}

static void test_unknown_fields_are_skipped(void **state)
{
  (void)state;
  static struct message location;
  location.length = 0;
  put_heap_types(&file, &table, 1);
  put_int(&file, 99, 5);
  put_bytes(&file, 1000, "\xff\xff\xff", 3);
  put_bytes(&file, 0xfffff, "", 0);
  put_varint(&file, 77 << 3 | HD_WIRE_FIXED32);
  memset(file.data + file.length, 0xff, 4);
  file.length += 4;
  put_int(&location, 1, 1);
  put_bytes(&location, 50, "x", 1);
  put_varint(&location, 51 << 3 | HD_WIRE_FIXED64);
  memset(location.data + location.length, 0xff, 8);
  location.length += 8;
  put_message(&file, 4, &location);
  SAMPLE(&file, 1, 2, 1);
  struct hd_profile *profile = finish();
  assert_int_equal(profile->records.count, 1);
  hd_profile_destroy(profile);
}

static void test_probe(void **state)
{
  (void)state;
  put_heap_types(&file, &table, 524288);
  SAMPLE(&file, 3, 3000, 1);
  LOCATION(&file, 1, 0, 1, 1);
  function(1, "f", "g");
  put_strings(&file, &table);
  for (size_t length = 3; length <= file.length; length++)
    assert_true(hd_reader_pprof.probe(file.data, length) >= HD_PROBE_LIKELY);
  static const char *const others[] = {
      "",
      "{\"heapdiff\":1,\"kind\":\"heap\"}\n",
      "heap profile: 1: 2 [3: 4] @ heap/1048576\n1: 2 [3: 4] @ 0x1\n",
      "\n\nheap_v2/524288\n",
      "\"((((((((((((((((((((((((((((((((((((((((((((((((((",
      "desc: --massif\ncmd: ./a\ntime_unit: i\n",
      "2222222222222222222222222222",
      "\x7f"
      "ELF\x02\x01\x01",
      "\x1f\x8b\x08\x00\x01\x02",
      "\x28\xb5\x2f\xfd\x04\x10",
      "PK\x03\x04\x14\x01",
      "8\x01@\x02", /* only numbers: drop_frames and keep_frames */
      "2\x03"
      "abc\x0a\x01", /* a first string that is not empty */
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_int_equal(hd_reader_pprof.probe((const uint8_t *)others[i], strlen(others[i])), 0);
  /* Random bytes: not one in a thousand windows. */
  uint64_t random = 88172645463325252ull;
  unsigned taken = 0;
  for (unsigned round = 0; round < 2000; round++) {
    uint8_t noise[256];
    for (size_t i = 0; i < sizeof noise; i++) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      noise[i] = (uint8_t)(random >> 32);
    }
    taken += hd_reader_pprof.probe(noise, sizeof noise) != 0;
  }
  assert_true(taken <= 2);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_every_field),
      TEST(test_strings_first_and_unpacked),
      TEST(test_sample_types_by_name),
      TEST(test_other_kinds_are_named),
      TEST(test_counts),
      TEST(test_peek),
      TEST(test_labels),
      TEST(test_negative_and_equal_stacks),
      TEST(test_unknown_fields_are_skipped),
      TEST(test_probe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
