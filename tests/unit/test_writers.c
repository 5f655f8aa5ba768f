/* What is written and read again is the same, also where it is hostile. */
#include "base/alloc.h"
#include "base/stream.h"
#include "readers/reader.h"
#include "writers/pprof_encode.h"
#include "writers/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

struct sink {
  struct hd_buffer bytes;
  size_t room; /* most that it takes, 0 no limit */
};

static bool take_bytes(void *context, const void *data, size_t length, struct hd_error *error)
{
  struct sink *sink = context;
  if (sink->room && sink->bytes.length + length > sink->room)
    return hd_fail_internal(error, "full");
  hd_buffer_append(&sink->bytes, data, length);
  return !sink->bytes.failed || hd_fail_memory(error);
}

static const char *as_it_is(struct hd_arena *arena, const char *name)
{
  return hd_arena_copy(arena, name, strlen(name));
}

static bool write_to(struct sink *sink, const struct hd_profile *profile, const char *format,
                     bool gzip, struct hd_buffer *lost, struct hd_error *error)
{
  struct hd_output output = {.take = take_bytes, .context = sink};
  struct hd_write_options options = {HD_INUSE_SPACE, as_it_is};
  bool fine = (!gzip || hd_output_compress(&output, error)) &&
              hd_writer_find(format)->write(profile, &options, &output, lost, error) &&
              hd_output_end(&output, error);
  hd_output_deinit(&output);
  return fine;
}

static bool keep(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)error;
  *(struct hd_profile **)context = profile;
  return true;
}

/* Writes a profile and reads it again by the reader of the same name. */
static struct hd_profile *again(const struct hd_profile *profile, const char *format,
                                struct hd_buffer *lost)
{
  struct hd_error error = HD_ERROR_INIT;
  struct sink sink = {0};
  if (!write_to(&sink, profile, format, false, lost, &error))
    fail_msg("%s", error.text);
  size_t shown = sink.bytes.length < HD_PROBE_BYTES ? sink.bytes.length : HD_PROBE_BYTES;
  const struct hd_reader *reader = hd_reader_probe((const uint8_t *)sink.bytes.data, shown);
  assert_ptr_equal(reader, hd_reader_find(format));
  struct hd_stream stream = hd_stream_of(sink.bytes.data, sink.bytes.length);
  struct hd_profile *made = NULL;
  struct hd_sink taker = {keep, &made};
  if (!reader->read(&stream, &taker, &error))
    fail_msg("%s: %s at line %d, byte %d", format, error.text, (int)error.line, (int)error.offset);
  hd_buffer_deinit(&sink.bytes);
  return made;
}

/* --- a profile with all that is difficult -------------------------------------------- */

static uint32_t string_id(struct hd_profile *profile, const char *text, size_t length)
{
  uint32_t id;
  assert_true(hd_profile_string(profile, text, length, &id, NULL));
  return id;
}

#define STRING(profile, text) string_id(profile, text, sizeof(text) - 1)

static void add_modules(struct hd_profile *profile)
{
  const struct hd_module modules[] = {
      {STRING(profile, "/bin/a"), STRING(profile, "c0ffee"), 0x401000, 0x402000, 0x1000, false},
      {STRING(profile, "/nowhere/mapped"), 0, 0, 0, 0, false},
      {STRING(profile, "[vsyscall]"), 0, 0xffffffffff600000, 0xffffffffff601000, 0, false},
      {STRING(profile, "/the/wrong/way"), 0, 0x9000, 0x8000, 0x40, false},
  };
  for (size_t i = 0; i < 4; i++) {
    uint32_t id;
    assert_true(hd_profile_add_module(profile, modules[i], &id, NULL));
    assert_int_equal(id, i + 1);
  }
}

static const struct {
  uint32_t module, frames;
  uint64_t offset;
} places[] = {
    {1, 2, 0x1234}, {1, 0, 0x1fff},           {1, 0, 0x55},   {1, 1, 0x88000},
    {2, 0, 0x77},   {2, 1, 0x4000000000},     {3, 0, 0xabc},  {4, 0, 0x8100},
    {4, 1, 0},      {0, 0, 0xffffffffffff},   {0, 1, 0x9999}, {0, 0, 0xfffffffffffffff0},
};
enum { PLACES = sizeof places / sizeof *places };

