#include "base/strings.h"

#include <string.h>

static bool equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_strings *strings = context;
  const struct hd_string *have = &strings->items.items[id - 1], *want = key;
  return have->length == want->length && memcmp(have->text, want->text, want->length) == 0;
}

uint32_t hd_strings_find(const struct hd_strings *strings, const char *text, size_t length)
{
  struct hd_string key = {text, length};
  return length ? hd_index_find(&strings->index, hd_hash(text, length), equal, strings, &key) : 0;
}

bool hd_strings_intern(struct hd_strings *strings, const char *text, size_t length, uint32_t *id)
{
  *id = 0;
  if (!length)
    return true;
  struct hd_string key = {text, length};
  uint64_t hash = hd_hash(text, length);
  *id = hd_index_find(&strings->index, hash, equal, strings, &key);
  if (*id)
    return true;
  if (strings->items.count >= UINT32_MAX - 1)
    return false;
  key.text = hd_arena_copy(&strings->arena, text, length);
  if (!key.text || !hd_vec_push(&strings->items, key))
    return false;
  *id = (uint32_t)strings->items.count;
  if (hd_index_add(&strings->index, hash, *id))
    return true;
  strings->items.count--;
  *id = 0;
  return false;
}

const char *hd_strings_text(const struct hd_strings *strings, uint32_t id)
{
  return id ? strings->items.items[id - 1].text : "";
}

size_t hd_strings_length(const struct hd_strings *strings, uint32_t id)
{
  return id ? strings->items.items[id - 1].length : 0;
}

void hd_strings_deinit(struct hd_strings *strings)
{
  hd_index_deinit(&strings->index);
  hd_vec_deinit(&strings->items);
  hd_arena_deinit(&strings->arena);
}
