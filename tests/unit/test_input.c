/* input: plain files, compressed ones, their faults, directories. */
#include "base/buffer.h"
#include "input/open.h"
#include "input/source.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static char folder[64];

static char *path_of(const char *name)
{
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void write_file(const char *name, const void *data, size_t length)
{
  FILE *file = fopen(path_of(name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, length, file), length);
  fclose(file);
}

/* Appends a gzip member. */
static void gzip_file(const char *name, const char *mode, const void *data, size_t length)
{
  gzFile file = gzopen(path_of(name), mode);
  assert_non_null(file);
  assert_int_equal(gzwrite(file, data, (unsigned)length), (int)length);
  gzclose(file);
}

/* Appends a frame, with or without a checksum of what is in it. */
static void zstd_file(const char *name, const char *mode, const void *data, size_t length,
                      int checksum, int window)
{
  size_t room = ZSTD_compressBound(length);
  char *out = malloc(room);
  ZSTD_CCtx *context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, !window);
  ZSTD_inBuffer in = {data, length, 0};
  ZSTD_outBuffer step = {out, room, 0};
  /* Not in one go, which would shrink the window to the data. */
  while (in.pos < in.size)
    assert_false(ZSTD_isError(ZSTD_compressStream2(context, &step, &in, ZSTD_e_continue)));
  assert_int_equal(ZSTD_compressStream2(context, &step, &in, ZSTD_e_end), 0);
  FILE *file = fopen(path_of(name), mode);
  assert_non_null(file);
  assert_int_equal(fwrite(out, 1, step.pos, file), step.pos);
  fclose(file);
  ZSTD_freeCCtx(context);
  free(out);
}

/* Reads a whole file through the stream; the error's text where it fails. */
static bool slurp(const char *name, uint64_t limit, struct hd_buffer *out, struct hd_error *error)
{
  struct hd_input_options options = {.max_inflated = limit};
  struct hd_input *input;
  *error = (struct hd_error)HD_ERROR_INIT;
  if (!hd_input_open(path_of(name), &options, &input, error))
    return false;
  struct hd_stream *stream = hd_input_stream(input);
  bool fine = hd_stream_slurp(stream, error);
  if (fine && out)
    hd_buffer_append(out, (const char *)stream->data, stream->length);
  hd_input_close(input);
  return fine;
}

static void gzip_is_undone(void **state)
{
  (void)state;
  size_t length = 3000000;
  char *data = malloc(length);
  for (size_t i = 0; i < length; i++)
    data[i] = (char)(i * 2654435761u >> 13);
  gzip_file("a.gz", "wb", data, length / 2);
  gzip_file("a.gz", "ab", data + length / 2, length - length / 2); /* a second member */
  FILE *padded = fopen(path_of("a.gz"), "ab");
  fwrite("\0\0\0", 1, 3, padded); /* padding behind it */
  fclose(padded);
  struct hd_buffer out = HD_BUFFER_INIT;
  struct hd_error error;
  assert_true(slurp("a.gz", 0, &out, &error));
  assert_int_equal(out.length, length);
  assert_memory_equal(out.data, data, length);
  hd_buffer_deinit(&out);
  free(data);
}

static void truncation_is_seen_at_every_byte(void **state)
{
  (void)state;
  char text[2000];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)('a' + i * i % 26);
  gzip_file("t.gz", "wb", text, sizeof text);
  uint8_t whole[4096];
  FILE *file = fopen(path_of("t.gz"), "rb");
  size_t length = fread(whole, 1, sizeof whole, file);
  fclose(file);
  struct hd_error error;
  for (size_t cut = 2; cut < length; cut++) {
    write_file("cut.gz", whole, cut);
    assert_false(slurp("cut.gz", 0, NULL, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_non_null(strstr(error.text, "truncated"));
  }
  whole[length / 2] ^= 0xff;
  write_file("bad.gz", whole, length);
  assert_false(slurp("bad.gz", 0, NULL, &error));
  assert_non_null(strstr(error.text, "damaged"));
}

static void append_file(const char *name, const void *data, size_t length)
{
  FILE *file = fopen(path_of(name), "ab");
  assert_int_equal(fwrite(data, 1, length, file), length);
  fclose(file);
}

/* Frames, skippable ones at the start and between, padding behind. */
static void zstd_is_undone(void **state)
{
  (void)state;
  static const char skippable[] = "\x5a\x2a\x4d\x18\x03\0\0\0abc";
  size_t length = 3000000;
  char *data = malloc(length);
  for (size_t i = 0; i < length; i++)
    data[i] = (char)((i * 2654435761u >> 13) % (i / 100000 + 2));
  write_file("a.zst", skippable, sizeof skippable - 1);
  zstd_file("a.zst", "ab", data, length / 2, 1, 0);
  append_file("a.zst", skippable, sizeof skippable - 1);
  zstd_file("a.zst", "ab", "", 0, 0, 0);
  zstd_file("a.zst", "ab", data + length / 2, length - length / 2, 0, 0);
  append_file("a.zst", "\0\0\0", 3);
  struct hd_buffer out = HD_BUFFER_INIT;
  struct hd_error error;
  assert_true(slurp("a.zst", 0, &out, &error));
  assert_int_equal(out.length, length);
  assert_memory_equal(out.data, data, length);
  hd_buffer_deinit(&out);
  free(data);
}

static void faults_of_zstd(void **state)
{
  (void)state;
  char text[2000];
  uint8_t whole[4096];
  struct hd_error error;
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)('a' + i * i % 26);
  for (int checksum = 0; checksum < 2; checksum++) {
    zstd_file("t.zst", "wb", text, sizeof text, checksum, 0);
    FILE *file = fopen(path_of("t.zst"), "rb");
    size_t length = fread(whole, 1, sizeof whole, file);
    fclose(file);
    for (size_t cut = 4; cut < length; cut++) {
      write_file("cut.zst", whole, cut);
      assert_false(slurp("cut.zst", 0, NULL, &error));
      assert_int_equal(error.kind, HD_ERROR_INPUT);
      assert_int_equal(error.offset, cut);
      assert_string_equal(error.text, "the zstd data is truncated: the file is incomplete; fetch "
                                      "it again (--partial uses what comes before, where the "
                                      "format allows it)");
    }
    /* Part of another frame behind a whole one. */
    append_file("t.zst", whole, length / 2);
    assert_false(slurp("t.zst", 0, NULL, &error));
    assert_non_null(strstr(error.text, "truncated"));
  }
  zstd_file("bad.zst", "wb", text, sizeof text, 1, 0);
  append_file("bad.zst", "garbage", 7);
  assert_false(slurp("bad.zst", 0, NULL, &error));
  assert_non_null(strstr(error.text, "the zstd data is damaged ("));
  assert_true(error.offset > 0);
}