static void add_locations(struct hd_profile *profile)
{
  const struct hd_frame frames[] = {
      {STRING(profile, "in;line \"quoted\\\"\n\t\x01"), 0, STRING(profile, "a.c"), 7, 3},
      {STRING(profile, "na\xc3\xafve \xf0\x9f\x90\x9b"), 0, STRING(profile, "a.c"), 9, 8},
  };
  for (size_t i = 0; i < PLACES; i++) {
    uint32_t id;
    assert_true(hd_profile_add_location(profile, places[i].module, places[i].offset, frames,
                                        places[i].frames, false, &id, NULL));
  }
}

static void add_record(struct hd_profile *profile, uint32_t labels, size_t depth, double space,
                       double objects)
{
  uint32_t stack, all[PLACES];
  for (size_t i = 0; i < PLACES; i++)
    all[i] = (uint32_t)i + 1;
  assert_true(hd_profile_add_stack(profile, all, depth, depth == 3, &stack, NULL));
  struct hd_record record = {
      .stack = stack, .labels = labels, .size = depth * 8, .rate = 1, .weight = 1};
  double values[HD_MEASURES] = {[HD_INUSE_SPACE] = space, [HD_INUSE_OBJECTS] = objects};
  assert_true(hd_profile_add_record(profile, record, values, NULL));
}

static uint32_t add_labels(struct hd_profile *profile)
{
  const struct hd_label labels[] = {
      {STRING(profile, "key"), STRING(profile, "text"), 0, 0},
      {STRING(profile, "number"), 0, -5, 0},
  };
  uint32_t id;
  assert_true(hd_profile_add_labels(profile, labels, 2, &id, NULL));
  return id;
}

static struct hd_profile *make_profile(void)
{
  struct hd_profile *profile;
  assert_true(hd_profile_create(&profile, NULL));
  profile->meta.rate = 1;
  profile->meta.kind = "heap";
  profile->meta.program = "/bin/a";
  profile->meta.time_ns = 1700000000000000001;
  hd_profile_declare(profile, HD_INUSE_SPACE);
  hd_profile_declare(profile, HD_INUSE_OBJECTS);
  add_modules(profile);
  add_locations(profile);
  add_record(profile, 0, 0, 12, 3);
  add_record(profile, add_labels(profile), PLACES, 960, 10);
  for (int i = 0; i < 600; i++)
    add_record(profile, 0, 3, i % 7 ? 48 : 7777, 2);
  assert_true(hd_profile_add_age(profile, (struct hd_age){2, 3, 1}, NULL));
  assert_true(hd_profile_add_age(profile, (struct hd_age){2, 9, 2}, NULL));
  hd_profile_freeze(profile);
  return profile;
}

static const char *text(const struct hd_profile *profile, uint32_t id)
{
  return hd_strings_text(&profile->strings, id);
}

static void same_frames(const struct hd_profile *a, const struct hd_profile *b)
{
  assert_int_equal(a->locations.count, b->locations.count);
  for (size_t i = 0; i < a->locations.count; i++) {
    const struct hd_location *x = &a->locations.items[i], *y = &b->locations.items[i];
    assert_int_equal(x->offset, y->offset);
    assert_int_equal(x->frame_count, y->frame_count);
    assert_int_equal(!x->module, !y->module);
    if (x->module)
      assert_string_equal(text(a, a->modules.items[x->module - 1].path),
                          text(b, b->modules.items[y->module - 1].path));
    for (uint32_t k = 0; k < x->frame_count; k++) {
      const struct hd_frame *f = &a->frames.items[x->first_frame + k];
      const struct hd_frame *g = &b->frames.items[y->first_frame + k];
      assert_string_equal(text(a, f->function), text(b, g->function));
      assert_string_equal(text(a, f->file), text(b, g->file));
      assert_int_equal(f->line, g->line);
      assert_int_equal(f->start_line, g->start_line);
    }
  }
}

static void same_labels(const struct hd_profile *a, const struct hd_profile *b, size_t record)
{
  uint32_t x = a->records.items[record].labels, y = b->records.items[record].labels;
  assert_int_equal(!x, !y);
  struct hd_span s = x ? a->label_sets.items[x - 1] : (struct hd_span){0};
  struct hd_span t = y ? b->label_sets.items[y - 1] : (struct hd_span){0};
  assert_int_equal(s.count, t.count);
  for (uint32_t i = 0; i < s.count; i++) {
    const struct hd_label *l = &a->labels.items[s.first + i], *m = &b->labels.items[t.first + i];
    assert_string_equal(text(a, l->key), text(b, m->key));
    assert_string_equal(text(a, l->text), text(b, m->text));
    assert_int_equal(l->number, m->number);
  }
}

