/* What a fuzzer drives of `check`'s own files: an input is a baseline, a heapdiff.json or a
 * file of suppressions, and is read as each of them. A baseline that reads is written and
 * compared with itself, and must come out as it went in. */
#include "gate/baseline.h"
#include "gate/config.h"
#include "gate/gate.h"
#include "gate/suppress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static size_t understood;

static void compare(struct hd_comparison *comparison)
{
  for (int m = 0; m < HD_MEASURES; m++)
    for (size_t i = 0; comparison->has[m] && i < comparison->sites[m].items.count; i++)
      if (hd_site_growth(&comparison->sites[m].items.items[i]) != 0)
        abort();
}

static void read_baseline(const char *text, size_t length)
{
  struct hd_strings strings = {.items = {0}};
  struct hd_side_frames frames = {.strings = &strings};
  struct hd_comparison comparison = {.hours = 0};
  struct hd_error error = HD_ERROR_INIT;
  struct hd_buffer out = HD_BUFFER_INIT;
  hd_side_init(&comparison.before, &frames);
  hd_side_init(&comparison.after, &frames);
  if (hd_baseline_read(&comparison.before, text, length, &error)) {
    understood++;
    if (!hd_baseline_write(&comparison.before, "fuzz", &out, &error) ||
        !hd_baseline_read(&comparison.after, out.data, out.length, &error))
      abort();
    if (comparison.before.rows.count != comparison.after.rows.count)
      abort();
  }
  hd_side_deinit(&comparison.before);
  hd_side_init(&comparison.before, &frames);
  if (out.length && hd_baseline_read(&comparison.before, out.data, out.length, &error) &&
      hd_comparison_finish(&comparison, &error))
    compare(&comparison);
  hd_comparison_deinit(&comparison);
  hd_buffer_deinit(&out);
  hd_side_frames_deinit(&frames);
  hd_strings_deinit(&strings);
}

static void read_config(const char *text, size_t length)
{
  struct hd_gate_config config = {.limit = 0};
  struct hd_error error = HD_ERROR_INIT;
  understood += hd_gate_config_read(&config, "x/heapdiff.json", text, length, &error);
  hd_gate_config_deinit(&config);
}

static void read_suppressions(const char *text, size_t length)
{
  struct hd_suppressions suppressions = {.arena = HD_ARENA_INIT};
  struct hd_error error = HD_ERROR_INIT;
  if (hd_suppressions_read(&suppressions, "known.supp", text, length, "2026-11-25", &error)) {
    understood++;
    for (size_t i = 0; i < suppressions.items.count; i++)
      if (suppressions.items.items[i].patterns[0])
        hd_pattern_found(suppressions.items.items[i].patterns[0], "cache_put(int, char*)");
  }
  hd_suppressions_deinit(&suppressions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
  /* Of exactly its length, but terminated, as hd_read_text makes it. */
  char *text = malloc(length + 1);
  if (!text)
    abort();
  memcpy(text, data, length);
  text[length] = '\0';
  read_baseline(text, length);
  read_config(text, length);
  read_suppressions(text, length);
  free(text);
  return 0;
}

#ifdef FUZZ_REPLAY
/* Each file as it is, cut short everywhere, and with each byte another. */
int main(int argc, char **argv)
{
  static const char others[] = "\0\t\n;@+~=|\"{}[]\\9x\xff";
  for (int i = 1; i < argc; i++) {
    static uint8_t data[64 << 10];
    FILE *in = fopen(argv[i], "rb");
    if (!in) {
      perror(argv[i]);
      return EXIT_FAILURE;
    }
    size_t length = fread(data, 1, sizeof data, in), before = understood;
    fclose(in);
    LLVMFuzzerTestOneInput(data, length);
    if (understood == before) {
      fprintf(stderr, "%s: is understood as nothing\n", argv[i]);
      return EXIT_FAILURE;
    }
    for (size_t n = 0; n < length; n++) {
      uint8_t kept = data[n];
      LLVMFuzzerTestOneInput(data, n);
      for (size_t c = 0; c < sizeof others - 1; c++) {
        data[n] = (uint8_t)others[c];
        LLVMFuzzerTestOneInput(data, length);
      }
      data[n] = kept;
    }
  }
  return EXIT_SUCCESS;
}
#endif
