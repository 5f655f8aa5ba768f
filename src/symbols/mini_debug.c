#include "symbols/mini_debug.h"

#include "base/alloc.h"
#include "symbols/elf_check.h"
#include "symbols/elf_file.h"

#include <lzma.h>

/* A distribution's largest are some MB; the decoder's own memory is what its
 * dictionary takes, up to 64 MiB at `xz -9`. */
enum { FIRST_BYTES = 1 << 16, MOST_BYTES = 64 << 20, DECODER_BYTES = 128 << 20 };

/* Decodes into a growing block; *size 0: damaged, or too much. */
static bool decode(lzma_stream *stream, void **block, size_t *size, struct hd_error *error)
{
  size_t capacity = 0;
  lzma_ret result = LZMA_OK;
  *size = 0;
  while (result == LZMA_OK && capacity < MOST_BYTES) {
    size_t used = capacity - stream->avail_out;
    capacity = capacity ? 2 * capacity : FIRST_BYTES;
    void *larger = hd_realloc(*block, capacity);
    if (!larger)
      return hd_fail_memory(error);
    *block = larger;
    stream->next_out = (uint8_t *)larger + used;
    stream->avail_out = capacity - used;
    result = lzma_code(stream, LZMA_FINISH);
  }
  if (result == LZMA_MEM_ERROR)
    return hd_fail_memory(error);
  if (result == LZMA_STREAM_END)
    *size = capacity - stream->avail_out;
  return true;
}

static void *allocate(void *opaque, size_t count, size_t size)
{
  (void)opaque;
  return hd_alloc(count * size); /* liblzma calls it with count 1 */
}

static void release(void *opaque, void *block)
{
  (void)opaque;
  hd_free(block);
}

bool hd_mini_debug_open(struct hd_mini_debug *mini, Elf *elf, struct hd_error *error)
{
  static const lzma_allocator allocator = {allocate, release, NULL};
  lzma_stream stream = LZMA_STREAM_INIT;
  Elf_Scn *section = hd_elf_section(elf, ".gnu_debugdata");
  Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
  size_t size = 0;
  *mini = (struct hd_mini_debug){NULL, NULL};
  if (!data || !data->d_buf || !data->d_size)
    return true;
  stream.allocator = &allocator;
  stream.next_in = data->d_buf;
  stream.avail_in = data->d_size;
  bool fine = lzma_stream_decoder(&stream, DECODER_BYTES, 0) == LZMA_OK || hd_fail_memory(error);
  fine = fine && decode(&stream, &mini->data, &size, error);
  lzma_end(&stream);
  struct hd_elf_source source = {.data = mini->data, .size = size};
  if (fine && size && hd_elf_trusted(&source))
    mini->elf = elf_memory(mini->data, size);
  if (mini->elf && elf_kind(mini->elf) == ELF_K_ELF)
    return true;
  hd_mini_debug_close(mini);
  return fine;
}

void hd_mini_debug_close(struct hd_mini_debug *mini)
{
  elf_end(mini->elf);
  hd_free(mini->data);
  *mini = (struct hd_mini_debug){NULL, NULL};
}
