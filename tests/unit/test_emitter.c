/* The example of heapdiff-snapshot(5): that it is the program in testdata, that it
 * compiles as the page prints it, and that what it writes is read back. */
#include "support/scratch.h"

#include "base/buffer.h"
#include "input/open.h"
#include "readers/reader.h"

#define PAGE SOURCE_DIR "/man/heapdiff-snapshot.5"

/* The literal block of the page's EXAMPLE section, with roff's escapes undone. */
static void extract(struct hd_buffer *out)
{
  size_t size;
  char *page = read_bytes(PAGE, &size);
  const char *at = strstr(page, "\n.SH EXAMPLE\n");
  assert_non_null(at);
  at = strstr(at, "\n.nf\n");
  assert_non_null(at);
  const char *end = strstr(at += 5, "\n.fi\n");
  assert_non_null(end);
  for (; at <= end; at++) {
    if (*at == '\\')
      hd_buffer_append(out, *++at == 'e' ? "\\" : at, 1);
    else
      hd_buffer_append(out, at, 1);
  }
  free(page);
}

static void test_the_page_has_the_program(void **state)
{
  (void)state;
  size_t size;
  struct hd_buffer text = HD_BUFFER_INIT;
  extract(&text);
  char *program = read_bytes(TESTDATA "/programs/emitter.c", &size);
  assert_string_equal(hd_buffer_text(&text), program);
  free(program);
  hd_buffer_deinit(&text);
}

static bool take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)error;
  *(struct hd_profile **)context = profile;
  return true;
}

static void read_back(const char *path)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_input_options options = {0};
  struct hd_input *input = NULL;
  struct hd_profile *profile = NULL;
  struct hd_sink sink = {take, &profile};
  assert_true(hd_input_open(path, &options, &input, &error));
  struct hd_stream *stream = hd_input_stream(input);
  assert_true(hd_stream_peek(stream, HD_PROBE_BYTES, &error));
  const struct hd_reader *reader = hd_reader_probe(stream->data, stream->length);
  assert_non_null(reader);
  if (!reader->read(stream, &sink, &error))
    fail_msg("line %ld: %s", (long)error.line, error.text);
  assert_non_null(profile);
  assert_int_equal(hd_profile_total(profile, HD_INUSE_SPACE), 65712128 + 4194304);
  assert_int_equal(hd_profile_total(profile, HD_INUSE_OBJECTS), 53567 + 128);
  assert_false(profile->has[HD_ALLOC_SPACE]);
  assert_string_equal(profile->meta.program, "server");
  assert_int_equal(profile->locations.count, 2);
  struct hd_frame frame = profile->frames.items[profile->locations.items[0].first_frame];
  assert_string_equal(hd_strings_text(&profile->strings, frame.function), "cache_put");
  assert_int_equal(frame.line, 118);
  hd_profile_destroy(profile);
  hd_input_close(input);
}

static void test_it_compiles_and_is_read_back(void **state)
{
  (void)state;
  char command[PATH_MAX];
  struct hd_buffer text = HD_BUFFER_INIT;
  extract(&text);
  write_text(in_scratch("emitter.c"), hd_buffer_text(&text), 0600);
  hd_buffer_deinit(&text);
  if (system("command -v cc >/dev/null") != 0)
    skip();
  snprintf(command, sizeof command,
           "cd %s && cc -std=c99 -Wall -Wextra -Werror -o emitter emitter.c && ./emitter > out",
           scratch);
  assert_int_equal(system(command), 0);
  read_back(in_scratch("out"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_the_page_has_the_program),
      TEST(test_it_compiles_and_is_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
