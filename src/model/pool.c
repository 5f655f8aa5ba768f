#include "model/pool.h"

#include <string.h>

bool hd_pool_create(struct hd_pool **pool, struct hd_error *error)
{
  *pool = hd_alloc_zeroed(1, sizeof **pool);
  return *pool || hd_fail_memory(error);
}

void hd_pool_destroy(struct hd_pool *pool)
{
  if (!pool)
    return;
  hd_vec_deinit(&pool->modules);
  hd_vec_deinit(&pool->frames);
  hd_vec_deinit(&pool->locations);
  hd_vec_deinit(&pool->location_frames);
  hd_index_deinit(&pool->module_index);
  hd_index_deinit(&pool->frame_index);
  hd_index_deinit(&pool->location_index);
  hd_strings_deinit(&pool->strings);
  hd_free(pool);
}

const char *hd_pool_text(const struct hd_pool *pool, uint32_t string)
{
  return hd_strings_text(&pool->strings, string);
}

const struct hd_pool_frame *hd_pool_frame(const struct hd_pool *pool, uint32_t frame)
{
  return &pool->frames.items[frame - 1];
}

const char *hd_base_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash && slash[1] ? slash + 1 : path;
}

/* --- modules: by build-id, else by path ------------------------------------ */

static bool module_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_pool *pool = context;
  const struct hd_pool_module *have = &pool->modules.items[id - 1], *want = key;
  return have->path == want->path && have->build_id == want->build_id &&
         have->addressed == want->addressed;
}

static bool intern_module(struct hd_pool *pool, uint32_t path, uint32_t build_id, bool addressed,
                          uint32_t *id, struct hd_error *error)
{
  struct hd_pool_module key = {.path = path, .build_id = build_id, .addressed = addressed,
                               .status = "", .reason = ""};
  uint64_t parts[3] = {path, build_id, addressed}, hash = hd_hash(parts, sizeof parts);
  *id = hd_index_find(&pool->module_index, hash, module_equal, pool, &key);
  if (*id)
    return true;
  if (!hd_vec_push(&pool->modules, key))
    return hd_fail_memory(error);
  *id = (uint32_t)pool->modules.count;
  return hd_index_add(&pool->module_index, hash, *id) || hd_fail_memory(error);
}

/* --- frames ----------------------------------------------------------------- */

static bool frame_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_pool *pool = context;
  const struct hd_pool_frame *have = &pool->frames.items[id - 1], *want = key;
  return have->function == want->function && have->system_name == want->system_name &&
         have->file == want->file && have->line == want->line &&
         have->start_line == want->start_line && have->module == want->module &&
         have->offset == want->offset;
}

/* A frame with neither name nor file is told apart by its address alone. */
static void keep_address(struct hd_pool_frame *frame, uint64_t offset)
{
  if (!frame->function && !frame->file)
    frame->offset = offset;
}

static bool intern_frame(struct hd_pool *pool, const struct hd_pool_frame *frame, uint32_t *id,
                         struct hd_error *error)
{
  uint64_t parts[7] = {frame->function, frame->system_name, frame->file,  frame->line,
                       frame->start_line, frame->module,    frame->offset};
  uint64_t hash = hd_hash(parts, sizeof parts);
  *id = hd_index_find(&pool->frame_index, hash, frame_equal, pool, frame);
  if (*id)
    return true;
  if (pool->frames.count >= HD_MAX_ITEMS)
    return hd_fail_input(error, "more than %u different frames", HD_MAX_ITEMS);
  if (!hd_vec_push(&pool->frames, *frame))
    return hd_fail_memory(error);
  *id = (uint32_t)pool->frames.count;
  return hd_index_add(&pool->frame_index, hash, *id) || hd_fail_memory(error);
}

/* --- locations --------------------------------------------------------------
 * A location that came with symbols is its chain of frames; one without is its
 * module and offset. */

struct location_key {
  uint32_t module;
  uint64_t offset;
  const uint32_t *frames;
  size_t count;
};

