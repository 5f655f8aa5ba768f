#include "symbols/cache.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Hexadecimal digits: lld's fast build-ids have 8 bytes, others 16 and more. */
enum { SHORTEST_BUILD_ID = 16 };

void hd_cache_init(struct hd_cache *cache, bool wanted)
{
  *cache = (struct hd_cache){.modules = {NULL, 0, 0}};
  if (wanted)
    hd_cache_dir_init(&cache->dir);
}

static void destroy(struct hd_cache_module *module)
{
  hd_free(module->data);
  hd_cache_set_deinit(&module->fresh);
  hd_free(module);
}

void hd_cache_deinit(struct hd_cache *cache)
{
  for (size_t i = 0; i < cache->modules.count; i++)
    destroy(cache->modules.items[i]);
  hd_vec_deinit(&cache->modules);
}

static void load(struct hd_cache *cache, struct hd_cache_module *module)
{
  size_t size = 0;
  module->data = hd_cache_dir_read(&cache->dir, module->name, &size);
  if (module->data && hd_cache_file_open(&module->file, module->data, size, module->name))
    return;
  hd_free(module->data);
  module->data = NULL;
  module->file = (struct hd_cache_file){.answers = NULL};
}

struct hd_cache_module *hd_cache_module(struct hd_cache *cache, const char *build_id,
                                        enum hd_symbol_places places)
{
  char name[HD_CACHE_NAME];
  size_t length = strlen(build_id);
  if (!cache->dir.path[0] || length < SHORTEST_BUILD_ID || length >= HD_BUILD_ID_TEXT ||
      build_id[strspn(build_id, "0123456789abcdef")])
    return NULL;
  snprintf(name, sizeof name, "%s%s", build_id, places == HD_FILE_OFFSETS ? "" : "-addr");
  for (size_t i = 0; i < cache->modules.count; i++)
    if (strcmp(cache->modules.items[i]->name, name) == 0)
      return cache->modules.items[i];
  struct hd_cache_module *module = hd_alloc_zeroed(1, sizeof *module);
  if (!module || !hd_vec_push(&cache->modules, module)) {
    hd_free(module);
    return NULL;
  }
  memcpy(module->name, name, sizeof name);
  load(cache, module);
  return module;
}

bool hd_cache_find(const struct hd_cache_module *module, uint64_t offset, struct hd_cache_hit *hit)
{
  const struct hd_cache_answer *answer = hd_cache_file_find(&module->file, offset);
  *hit = (struct hd_cache_hit){.file = &module->file};
  if (!answer) {
    answer = hd_cache_set_find(&module->fresh, offset);
    *hit = (struct hd_cache_hit){.set = &module->fresh};
  }
  if (!answer)
    return false;
  hit->first = answer->first;
  hit->count = answer->count;
  return true;
}

struct hd_symbol_frame hd_cache_frame(const struct hd_cache_hit *hit, uint32_t i)
{
  return hit->file ? hd_cache_file_frame(hit->file, hit->first + i)
                   : hd_cache_set_frame(hit->set, hit->first + i);
}

void hd_cache_add(struct hd_cache_module *module, uint64_t offset,
                  const struct hd_symbol_frame *frames, size_t count)
{
  if (!module->broken)
    module->broken = !hd_cache_set_add(&module->fresh, offset, frames, count);
}

static bool take_fresh(struct hd_cache_set *merged, const struct hd_cache_set *fresh)
{
  HD_VEC(struct hd_symbol_frame) frames = {NULL, 0, 0};
  bool fine = true;
  for (size_t i = 0; fine && i < fresh->answers.count; i++) {
    const struct hd_cache_answer *answer = &fresh->answers.items[i];
    frames.count = 0;
    for (uint32_t k = 0; fine && k < answer->count; k++)
      fine = hd_vec_push(&frames, hd_cache_set_frame(fresh, answer->first + k));
    fine = fine && hd_cache_set_add(merged, answer->offset, frames.items, frames.count);
  }
  hd_vec_deinit(&frames);
  return fine;
}

static bool take_file(struct hd_cache_set *merged, const struct hd_cache_file *file)
{
  HD_VEC(struct hd_symbol_frame) frames = {NULL, 0, 0};
  bool fine = true;
  for (size_t i = 0; fine && i < file->answer_count; i++) {
    const struct hd_cache_answer *answer = &file->answers[i];
    frames.count = 0;
    for (uint32_t k = 0; fine && k < answer->count; k++)
      fine = hd_vec_push(&frames, hd_cache_file_frame(file, answer->first + k));
    fine = fine && hd_cache_set_add(merged, answer->offset, frames.items, frames.count);
  }
  hd_vec_deinit(&frames);
  return fine;
}

/* Under the lock: what is on disk by now, and what was learnt here. Where both are
 * too much for one file, what was learnt last is worth more. */
static bool write_module(const struct hd_cache_dir *dir, const struct hd_cache_module *module)
{
  struct hd_cache_set merged = {.index = {0}};
  struct hd_buffer image = HD_BUFFER_INIT;
  struct hd_cache_file file;
  size_t size = 0;
  void *data = hd_cache_dir_read(dir, module->name, &size);
  bool old = data && hd_cache_file_open(&file, data, size, module->name);
  bool fine = take_fresh(&merged, &module->fresh) && (!old || take_file(&merged, &file));
  if (fine)
    hd_cache_file_make(&merged, module->name, &image);
  if (fine && old && !image.failed && image.length > HD_CACHE_MOST_FILE) {
    hd_cache_set_deinit(&merged);
    hd_buffer_clear(&image);
    fine = take_fresh(&merged, &module->fresh);
    if (fine)
      hd_cache_file_make(&merged, module->name, &image);
  }
  fine = fine && !image.failed && image.length <= HD_CACHE_MOST_FILE &&
         hd_cache_dir_write(dir, module->name, image.data, image.length);
  hd_cache_set_deinit(&merged);
  hd_buffer_deinit(&image);
  hd_free(data);
  return fine;
}

void hd_cache_write(struct hd_cache *cache)
{
  int lock = -1;
  bool wrote = false;
  for (size_t i = 0; i < cache->modules.count; i++) {
    struct hd_cache_module *module = cache->modules.items[i];
    size_t count = module->fresh.answers.count;
    if (count == module->written)
      continue;
    if (lock < 0)
      lock = hd_cache_dir_lock(&cache->dir);
    if (lock < 0)
      return;
    wrote |= write_module(&cache->dir, module);
    module->written = count; /* a failure would only come again */
  }
  if (wrote)
    hd_cache_dir_trim(&cache->dir);
  if (lock >= 0)
    close(lock);
}
