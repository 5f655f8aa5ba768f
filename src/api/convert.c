/* `convert`: a snapshot, with the names of its addresses, in another format. */
#include "api/session.h"
#include "api/write_snapshot.h"

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

static bool name_addresses(struct conversion *work, struct hd_error *error)
{
  struct hd_pool *pool;
  if (!hd_pool_create(&pool, error))
    return false;
  bool fine = hd_session_name_profile(work->session, pool, work->profile, error);
  if (fine)
    hd_session_note_symbols(work->session, pool, true);
  hd_pool_destroy(pool);
  return fine;
}

static bool wants_gzip(const struct hd_convert_options *options)
{
  size_t length = options->path ? strlen(options->path) : 0;
  return length > 3 && strcmp(options->path + length - 3, ".gz") == 0;
}

static bool write_out(struct conversion *work, struct hd_error *error)
{
  const struct hd_convert_options *options = work->options;
  struct hd_snapshot_target target = {.writer = work->writer,
                                      .measure = work->measure,
                                      .compress = wants_gzip(options),
                                      .path = options->path,
                                      .write = options->write,
                                      .context = options->context};
  return hd_write_snapshot(work->profile, &target, &work->lost, error);
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
  if (!hd_measure_choose(name, &work->measure, error))
    return false;
  if (hd_measures[work->measure].merge == HD_MERGE_MAX)
    return hd_fail_usage(error, "--measure: %s does not add up, and folded stacks are sums",
                         hd_measures[work->measure].name);
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
  struct conversion work = {.session = session, .options = options};
  work.writer = hd_writer_find(options->to);
  if (!work.writer)
    return hd_fail_usage(error, "there is no format '%s' to convert to", options->to);
  bool fine = convert(&work, error);
  hd_buffer_deinit(&work.lost);
  hd_profile_destroy(work.profile);
  return fine;
}
