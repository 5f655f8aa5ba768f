/* A snapshot's addresses get names: for what is written and read elsewhere. */
#include "api/session.h"

static bool move_text(struct hd_profile *profile, const struct hd_pool *pool, uint32_t *string,
                      struct hd_error *error)
{
  return !*string || hd_profile_string(profile, hd_strings_text(&pool->strings, *string),
                                       hd_strings_length(&pool->strings, *string), string, error);
}

static bool add_frames(struct hd_profile *profile, const struct hd_pool *pool,
                       struct hd_location *location, uint32_t id, struct hd_error *error)
{
  const struct hd_pool_location *from = &pool->locations.items[id - 1];
  location->first_frame = (uint32_t)profile->frames.count;
  location->frame_count = 0;
  for (uint32_t i = 0; from->symbolized && i < from->count; i++) {
    const struct hd_pool_frame *named =
        hd_pool_frame(pool, pool->location_frames.items[from->first + i]);
    struct hd_frame frame = {named->function, named->system_name, named->file, named->line,
                             named->start_line};
    if (!move_text(profile, pool, &frame.function, error) ||
        !move_text(profile, pool, &frame.system_name, error) ||
        !move_text(profile, pool, &frame.file, error))
      return false;
    if (profile->frames.count >= HD_MAX_ITEMS)
      return hd_fail_input(error, "more than %u frames", HD_MAX_ITEMS);
    if (!hd_vec_push(&profile->frames, frame))
      return hd_fail_memory(error);
    location->frame_count++;
  }
  return true;
}

/* The profile's own frames give way to those of the pool, which have names for people
 * and, of addresses that came without any, what symbolization found. */
static bool take_names(struct hd_profile *profile, const struct hd_pool *pool,
                       const struct hd_import *import, struct hd_error *error)
{
  hd_vec_deinit(&profile->frames);
  for (size_t i = 0; i < profile->locations.count; i++)
    if (!add_frames(profile, pool, &profile->locations.items[i], import->locations[i + 1], error))
      return false;
  return true;
}

bool hd_session_name_profile(struct hd_session *session, struct hd_pool *pool,
                             struct hd_profile *profile, struct hd_error *error)
{
  struct hd_import import = {0};
  if (!hd_pool_import(pool, profile, hd_session_demangle, &import, error))
    return false;
  bool fine =
      hd_session_symbolize(session, pool, error) && take_names(profile, pool, &import, error);
  hd_import_deinit(&import);
  return fine;
}
