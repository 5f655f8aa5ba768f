/* `convert`: a snapshot, with the names of its addresses, in another format. */
#include "api/convert_file.h"
#include "api/session.h"

#include "base/buffer.h"
#include "writers/writer.h"

#include <heapdiff/convert.h>

#include <inttypes.h>
#include <string.h>

struct conversion {
  struct hd_session *session;
  const struct hd_convert_options *options;
  const struct hd_writer *writer;
  const struct hd_handle *handle;
  struct hd_profile *profile; /* the last one of the file */
  size_t profiles;
  struct hd_new_file file;
  struct hd_buffer lost;
  enum hd_measure measure;
};

const char *hd_target_name(size_t i)
{
  return i < hd_writer_count ? hd_writers[i]->name : NULL;
}

bool hd_target_binary(const char *name)
{
  const struct hd_writer *writer = hd_writer_find(name);
  return writer && writer->binary;
}

/* --- names --------------------------------------------------------------------------
 * The profile's own frames give way to those of the pool, which have names for
 * people and, of addresses that came without any, what symbolization found. */

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

static bool take_names(struct conversion *work, const struct hd_pool *pool,
                       const struct hd_import *import, struct hd_error *error)
{
  struct hd_profile *profile = work->profile;
  hd_vec_deinit(&profile->frames);
  for (size_t i = 0; i < profile->locations.count; i++)
    if (!add_frames(profile, pool, &profile->locations.items[i], import->locations[i + 1], error))
      return false;
  return true;
}

static bool name_addresses(struct conversion *work, struct hd_error *error)
{
  struct hd_pool *pool;
  struct hd_import import = {0};
  if (!hd_pool_create(&pool, error))
    return false;
  bool fine = hd_pool_import(pool, work->profile, hd_session_demangle, &import, error);
  if (fine) {
    fine =
        hd_session_symbolize(work->session, pool, error) && take_names(work, pool, &import, error);
    hd_session_note_symbols(work->session, pool, true);
    hd_import_deinit(&import);
  }
  hd_pool_destroy(pool);
  return fine;
}

/* --- output ------------------------------------------------------------------------- */

static bool take_bytes(void *context, const void *data, size_t length, struct hd_error *error)
{
  struct conversion *work = context;
  if (!length)
    return true;
  if (work->options->path)
    return hd_new_file_write(&work->file, data, length, error);
  return work->options->write(work->options->context, data, length) ||
         hd_fail_internal(error, "the snapshot could not be written");
}

static bool wants_gzip(const struct conversion *work)
{
  const char *path = work->options->path;
  size_t length = path ? strlen(path) : 0;
  return work->writer->compressed || (length > 3 && strcmp(path + length - 3, ".gz") == 0);
}

static bool put_out(struct conversion *work, struct hd_error *error)
{
  struct hd_output output = {.take = take_bytes, .context = work};
  struct hd_write_options options = {work->measure, hd_session_demangle};
  bool fine = (!wants_gzip(work) || hd_output_compress(&output, error)) &&
              work->writer->write(work->profile, &options, &output, &work->lost, error) &&
              hd_output_end(&output, error);
  hd_output_deinit(&output);
  return fine;
}

static bool write_out(struct conversion *work, struct hd_error *error)
{
  const char *path = work->options->path;
  if (!path)
    return put_out(work, error);
  bool fine = hd_new_file_create(&work->file, path, error) && put_out(work, error) &&
              hd_new_file_finish(&work->file, error);
  hd_new_file_drop(&work->file);
  return fine || hd_error_in(error, path);
}

/* --- the whole ---------------------------------------------------------------------- */

static bool keep_last(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct conversion *work = context;
  (void)error;
  hd_profile_destroy(work->profile);
  work->profile = profile;
  work->profiles++;
  return true;
}

static bool choose_measure(struct conversion *work, struct hd_error *error)
{
  const char *name = work->options->measure;
  if (!name) {
    for (int i = HD_MEASURES; i-- > 0;)
      if (work->profile->has[i])
        work->measure = (enum hd_measure)i;
    return true;
  }
  if (!hd_measure_find(name, strlen(name), &work->measure))
    return hd_fail_usage(error, "--measure: there is no '%s'", name);
  return work->profile->has[work->measure] ||
         hd_fail_usage(error,
                       "--measure: %s is not in the snapshot (absent is not zero); "
                       "`heapdiff info` shows what is",
                       hd_measures[work->measure].name);
}

static bool read_one(struct conversion *work, struct hd_error *error)
{
  struct hd_session *session = work->session;
  struct hd_sink sink = {keep_last, work};
  if (session->chosen.count != 1)
    return hd_fail_usage(error,
                         "convert takes one snapshot, and this is a series of %zu: name "
                         "one of its files",
                         session->chosen.count);
  work->handle = &session->chosen.items[0];
  if (!hd_session_read(session, work->handle, &sink, error))
    return false;
  if (!work->profile)
    return hd_fail_input(error, "there is no snapshot in what was named");
  if (work->profiles > 1)
    hd_session_add_note(session, HD_NOTE_WARNING, "several-snapshots",
                        "%s holds %zu snapshots: the last one is converted, FILE@N chooses another",
                        work->handle->name, work->profiles);
  hd_session_note_losses(session, work->handle->name, work->profile);
  return choose_measure(work, error);
}

static bool convert(struct conversion *work, struct hd_error *error)
{
  if (!read_one(work, error) || !name_addresses(work, error) || !write_out(work, error))
    return false;
  if (work->lost.failed)
    return hd_fail_memory(error);
  if (work->lost.length)
    hd_session_add_note(work->session, HD_NOTE_INFO, "not-converted", "%s: %s has no place for: %s",
                        work->handle->name, work->writer->name, work->lost.data);
  return true;
}

bool hd_convert(hd_session *session, const struct hd_convert_options *options,
                struct hd_error *error)
{
  struct conversion work = {.session = session, .options = options, .file = {.fd = -1}};
  work.writer = hd_writer_find(options->to);
  if (!work.writer)
    return hd_fail_usage(error, "there is no format '%s' to convert to", options->to);
  bool fine = convert(&work, error);
  hd_buffer_deinit(&work.lost);
  hd_profile_destroy(work.profile);
  return fine;
}