static void same_records(const struct hd_profile *a, const struct hd_profile *b)
{
  assert_int_equal(a->records.count, b->records.count);
  for (size_t i = 0; i < a->records.count; i++) {
    assert_int_equal(a->records.items[i].rate, b->records.items[i].rate);
    if (a->records.items[i].size)
      assert_int_equal(a->records.items[i].size, b->records.items[i].size);
    for (int m = 0; m < HD_MEASURES; m++) {
      assert_int_equal(a->has[m], b->has[m]);
      assert_true(hd_profile_value(a, i, (enum hd_measure)m) <=
                      hd_profile_value(b, i, (enum hd_measure)m) &&
                  hd_profile_value(a, i, (enum hd_measure)m) >=
                      hd_profile_value(b, i, (enum hd_measure)m));
    }
    uint32_t x = a->records.items[i].stack, y = b->records.items[i].stack;
    assert_int_equal(!x, !y);
    assert_int_equal(x ? a->stacks.items[x - 1].count : 0, y ? b->stacks.items[y - 1].count : 0);
    same_labels(a, b, i);
  }
}

static void test_pprof(void **state)
{
  (void)state;
  struct hd_buffer lost = HD_BUFFER_INIT;
  struct hd_profile *profile = make_profile(), *made = again(profile, "pprof", &lost);
  same_frames(profile, made);
  same_records(profile, made);
  assert_string_equal(made->meta.program, "/bin/a");
  assert_int_equal(made->meta.time_ns, profile->meta.time_ns);
  assert_int_equal(made->meta.rate, 1);
  assert_string_equal(text(made, made->modules.items[0].build_id), "c0ffee");
  assert_string_equal(hd_buffer_text(&lost), "ages of objects, which stacks are cut");
  hd_buffer_deinit(&lost);
  hd_profile_destroy(made);
  hd_profile_destroy(profile);
}

static void test_native(void **state)
{
  (void)state;
  struct hd_buffer lost = HD_BUFFER_INIT;
  struct hd_profile *profile = make_profile(), *made = again(profile, "native", &lost);
  same_frames(profile, made);
  same_records(profile, made);
  assert_string_equal(hd_buffer_text(&lost), "");
  assert_int_equal(made->ages.count, 2);
  assert_int_equal(made->ages.items[1].record, 2);
  assert_int_equal(made->ages.items[1].log2, 9);
  assert_false(made->stack_truncated.items[0]);
  assert_true(made->stack_truncated.items[1]);
  assert_int_equal(made->modules.items[0].start, 0x401000);
  assert_int_equal(made->modules.items[0].limit, 0x402000);
  hd_profile_destroy(made);
  hd_profile_destroy(profile);
}

/* Texts that JSON cannot hold, labels that an object cannot, and more. */
static void test_native_losses(void **state)
{
  (void)state;
  struct hd_profile *profile = make_profile();
  struct hd_buffer lost = HD_BUFFER_INIT;
  static const char bad[] = "\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82 a\0b";
  struct hd_frame frame = {.function = string_id(profile, bad, sizeof bad - 1), .line = UINT32_MAX};
  const struct hd_label labels[] = {
      {STRING(profile, "twice"), STRING(profile, "one"), 0, 0},
      {STRING(profile, "twice"), STRING(profile, "two"), 0, 0},
      {STRING(profile, "\xfe"), STRING(profile, "odd"), 0, 0},
      {STRING(profile, "\xff"), STRING(profile, "odd"), 0, 0},
      {STRING(profile, "unit"), 0, 5, STRING(profile, "ms")},
  };
  uint32_t id, set;
  assert_true(hd_profile_add_location(profile, 1, UINT64_MAX, &frame, 1, false, &id, NULL));
  assert_true(hd_profile_add_labels(profile, labels, 5, &set, NULL));
  profile->meta.rate = 0;
  add_record(profile, set, 2, 5.25, .5);
  struct hd_profile *made = again(profile, "native", &lost);
  assert_string_equal(hd_buffer_text(&lost),
                      "that the sampling rate is unknown (1 is written), 4 labels or units of "
                      "labels, 1 addresses' modules, 13 bytes of text that are not UTF-8, "
                      "fractions of estimates (values are rounded, the totals kept)");
  const struct hd_location *last = &made->locations.items[made->locations.count - 1];
  assert_string_equal(text(made, made->frames.items[last->first_frame].function),
                      "???????????? a?b");
  hd_buffer_deinit(&lost);
  hd_profile_destroy(made);
  hd_profile_destroy(profile);
}

