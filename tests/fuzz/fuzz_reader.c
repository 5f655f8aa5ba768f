// A snapshot reader under a fuzzer, READER being its symbol:
//
//   clang -g -O1 -fsanitize=fuzzer,address,undefined -DREADER=hd_reader_pprof -D_GNU_SOURCE
//     -Iinclude -Isrc tests/fuzz/fuzz_reader.c $(find src/base src/model src/readers -name "*.c")
//     -ljansson -lxxhash -lpcre2-8 -lm -o fuzz && ./fuzz -max_total_time=60 SEEDS
//
// or, with -DFUZZ_REPLAY, a plain program that reads the files it is given.
#include "readers/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct hd_reader READER;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* What a reader hands on must hold together: every id in range, every text its own. */
static void check(const struct hd_profile *profile)
{
  const struct hd_meta *meta = &profile->meta;
  const char *const texts[] = {
      meta->format,  meta->kind,    meta->host,   meta->boot_id,  meta->reason,    meta->program,
      meta->command, meta->called,  meta->recorder, meta->allocator, meta->default_measure};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i] && strlen(texts[i]) >= SIZE_MAX / 2)
      abort();
  for (size_t i = 0; i < profile->records.count; i++)
    if (profile->records.items[i].stack > profile->stacks.count ||
        profile->records.items[i].labels > profile->label_sets.count ||
        !(profile->records.items[i].weight >= 1))
      abort();
  for (size_t i = 0; i < profile->stack_locations.count; i++)
    if (profile->stack_locations.items[i] - 1 >= profile->locations.count)
      abort();
  for (size_t i = 0; i < profile->locations.count; i++) {
    const struct hd_location *location = &profile->locations.items[i];
    if (location->module > profile->modules.count ||
        (size_t)location->first_frame + location->frame_count > profile->frames.count)
      abort();
  }
}

static bool take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)context, (void)error;
  check(profile);
  hd_profile_destroy(profile);
  return true;
}

/* As it is, and with what there is of a file that stops in the middle. */
static void read_it(const uint8_t *data, size_t length, bool partial)
{
  struct hd_stream stream = hd_stream_of(data, length);
  struct hd_sink sink = {take, NULL};
  struct hd_error error = HD_ERROR_INIT;
  stream.partial = partial;
  bool done = READER.read(&stream, &sink, &error);
  if (done != (error.kind == HD_ERROR_NONE) || (!done && !error.text[0]))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
  READER.probe(data, length < HD_PROBE_BYTES ? length : HD_PROBE_BYTES);
  read_it(data, length, false);
  read_it(data, length, true);
  return 0;
}

#ifdef FUZZ_REPLAY
int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    static uint8_t data[1 << 20];
    FILE *in = fopen(argv[i], "rb");
    if (!in) {
      perror(argv[i]);
      return EXIT_FAILURE;
    }
    size_t length = fread(data, 1, sizeof data, in);
    fclose(in);
    LLVMFuzzerTestOneInput(data, length);
  }
  return EXIT_SUCCESS;
}
#endif
