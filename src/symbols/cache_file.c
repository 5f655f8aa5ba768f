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
         (uint64_t)header->frames * sizeof(struct hd_cache_frame) + header->text_bytes;
}

/* Every number that is followed later leads into the file. */
static bool holds_together(const struct hd_cache_file *file, const struct hd_cache_header *header)
{
  uint32_t bytes = header->text_bytes;
  if (!bytes || file->texts[0] || file->texts[bytes - 1])
    return false;
  for (uint32_t i = 0; i < header->frames; i++) {
    const struct hd_cache_frame *frame = &file->frames[i];
    if (frame->function >= bytes || frame->shown >= bytes || frame->file >= bytes)
      return false;
  }
  for (uint32_t i = 0; i < header->answers; i++) {
    const struct hd_cache_answer *answer = &file->answers[i];
    if (answer->first > header->frames || answer->count > header->frames - answer->first ||
        (i > 0 && answer[-1].offset >= answer->offset))
      return false;
  }
  return true;
}

static void set_guides(struct hd_cache_file *file)
{
  size_t count = file->answer_count;
  if (!count)
    return;
  uint64_t first = file->answers[0].offset, span = file->answers[count - 1].offset - first;
  while (span >> file->shift >= HD_CACHE_GUIDES)
    file->shift++;
  size_t next = 0; /* the guide to be set */
  for (size_t i = 0; i < count; i++)
    for (size_t part = (file->answers[i].offset - first) >> file->shift; next <= part; next++)
      file->guides[next] = (uint32_t)i;
  for (; next <= HD_CACHE_GUIDES; next++)
    file->guides[next] = (uint32_t)count;
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
  file->texts = (const void *)(file->frames + header.frames);
  file->answer_count = header.answers;
  if (!holds_together(file, &header))
    return false;
  set_guides(file);
  return true;
}

/* HD_CACHE_GUIDES: none. */
static size_t part_of(const struct hd_cache_file *file, uint64_t offset)
{
  if (!file->answer_count || offset < file->answers[0].offset)
    return HD_CACHE_GUIDES;
  uint64_t part = (offset - file->answers[0].offset) >> file->shift;
  return part < HD_CACHE_GUIDES ? part : HD_CACHE_GUIDES;
}

void hd_cache_file_expect(const struct hd_cache_file *file, uint64_t offset)
{
  size_t part = part_of(file, offset);
  if (part < HD_CACHE_GUIDES)
    __builtin_prefetch(&file->answers[file->guides[part]]);
}

const struct hd_cache_answer *hd_cache_file_find(const struct hd_cache_file *file, uint64_t offset)
{
  size_t part = part_of(file, offset);
  if (part == HD_CACHE_GUIDES)
    return NULL;
  size_t low = file->guides[part], high = file->guides[part + 1], end = high;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (file->answers[middle].offset < offset)
      low = middle + 1;
    else
      high = middle;
  }
  bool found = low < end && file->answers[low].offset == offset;
  return found ? &file->answers[low] : NULL;
}

struct hd_symbol_frame hd_cache_file_frame(const struct hd_cache_file *file, uint32_t i)
{
  const struct hd_cache_frame *frame = &file->frames[i];
  return (struct hd_symbol_frame){
      .function = file->texts + frame->function,
      .file = file->texts + frame->file,
      .line = frame->line,
      .start_line = frame->start_line,
      .shown = frame->shown ? file->texts + frame->shown : NULL,
  };
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

/* Where each text of a set begins in the file, by its number; then `bytes` of them all.
 * NULL: want of memory, or too much of it. */
static uint32_t *places_of(const struct hd_strings *texts, uint32_t *bytes)
{
  uint32_t *places = hd_alloc((texts->items.count + 1) * sizeof *places);
  uint64_t at = 1;
  if (!places)
    return NULL;
  places[0] = 0;
  for (size_t i = 0; i < texts->items.count; i++) {
    places[i + 1] = (uint32_t)at;
    at += texts->items.items[i].length + 1;
  }
  *bytes = (uint32_t)at;
  if (at <= UINT32_MAX)
    return places;
  hd_free(places);
  return NULL;
}

static void append_frames(const struct hd_cache_set *set, const uint32_t *places,
                          struct hd_buffer *out)
{
  for (size_t i = 0; i < set->frames.count; i++) {
    struct hd_cache_frame frame = set->frames.items[i];
    frame.function = places[frame.function];
    frame.shown = places[frame.shown];
    frame.file = places[frame.file];
    append(out, &frame, 1, sizeof frame);
  }
}

static void append_texts(const struct hd_strings *texts, struct hd_buffer *out)
{
  append(out, "", 1, 1);
  for (size_t i = 0; i < texts->items.count; i++)
    append(out, texts->items.items[i].text, texts->items.items[i].length + 1, 1);
}

void hd_cache_file_make(struct hd_cache_set *set, const char *name, struct hd_buffer *out)
{
  struct hd_cache_header header = {.format = HD_CACHE_FORMAT, .answers_version = HD_CACHE_ANSWERS};
  uint32_t *places = places_of(&set->texts, &header.text_bytes);
  if (!places) {
    out->failed = true;
    return;
  }
  memcpy(header.magic, magic, sizeof magic);
  memcpy(header.name, name, strnlen(name, sizeof header.name - 1));
  header.answers = (uint32_t)set->answers.count;
  header.frames = (uint32_t)set->frames.count;
  if (header.answers)
    qsort(set->answers.items, header.answers, sizeof *set->answers.items, by_offset);
  size_t start = out->length;
  append(out, &header, 1, sizeof header);
  append(out, set->answers.items, header.answers, sizeof *set->answers.items);
  append_frames(set, places, out);
  append_texts(&set->texts, out);
  hd_free(places);
  if (out->failed)
    return;
  header.size = out->length - start;
  char *made = out->data + start;
  header.checksum = checksum_of(header, made + sizeof header, header.size - sizeof header);
  memcpy(made, &header, sizeof header);
}
