#include "symbols/cache_file.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = "hdcache";

_Static_assert(sizeof(struct hd_cache_header) % sizeof(uint64_t) == 0, "answers are aligned");

/* Over two pieces: the header with its checksum as 0, and the rest as it lies. */
static uint64_t checksum_of(struct hd_cache_header header, const void *rest, size_t size)
{
  header.checksum = 0;
  uint64_t parts[2] = {hd_hash(&header, sizeof header), hd_hash(rest, size)};
  return hd_hash(parts, sizeof parts);
}

static bool is_current(const struct hd_cache_header *header)
{
  return memcmp(header->magic, magic, sizeof magic) == 0 && header->format == HD_CACHE_FORMAT &&
         header->answers_version == HD_CACHE_ANSWERS;
}

uint32_t hd_cache_file_answers(const struct hd_cache_header *header)
{
  return is_current(header) ? header->answers : 0;
}

static uint64_t size_of(const struct hd_cache_header *header)
{
  return sizeof *header + (uint64_t)header->answers * sizeof(struct hd_cache_answer) +
         (uint64_t)header->frames * sizeof(struct hd_cache_frame) +
         (uint64_t)header->texts * sizeof(uint32_t) + header->text_bytes;
}

/* Every number that is followed later leads into the file. */
static bool holds_together(const struct hd_cache_file *file, const struct hd_cache_header *header)
{
  uint32_t at = 0;
  for (uint32_t i = 0; i < header->texts; i++) {
    if (file->ends[i] <= at || file->ends[i] > header->text_bytes ||
        file->texts[file->ends[i] - 1] != '\0')
      return false;
    at = file->ends[i];
  }
  for (uint32_t i = 0; i < header->frames; i++)
    if (file->frames[i].function > header->texts || file->frames[i].file > header->texts)
      return false;
  for (uint32_t i = 0; i < header->answers; i++) {
    const struct hd_cache_answer *answer = &file->answers[i];
    if (answer->first > header->frames || answer->count > header->frames - answer->first ||
        (i > 0 && answer[-1].offset >= answer->offset))
      return false;
  }
  return true;
}

bool hd_cache_file_open(struct hd_cache_file *file, const void *data, size_t size,
                        const char *name)
{
  struct hd_cache_header header;
  *file = (struct hd_cache_file){.answers = NULL};
  if (size < sizeof header)
    return false;
  memcpy(&header, data, sizeof header);
  const char *rest = (const char *)data + sizeof header;
  if (!is_current(&header) || header.size != size || size_of(&header) != size ||
      strncmp(header.name, name, sizeof header.name) != 0 ||
      header.checksum != checksum_of(header, rest, size - sizeof header))
    return false;
  file->answers = (const void *)rest;
  file->frames = (const void *)(file->answers + header.answers);
  file->ends = (const void *)(file->frames + header.frames);
  file->texts = (const void *)(file->ends + header.texts);
  file->answer_count = header.answers;
  return holds_together(file, &header);
}

const struct hd_cache_answer *hd_cache_file_find(const struct hd_cache_file *file, uint64_t offset)
{
  size_t low = 0, high = file->answer_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (file->answers[middle].offset < offset)
      low = middle + 1;
    else
      high = middle;
  }
  bool found = low < file->answer_count && file->answers[low].offset == offset;
  return found ? &file->answers[low] : NULL;
}

static const char *text_of(const struct hd_cache_file *file, uint32_t number)
{
  return !number ? "" : file->texts + (number > 1 ? file->ends[number - 2] : 0);
}

struct hd_symbol_frame hd_cache_file_frame(const struct hd_cache_file *file, uint32_t i)
{
  const struct hd_cache_frame *frame = &file->frames[i];
  return (struct hd_symbol_frame){text_of(file, frame->function), text_of(file, frame->file),
                                  frame->line, frame->start_line};
}

static int by_offset(const void *a, const void *b)
{
  const struct hd_cache_answer *x = a, *y = b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void append(struct hd_buffer *out, const void *data, size_t count, size_t size)
{
  if (count)
    hd_buffer_append(out, data, count * size);
}

void hd_cache_file_make(struct hd_cache_set *set, const char *name, struct hd_buffer *out)
{
  struct hd_cache_header header = {.format = HD_CACHE_FORMAT, .answers_version = HD_CACHE_ANSWERS};
  memcpy(header.magic, magic, sizeof magic);
  memcpy(header.name, name, strnlen(name, sizeof header.name - 1));
  header.answers = (uint32_t)set->answers.count;
  header.frames = (uint32_t)set->frames.count;
  header.texts = (uint32_t)set->texts.items.count;
  if (header.answers)
    qsort(set->answers.items, header.answers, sizeof *set->answers.items, by_offset);
  size_t start = out->length;
  append(out, &header, 1, sizeof header);
  append(out, set->answers.items, header.answers, sizeof *set->answers.items);
  append(out, set->frames.items, header.frames, sizeof *set->frames.items);
  for (uint32_t i = 0; i < header.texts; i++) {
    header.text_bytes += (uint32_t)set->texts.items.items[i].length + 1;
    append(out, &header.text_bytes, 1, sizeof header.text_bytes);
  }
  for (uint32_t i = 0; i < header.texts; i++)
    append(out, set->texts.items.items[i].text, set->texts.items.items[i].length + 1, 1);
  if (out->failed)
    return;
  header.size = out->length - start;
  char *made = out->data + start;
  header.checksum = checksum_of(header, made + sizeof header, header.size - sizeof header);
  memcpy(made, &header, sizeof header);
}