static bool location_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_pool *pool = context;
  const struct hd_pool_location *have = &pool->locations.items[id - 1];
  const struct location_key *want = key;
  if (have->module != want->module || have->offset != want->offset)
    return false;
  if (!want->count)
    return true;
  return have->count == want->count &&
         memcmp(pool->location_frames.items + have->first, want->frames,
                want->count * sizeof *want->frames) == 0;
}

static bool set_frames(struct hd_pool *pool, struct hd_pool_location *location,
                       const uint32_t *frames, size_t count, struct hd_error *error)
{
  if (!hd_vec_reserve(&pool->location_frames, count))
    return hd_fail_memory(error);
  location->first = (uint32_t)pool->location_frames.count;
  location->count = (uint32_t)count;
  location->settled = true;
  memcpy(pool->location_frames.items + location->first, frames, count * sizeof *frames);
  pool->location_frames.count += count;
  return true;
}

static bool intern_location(struct hd_pool *pool, const struct location_key *key, uint32_t *id,
                            struct hd_error *error)
{
  uint64_t parts[3] = {key->module, key->offset, 0};
  if (key->count)
    parts[2] = hd_hash(key->frames, key->count * sizeof *key->frames);
  uint64_t hash = hd_hash(parts, sizeof parts);
  *id = hd_index_find(&pool->location_index, hash, location_equal, pool, key);
  if (*id)
    return true;
  struct hd_pool_location location = {.module = key->module, .offset = key->offset};
  location.symbolized = key->count > 0;
  if (key->count && !set_frames(pool, &location, key->frames, key->count, error))
    return false;
  if (!hd_vec_push(&pool->locations, location))
    return hd_fail_memory(error);
  *id = (uint32_t)pool->locations.count;
  if (!key->count && key->module)
    pool->modules.items[key->module - 1].wanted++;
  return hd_index_add(&pool->location_index, hash, *id) || hd_fail_memory(error);
}

/* --- import ------------------------------------------------------------------ */

struct importer {
  struct hd_pool *pool;
  const struct hd_profile *profile;
  hd_demangler demangle;
  uint32_t *strings;   /* profile string id -> pool string id, 0 not yet */
  uint32_t *demangled; /* the same for function names, made for people */
  HD_VEC(uint32_t) frames; /* scratch */
};

static bool import_string(struct importer *in, uint32_t id, uint32_t *out, struct hd_error *error)
{
  *out = in->strings[id];
  if (*out || !id)
    return true;
  if (!hd_strings_intern(&in->pool->strings, hd_strings_text(&in->profile->strings, id),
                         hd_strings_length(&in->profile->strings, id), out))
    return hd_fail_memory(error);
  in->strings[id] = *out;
  return true;
}

static bool intern_text(struct hd_pool *pool, const char *text, uint32_t *id,
                        struct hd_error *error)
{
  return hd_strings_intern(&pool->strings, text ? text : "", text ? strlen(text) : 0, id) ||
         hd_fail_memory(error);
}

static bool import_function(struct importer *in, uint32_t id, uint32_t *out, struct hd_error *error)
{
  *out = in->demangled[id];
  if (*out || !id)
    return true;
  const char *name = hd_strings_text(&in->profile->strings, id);
  struct hd_arena scratch = HD_ARENA_INIT;
  const char *shown = in->demangle ? in->demangle(&scratch, name) : name;
  bool fine = shown ? intern_text(in->pool, shown, out, error) : hd_fail_memory(error);
  hd_arena_deinit(&scratch);
  in->demangled[id] = *out;
  return fine;
}

static bool import_frame(struct importer *in, const struct hd_frame *frame,
                         const struct location_key *place, uint32_t *id, struct hd_error *error)
{
  struct hd_pool_frame made = {
      .line = frame->line, .start_line = frame->start_line, .module = place->module};
  uint32_t name;
  if (!import_function(in, frame->function, &made.function, error) ||
      !import_string(in, frame->file, &made.file, error) ||
      !import_string(in, frame->system_name ? frame->system_name : frame->function, &name, error))
    return false;
  made.system_name = name == made.function ? 0 : name;
  keep_address(&made, place->offset);
  return intern_frame(in->pool, &made, id, error);
}

