/* Names for people, beside the linkage names of a batch. */
#include "symbols/symbols.h"

#include "base/index.h"
#include "base/vec.h"

/* Equal linkage names of a batch are one pointer: each is demangled once. */
struct name {
  const char *linkage, *shown;
};

struct names {
  HD_VEC(struct name) items;
  struct hd_index index;
};

static bool same_pointer(const void *context, uint32_t id, const void *key)
{
  const struct names *names = context;
  return names->items.items[id - 1].linkage == key;
}

/* NULL on want of memory. */
static const char *shown_name(struct names *names, struct hd_arena *arena, const char *linkage)
{
  if (!linkage[0])
    return "";
  uint64_t hash = hd_hash(&linkage, sizeof linkage);
  uint32_t id = hd_index_find(&names->index, hash, same_pointer, names, linkage);
  if (id)
    return names->items.items[id - 1].shown;
  struct name name = {linkage, hd_demangle(arena, linkage, false)};
  if (!name.shown || !hd_vec_push(&names->items, name) ||
      !hd_index_add(&names->index, hash, (uint32_t)names->items.count))
    return NULL;
  return name.shown;
}

bool hd_symbol_batch_show(struct hd_symbol_batch *batch)
{
  struct names names = {.index = {0}};
  bool fine = true;
  for (size_t i = 0; fine && i < batch->frame_count; i++) {
    struct hd_symbol_frame *frame = &batch->frames[i];
    if (!frame->shown)
      frame->shown = shown_name(&names, &batch->arena, frame->function);
    fine = frame->shown != NULL;
  }
  hd_vec_deinit(&names.items);
  hd_index_deinit(&names.index);
  return fine;
}
