// The DWARF decoders under a fuzzer; an input is an ELF file:
//
//   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Isrc
//     tests/fuzz/fuzz_dwarf.c $(find src/base src/symbols -name "*.c") -ldw -lelf -liberty -lz
//     -lxxhash -lpcre2-8 -lm -o fuzz && ./fuzz -max_total_time=60 -max_len=100000 SEEDS
//
// or, with -DFUZZ_REPLAY, a plain program that reads the files it is given.
#include "symbols/module.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { ADDRESSES = 256 };

static size_t frames_seen;

static size_t fill(const struct hd_dwarf *dwarf, uint64_t addresses[ADDRESSES])
{
  size_t count = 0;
  for (size_t i = 0; i < dwarf->ranges.count && count + 2 < ADDRESSES; i++) {
    const struct hd_unit_range *range = &dwarf->ranges.items[i];
    addresses[count++] = range->start;
    addresses[count++] = range->start + (range->end - range->start) / 2;
  }
  return count;
}

/* The answers hold together, and every text can be read. */
static void check(const struct hd_symbol_batch *batch, size_t count)
{
  size_t sum = 0;
  for (size_t i = 0; i < count; i++)
    if (batch->answers[i].count > batch->frame_count ||
        batch->answers[i].first > batch->frame_count - batch->answers[i].count)
      abort();
  for (size_t i = 0; i < batch->frame_count; i++)
    sum += strlen(batch->frames[i].function) + strlen(batch->frames[i].file);
  if (sum > SIZE_MAX / 2)
    abort();
  frames_seen += batch->frame_count;
}

static void look_up(struct hd_symbol_module *module, bool as_written)
{
  uint64_t addresses[ADDRESSES];
  struct hd_symbol_answer answers[ADDRESSES] = {0};
  struct hd_error error = HD_ERROR_INIT;
  struct hd_symbol_batch batch = {.reason = "", .answers = answers, .arena = HD_ARENA_INIT};
  size_t count = fill(&module->dwarf, addresses);
  if (hd_symbol_module_resolve(module, HD_LINKED_ADDRESSES, addresses, count, as_written, &batch,
                               &error))
    check(&batch, count);
  hd_arena_deinit(&batch.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
  bool found = false;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_symbol_module module = {.debug_alone = true, .debug = HD_ELF_FILE_INIT};
  struct hd_segment all = {.memory_size = UINT64_MAX, .executable = true};
  char *copy = malloc(length + 1);
  elf_version(EV_CURRENT);
  if (!copy || !hd_vec_push(&module.program.segments, all))
    abort();
  memcpy(copy, data, length);
  module.program.fd = -1;
  module.program.elf = elf_memory(copy, length);
  if (module.program.elf && elf_kind(module.program.elf) == ELF_K_ELF &&
      hd_dwarf_open(&module.dwarf, &module.program, &module.program, &found, &error)) {
    look_up(&module, false);
    look_up(&module, true);
  }
  hd_dwarf_close(&module.dwarf);
  hd_elf_close(&module.program);
  free(copy);
  return 0;
}

#ifdef FUZZ_REPLAY
int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    static uint8_t data[8 << 20];
    FILE *in = fopen(argv[i], "rb");
    if (!in) {
      perror(argv[i]);
      return EXIT_FAILURE;
    }
    size_t length = fread(data, 1, sizeof data, in);
    fclose(in);
    LLVMFuzzerTestOneInput(data, length);
  }
  return frames_seen ? EXIT_SUCCESS : EXIT_FAILURE; /* a replay that looks nothing up is none */
}
#endif