static bool import_location(struct importer *in, const struct hd_location *location,
                            const uint32_t *modules, uint32_t *id, struct hd_error *error)
{
  struct location_key key = {modules[location->module], location->offset, NULL,
                             location->frame_count};
  in->frames.count = 0;
  for (uint32_t i = 0; i < location->frame_count; i++) {
    uint32_t frame;
    if (!import_frame(in, &in->profile->frames.items[location->first_frame + i], &key, &frame,
                      error))
      return false;
    if (!hd_vec_push(&in->frames, frame))
      return hd_fail_memory(error);
  }
  key.frames = in->frames.items;
  return intern_location(in->pool, &key, id, error);
}

static bool import_all(struct importer *in, struct hd_import *import, struct hd_error *error)
{
  const struct hd_profile *profile = in->profile;
  for (size_t i = 0; i < profile->modules.count; i++) {
    const struct hd_module *module = &profile->modules.items[i];
    uint32_t path, build_id;
    if (!import_string(in, module->path, &path, error) ||
        !import_string(in, module->build_id, &build_id, error) ||
        !intern_module(in->pool, path, build_id, module->addressed, &import->modules[i + 1],
                       error))
      return false;
  }
  for (size_t i = 0; i < profile->locations.count; i++)
    if (!import_location(in, &profile->locations.items[i], import->modules,
                         &import->locations[i + 1], error))
      return false;
  return true;
}

bool hd_pool_import(struct hd_pool *pool, const struct hd_profile *profile, hd_demangler demangle,
                    struct hd_import *import, struct hd_error *error)
{
  size_t strings = profile->strings.items.count + 1;
  struct importer in = {.pool = pool, .profile = profile, .demangle = demangle};
  in.strings = hd_alloc_zeroed(strings, sizeof *in.strings);
  in.demangled = hd_alloc_zeroed(strings, sizeof *in.demangled);
  import->locations = hd_alloc_zeroed(profile->locations.count + 1, sizeof *import->locations);
  import->modules = hd_alloc_zeroed(profile->modules.count + 1, sizeof *import->modules);
  bool fine = in.strings && in.demangled && import->locations && import->modules
                  ? import_all(&in, import, error)
                  : hd_fail_memory(error);
  hd_free(in.strings);
  hd_free(in.demangled);
  hd_vec_deinit(&in.frames);
  if (!fine)
    hd_import_deinit(import);
  return fine;
}

void hd_import_deinit(struct hd_import *import)
{
  hd_free(import->locations);
  hd_free(import->modules);
  *import = (struct hd_import){0};
}

bool hd_pool_resolve(struct hd_pool *pool, uint32_t location,
                     const struct hd_resolved_frame *frames, size_t count, struct hd_error *error)
{
  struct hd_pool_location *place = &pool->locations.items[location - 1];
  if (!count) {
    struct hd_pool_frame bare = {.module = place->module, .offset = place->offset};
    uint32_t id;
    return intern_frame(pool, &bare, &id, error) && set_frames(pool, place, &id, 1, error);
  }
  uint32_t *ids = hd_alloc(count * sizeof *ids);
  bool fine = ids || hd_fail_memory(error);
  for (size_t i = 0; fine && i < count; i++) {
    struct hd_pool_frame made = {
        .line = frames[i].line, .start_line = frames[i].start_line, .module = place->module};
    uint32_t name = 0;
    fine = intern_text(pool, frames[i].function, &made.function, error) &&
           intern_text(pool, frames[i].system_name, &name, error) &&
           intern_text(pool, frames[i].file, &made.file, error);
    made.system_name = name == made.function ? 0 : name;
    keep_address(&made, place->offset);
    fine = fine && intern_frame(pool, &made, &ids[i], error);
  }
  fine = fine && set_frames(pool, place, ids, count, error);
  hd_free(ids);
  place->symbolized = fine;
  if (fine && place->module)
    pool->modules.items[place->module - 1].resolved++;
  return fine;
}
