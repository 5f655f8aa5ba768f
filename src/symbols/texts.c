#include "symbols/texts.h"

#include "base/buffer.h"

#include <string.h>

static bool equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_texts *texts = context;
  return strcmp(texts->items.items[id - 1], key) == 0;
}

const char *hd_texts_keep(struct hd_texts *texts, const char *text)
{
  if (!text || !text[0])
    return "";
  size_t length = strlen(text);
  uint64_t hash = hd_hash(text, length);
  uint32_t id = hd_index_find(&texts->index, hash, equal, texts, text);
  if (id)
    return texts->items.items[id - 1];
  const char *copy = hd_arena_copy(texts->arena, text, length);
  if (!copy || !hd_vec_push(&texts->items, copy) ||
      !hd_index_add(&texts->index, hash, (uint32_t)texts->items.count))
    return NULL;
  return copy;
}

/* Appends the components of `path`, each behind one slash where something is
 * there already. */
static void append_path(struct hd_buffer *buffer, const char *path)
{
  if (buffer->length == 0 && path[0] == '/')
    hd_buffer_puts(buffer, "/");
  while (*path) {
    size_t length = strcspn(path, "/");
    bool nothing = length == 0 || (length == 1 && path[0] == '.');
    if (!nothing) {
      if (buffer->length > 0 && buffer->data[buffer->length - 1] != '/')
        hd_buffer_puts(buffer, "/");
      hd_buffer_append(buffer, path, length);
    }
    path += length + (path[length] == '/');
  }
}

const char *hd_texts_keep_path(struct hd_texts *texts, const char *outer, const char *inner,
                               const char *name)
{
  if (!name || !name[0])
    return "";
  struct hd_buffer buffer = HD_BUFFER_INIT;
  bool inner_used = name[0] != '/' && inner && inner[0];
  bool outer_used = name[0] != '/' && outer && outer[0] && !(inner_used && inner[0] == '/');
  if (outer_used)
    append_path(&buffer, outer);
  if (inner_used)
    append_path(&buffer, inner);
  append_path(&buffer, name);
  const char *kept = buffer.failed ? NULL : hd_texts_keep(texts, hd_buffer_text(&buffer));
  hd_buffer_deinit(&buffer);
  return kept;
}

void hd_texts_deinit(struct hd_texts *texts)
{
  hd_index_deinit(&texts->index);
  hd_vec_deinit(&texts->items);
}