/* A checksum sees what decompression does not. */
static void damaged_zstd(void **state)
{
  (void)state;
  char text[300];
  uint8_t whole[512];
  struct hd_error error;
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)('a' + i * i * i % 26);
  zstd_file("d.zst", "wb", text, sizeof text, 1, 0);
  FILE *file = fopen(path_of("d.zst"), "rb");
  size_t length = fread(whole, 1, sizeof whole, file);
  fclose(file);
  for (size_t i = 4; i < length; i++) {
    struct hd_buffer out = HD_BUFFER_INIT;
    whole[i] ^= 0x10;
    write_file("flip.zst", whole, length);
    if (slurp("flip.zst", 1 << 20, &out, &error)) {
      assert_int_equal(out.length, sizeof text);
      assert_memory_equal(out.data, text, sizeof text);
    } else {
      assert_int_equal(error.kind, HD_ERROR_INPUT);
    }
    whole[i] ^= 0x10;
    hd_buffer_deinit(&out);
  }
}

/* What must look far back takes as much memory. */
static void a_wide_window_is_refused(void **state)
{
  (void)state;
  static char text[100000];
  struct hd_error error;
  zstd_file("wide.zst", "wb", text, sizeof text, 0, 27);
  assert_true(slurp("wide.zst", 0, NULL, &error));
  zstd_file("wide.zst", "wb", text, sizeof text, 0, 28);
  assert_false(slurp("wide.zst", 0, NULL, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  assert_non_null(strstr(error.text, "takes too much memory"));
}

static void a_bomb_is_refused(void **state)
{
  (void)state;
  size_t length = 20 << 20;
  char *zeros = calloc(1, length);
  gzip_file("bomb.gz", "wb9", zeros, length);
  zstd_file("bomb.zst", "wb", zeros, length, 0, 0);
  free(zeros);
  static const char *const bombs[] = {"bomb.gz", "bomb.zst"};
  for (size_t i = 0; i < 2; i++) {
    struct hd_error error;
    assert_false(slurp(bombs[i], 1 << 20, NULL, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_non_null(strstr(error.text, "--max-inflated"));
    assert_true(slurp(bombs[i], 32 << 20, NULL, &error));
  }
}

static void what_is_no_file(void **state)
{
  (void)state;
  struct hd_error error;
  write_file("empty", "", 0);
  assert_false(slurp("empty", 0, NULL, &error));
  assert_string_equal(error.text, "the file is empty");
  assert_false(slurp("missing", 0, NULL, &error));
  assert_non_null(strstr(error.text, "No such file"));
  assert_false(slurp("", 0, NULL, &error));
  assert_non_null(strstr(error.text, "is a directory"));
  assert_true(error.source[0]);
}

static void a_directory_is_its_files(void **state)
{
  (void)state;
  mkdir(path_of("set"), 0700);
  mkdir(path_of("set/sub"), 0700);
  write_file("set/b", "b", 1);
  write_file("set/a", "a", 1);
  write_file("set/.hidden.tmp", "h", 1);
  struct hd_handles handles = {0};
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_source_expand(path_of("set"), &handles, &error));
  assert_int_equal(handles.items.count, 2);
  assert_string_equal(strrchr(handles.items.items[0].name, '/'), "/a");
  assert_int_equal(handles.items.items[0].group, 1);
  assert_true(hd_source_expand("-", &handles, &error));
  assert_int_equal(handles.items.items[2].group, 0);
  assert_false(hd_source_expand("-", &handles, &error));
  assert_int_equal(error.kind, HD_ERROR_USAGE);
  hd_handles_deinit(&handles);
}

static int make_folder(void **state)
{
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/heapdiff-test-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

/* Text that hardly repeats itself, so that a piece of it is found in its place alone. */
static char *long_text(size_t length)
{
  char *text = malloc(length);
  uint32_t seed = 7;
  assert_non_null(text);
  for (size_t i = 0; i < length; i++) {
    seed = seed * 1664525 + 1013904223;
    text[i] = (char)('a' + (seed >> 24) % 13);
  }
  return text;
}

static void assert_reads(const char *name, const char *text, size_t length)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_buffer out = HD_BUFFER_INIT;
  assert_true(slurp(name, 0, &out, &error));
  assert_int_equal(out.length, length);
  assert_memory_equal(out.data, text, length);
  hd_buffer_deinit(&out);
}

static void assert_fails(const char *name, uint64_t limit, const char *words)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_buffer out = HD_BUFFER_INIT;
  assert_false(slurp(name, limit, &out, &error));
  assert_non_null(strstr(error.text, words));
  hd_buffer_deinit(&out);
}

/* What is large is inflated at once, by other means: it must make no difference. */
static void a_large_file_at_once(void **state)
{
  (void)state;
  enum { LENGTH = 3 << 20 };
  char *text = long_text(LENGTH), bytes[16];
  gzip_file("large.gz", "wb1", text, LENGTH);
  assert_reads("large.gz", text, LENGTH);
  assert_fails("large.gz", LENGTH - 1, "inflates to more than");
  /* A second member, larger than what is streamed: the last one's length is not all. */
  gzip_file("large.gz", "ab1", text, LENGTH / 2);
  char *both = malloc(LENGTH + LENGTH / 2);
  memcpy(both, text, LENGTH);
  memcpy(both + LENGTH, text, LENGTH / 2);
  assert_reads("large.gz", both, LENGTH + LENGTH / 2);
  free(both);
  /* Padding, damage in the middle, a wrong length, a cut. */
  gzip_file("large.gz", "wb1", text, LENGTH);
  struct stat status;
  assert_int_equal(stat(path_of("large.gz"), &status), 0);
  memset(bytes, 0, sizeof bytes);
  FILE *file = fopen(path_of("large.gz"), "r+b");
  fseek(file, 0, SEEK_END);
  fwrite(bytes, 1, sizeof bytes, file);
  fclose(file);
  assert_reads("large.gz", text, LENGTH);
  assert_int_equal(truncate(path_of("large.gz"), status.st_size), 0);
  file = fopen(path_of("large.gz"), "r+b");
  fseek(file, status.st_size - 1, SEEK_SET);
  fputc(1, file); /* 16 MiB more than there is */
  fclose(file);
  assert_fails("large.gz", 0, "the gzip data is damaged");
  gzip_file("large.gz", "wb1", text, LENGTH);
  file = fopen(path_of("large.gz"), "r+b");
  fseek(file, status.st_size / 2, SEEK_SET);
  fwrite(bytes, 1, sizeof bytes, file);
  fclose(file);
  assert_fails("large.gz", 0, "the gzip data is damaged");
  gzip_file("large.gz", "wb1", text, LENGTH);
  assert_int_equal(truncate(path_of("large.gz"), status.st_size / 2), 0);
  assert_fails("large.gz", 0, "the gzip data is truncated");
  free(text);
}

/* Line by line, as text readers do: what was read is given back, what comes is there. */
static void lines_of_a_large_file(void **state)
{
  (void)state;
  enum { LENGTH = 5 << 20, LINE = 997 };
  char *text = long_text(LENGTH);
  struct hd_error error = HD_ERROR_INIT;
  struct hd_input *input;
  for (size_t i = LINE; i < LENGTH; i += LINE + 1)
    text[i] = '\n';
  gzip_file("lines.gz", "wb1", text, LENGTH);
  assert_true(hd_input_open(path_of("lines.gz"), NULL, &input, &error));
  struct hd_stream *stream = hd_input_stream(input);
  size_t at = 0;
  for (;;) {
    const char *line;
    size_t length;
    bool whole;
    assert_true(hd_stream_line(stream, &line, &length, &whole, &error));
    if (!line)
      break;
    assert_memory_equal(line, text + at, length);
    at += length + whole;
  }
  assert_int_equal(at, LENGTH);
  hd_input_close(input);
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gzip_is_undone),  cmocka_unit_test(truncation_is_seen_at_every_byte),
      cmocka_unit_test(zstd_is_undone),  cmocka_unit_test(faults_of_zstd),
      cmocka_unit_test(damaged_zstd),    cmocka_unit_test(a_wide_window_is_refused),
      cmocka_unit_test(a_bomb_is_refused), cmocka_unit_test(what_is_no_file),
      cmocka_unit_test(a_directory_is_its_files),
      cmocka_unit_test(a_large_file_at_once), cmocka_unit_test(lines_of_a_large_file),
  };
  return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
