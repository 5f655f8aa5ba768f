#include "modules.h"

#include "elf_image.h"
#include "intern.h"
#include "memory.h"
#include "tables.h"

#include <stdatomic.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

static struct hd_pool modules = {.item_size = sizeof(struct hd_module)};
static struct hd_pool frames = {.item_size = sizeof(struct hd_frame)};
static struct hd_intern frame_index;
static _Atomic(uint32_t) generation = 1, closing;
struct hd_lock hd_tables_lock;

uint32_t hd_modules_generation(void)
{
  return atomic_load_explicit(&generation, memory_order_acquire);
}

bool hd_modules_steady(void)
{
  return atomic_load_explicit(&closing, memory_order_acquire) == 0;
}

void hd_modules_closing(void)
{
  atomic_fetch_add(&closing, 1);
}

void hd_modules_closed(void)
{
  atomic_fetch_add(&generation, 1);
  atomic_fetch_sub(&closing, 1);
}

void hd_modules_expire(void)
{
  atomic_fetch_add(&generation, 1);
}

void hd_modules_forked(void)
{
  atomic_store(&closing, 0);
  atomic_fetch_add(&generation, 1);
}

static bool frame_equal(uint32_t id, const void *key)
{
  const struct hd_frame *a = hd_pool_at(&frames, id - 1, sizeof *a), *b = key;
  return a->module == b->module && a->offset == b->offset;
}

static bool same_place(const struct hd_module *module, const struct dl_find_object *object)
{
  return module->link_map == object->dlfo_link_map &&
         module->start == (uintptr_t)object->dlfo_map_start &&
         module->end == (uintptr_t)object->dlfo_map_end;
}

static struct hd_module *module_at(uint32_t index)
{
  return hd_pool_at(&modules, index, sizeof(struct hd_module));
}

/* What the newcomer overlaps is no longer there. */
static void bury_overlapped(const struct hd_module *newcomer)
{
  for (uint32_t i = 0; i < modules.count; i++) {
    struct hd_module *other = module_at(i);
    if (other != newcomer && other->start < newcomer->end && newcomer->start < other->end)
      other->gone = true;
  }
}

static bool is_in_place(const struct hd_module *module)
{
  struct dl_find_object object;
  return !module->gone && _dl_find_object((void *)module->start, &object) == 0 &&
         same_place(module, &object);
}

/* A library that is opened again, perhaps elsewhere, is the module that it was:
 * else a program that opens and closes one for ever would fill the tables. */
static struct hd_module *find_departed(const struct hd_module *newcomer)
{
  for (uint32_t i = 0; i < modules.count; i++) {
    struct hd_module *module = module_at(i);
    if (module->build_id_length && module->build_id_length == newcomer->build_id_length &&
        memcmp(module->build_id, newcomer->build_id, module->build_id_length) == 0 &&
        strcmp(module->path, newcomer->path) == 0 && !is_in_place(module))
      return module;
  }
  return NULL;
}

static uint32_t id_of(const struct hd_module *module)
{
  uint32_t id = 1;
  while (module_at(id - 1) != module)
    id++;
  return id;
}

static uint32_t enter_module(struct hd_module newcomer)
{
  struct hd_module *module = find_departed(&newcomer);
  if (module) {
    newcomer.path = module->path;
  } else {
    size_t size = strlen(newcomer.path) + 1;
    char *path = modules.count < HD_MODULES_MAX ? hd_arena_take(size, 1) : NULL;
    module = path ? hd_pool_add(&modules) : NULL;
    if (!module)
      return 0;
    newcomer.path = memcpy(path, newcomer.path, size);
  }
  *module = newcomer;
  bury_overlapped(module);
  return id_of(module);
}

static uint32_t add_module(const struct dl_find_object *object)
{
  struct hd_module newcomer = {.verified = hd_modules_generation()};
  char *path = hd_map(PATH_BYTES);
  if (!path)
    return 0;
  hd_image_describe(object, &newcomer);
  hd_image_path(object, path, PATH_BYTES);
  newcomer.path = path;
  uint32_t id = enter_module(newcomer);
  hd_unmap(path, PATH_BYTES);
  return id;
}

/* The id of the object's module; a known one is trusted within a generation and
 * compared with the mapped file's own headers after it. */
static uint32_t module_for(const struct dl_find_object *object)
{
  uint32_t now = hd_modules_generation();
  for (uint32_t i = modules.count; i > 0; i--) {
    struct hd_module *module = module_at(i - 1);
    if (module->gone || !same_place(module, object))
      continue;
    if (module->verified == now && hd_modules_steady())
      return i;
    if (hd_image_is(object, module)) {
      module->verified = now;
      return i;
    }
    module->gone = true;
  }
  return add_module(object);
}

static struct hd_frame make_frame(const struct dl_find_object *object, uintptr_t address)
{
  struct hd_frame frame = {0, address};
  uint32_t id = object ? module_for(object) : 0;
  if (!id)
    return frame;
  const struct hd_module *module = module_at(id - 1);
  for (uint32_t i = 0; i < module->segment_count; i++) {
    const struct hd_segment *segment = &module->segments[i];
    uint64_t linked = address - module->bias;
    if (linked >= segment->address && linked - segment->address < segment->size)
      return (struct hd_frame){id, linked - segment->address + segment->offset};
  }
  return frame;
}

uint32_t hd_frame_for(const struct dl_find_object *object, uintptr_t address)
{
  hd_lock_take(&hd_tables_lock);
  struct hd_frame frame = make_frame(object, address);
  uint64_t hash = hd_mix(hd_mix(1, frame.module), frame.offset);
  uint32_t id = hd_intern_find(&frame_index, hash, frame_equal, &frame);
  struct hd_frame *item = NULL;
  if (!id && hd_intern_reserve(&frame_index))
    item = hd_pool_add(&frames);
  if (item) {
    *item = frame;
    id = frames.count;
    hd_intern_add(&frame_index, hash, id);
  }
  hd_lock_release(&hd_tables_lock);
  return id;
}

uint32_t hd_modules_count(void)
{
  return modules.count;
}

uint32_t hd_frames_count(void)
{
  return frames.count;
}

const struct hd_module *hd_module_at(uint32_t index)
{
  return module_at(index);
}

const struct hd_frame *hd_frame_at(uint32_t index)
{
  return hd_pool_at(&frames, index, sizeof(struct hd_frame));
}

/* Compares places only: from here the headers might vanish while being read. */
void hd_modules_note_gone(void)
{
  for (uint32_t i = 0; i < modules.count; i++)
    if (!is_in_place(module_at(i)))
      module_at(i)->gone = true;
}
