#include "symbols/cache_set.h"

#include <string.h>

static bool equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_cache_set *set = context;
  return set->answers.items[id - 1].offset == *(const uint64_t *)key;
}

const struct hd_cache_answer *hd_cache_set_find(const struct hd_cache_set *set, uint64_t offset)
{
  uint64_t hash = hd_hash(&offset, sizeof offset);
  uint32_t id = hd_index_find(&set->index, hash, equal, set, &offset);
  return id ? &set->answers.items[id - 1] : NULL;
}

static bool intern(struct hd_cache_set *set, const char *text, uint32_t *number)
{
  return hd_strings_intern(&set->texts, text, strlen(text), number);
}

static bool add_frame(struct hd_cache_set *set, const struct hd_symbol_frame *frame)
{
  struct hd_cache_frame made = {.line = frame->line, .start_line = frame->start_line};
  return intern(set, frame->function, &made.function) && intern(set, frame->file, &made.file) &&
         (!frame->shown || intern(set, frame->shown, &made.shown)) &&
         hd_vec_push(&set->frames, made);
}

bool hd_cache_set_add(struct hd_cache_set *set, uint64_t offset,
                      const struct hd_symbol_frame *frames, size_t count)
{
  if (hd_cache_set_find(set, offset))
    return true;
  if (count > UINT32_MAX - set->frames.count || set->answers.count >= UINT32_MAX)
    return false;
  struct hd_cache_answer answer = {offset, (uint32_t)set->frames.count, (uint32_t)count};
  for (size_t i = 0; i < count; i++)
    if (!add_frame(set, &frames[i]))
      return false;
  return hd_vec_push(&set->answers, answer) &&
         hd_index_add(&set->index, hd_hash(&offset, sizeof offset), (uint32_t)set->answers.count);
}

struct hd_symbol_frame hd_cache_set_frame(const struct hd_cache_set *set, uint32_t i)
{
  const struct hd_cache_frame *frame = &set->frames.items[i];
  return (struct hd_symbol_frame){
      .function = hd_strings_text(&set->texts, frame->function),
      .file = hd_strings_text(&set->texts, frame->file),
      .line = frame->line,
      .start_line = frame->start_line,
      .shown = frame->shown ? hd_strings_text(&set->texts, frame->shown) : NULL,
  };
}

void hd_cache_set_deinit(struct hd_cache_set *set)
{
  hd_vec_deinit(&set->answers);
  hd_vec_deinit(&set->frames);
  hd_strings_deinit(&set->texts);
  hd_index_deinit(&set->index);
}