static void test_folded(void **state)
{
  (void)state;
  struct hd_profile *profile = make_profile();
  struct hd_buffer lost = HD_BUFFER_INIT;
  struct sink sink = {0};
  assert_true(write_to(&sink, profile, "folded", false, &lost, NULL));
  const char *line = strstr(sink.bytes.data, "a+0x55;a+0x1fff;na\xc3\xafve");
  assert_non_null(line);
  assert_true(strncmp(sink.bytes.data, "[no stack] 12\n", 14) == 0);
  /* 86 of the 600 have 7777 bytes. */
  assert_non_null(strstr(line, ";in:line \"quoted\\\"    693494\n"));
  assert_string_equal(hd_buffer_text(&lost), "anything but function names and inuse_space");
  hd_buffer_deinit(&lost);
  hd_buffer_deinit(&sink.bytes);
  hd_profile_destroy(profile);
}

/* Sums are kept to less than one, whole values as they are. */
static void test_round(void **state)
{
  (void)state;
  struct hd_rounding rounding = {0};
  int64_t sum = 0;
  for (int i = 0; i < 1000; i++) {
    sum += hd_round(&rounding, HD_INUSE_SPACE, 1.3);
    assert_int_equal(hd_round(&rounding, HD_INUSE_SPACE, -7), -7);
    assert_int_equal(hd_round(&rounding, HD_INUSE_OBJECTS, 5), 5);
  }
  assert_int_equal(sum, 1300);
  assert_true(rounding.rounded);
}

static void test_encode(void **state)
{
  (void)state;
  struct hd_buffer out = HD_BUFFER_INIT;
  hd_encode_number(&out, 1, 0);
  hd_encode_number(&out, 1, 300);
  hd_encode_bytes(&out, 16, "ab", 2);
  hd_encode_varint(&out, UINT64_MAX);
  static const char wanted[] = "\x08\xac\x02\x82\x01\x02"
                               "ab\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  assert_int_equal(out.length, sizeof wanted - 1);
  assert_memory_equal(out.data, wanted, sizeof wanted - 1);
  hd_buffer_deinit(&out);
}

/* --- what fails ------------------------------------------------------------------------ */

static const char *const formats[] = {"native", "pprof", "folded"};

static void test_full(void **state)
{
  (void)state;
  struct hd_profile *profile = make_profile();
  for (size_t i = 0; i < 6; i++) {
    struct hd_error error = HD_ERROR_INIT;
    struct hd_buffer lost = HD_BUFFER_INIT;
    struct sink sink = {.room = 100};
    assert_false(write_to(&sink, profile, formats[i / 2], i % 2, &lost, &error));
    assert_string_equal(error.text, "full");
    hd_buffer_deinit(&lost);
    hd_buffer_deinit(&sink.bytes);
  }
  hd_profile_destroy(profile);
}

static size_t allowed;

static bool allow(void)
{
  return allowed && allowed--;
}

static void test_short_memory(void **state)
{
  (void)state;
  struct hd_profile *profile = make_profile();
  for (size_t i = 0; i < 3; i++) {
    bool fine = false;
    for (size_t n = 0; !fine; n++) {
      struct hd_error error = HD_ERROR_INIT;
      struct hd_buffer lost = HD_BUFFER_INIT;
      struct sink sink = {0};
      allowed = n;
      hd_alloc_set_hook(allow);
      fine = write_to(&sink, profile, formats[i], true, &lost, &error) && !lost.failed;
      hd_alloc_set_hook(NULL);
      if (!fine && !lost.failed)
        assert_int_equal(error.kind, HD_ERROR_INTERNAL);
      assert_true(n < 100000);
      hd_buffer_deinit(&lost);
      hd_buffer_deinit(&sink.bytes);
    }
  }
  hd_profile_destroy(profile);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pprof),  cmocka_unit_test(test_native),
      cmocka_unit_test(test_native_losses), cmocka_unit_test(test_folded),
      cmocka_unit_test(test_round),  cmocka_unit_test(test_encode),
      cmocka_unit_test(test_full),   cmocka_unit_test(test_short_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
