#include "api/write_snapshot.h"

#include "api/new_file.h"
#include "api/session.h"

struct writing {
  const struct hd_profile *profile;
  const struct hd_snapshot_target *target;
  struct hd_buffer *lost;
  struct hd_new_file file;
};

static bool take_bytes(void *context, const void *data, size_t length, struct hd_error *error)
{
  struct writing *writing = context;
  const struct hd_snapshot_target *target = writing->target;
  if (!length)
    return true;
  if (target->path)
    return hd_new_file_write(&writing->file, data, length, error);
  return target->write(target->context, data, length) ||
         hd_fail_internal(error, "the snapshot could not be written");
}

static bool put_out(struct writing *writing, struct hd_error *error)
{
  const struct hd_snapshot_target *target = writing->target;
  const struct hd_writer *writer = target->writer;
  struct hd_output output = {.take = take_bytes, .context = writing};
  struct hd_write_options options = {target->measure, hd_session_demangle};
  bool gzip = writer->compressed || target->compress;
  bool fine = (!gzip || hd_output_compress(&output, error)) &&
              writer->write(writing->profile, &options, &output, writing->lost, error) &&
              hd_output_end(&output, error);
  hd_output_deinit(&output);
  return fine && (!writing->lost->failed || hd_fail_memory(error));
}

bool hd_write_snapshot(const struct hd_profile *profile, const struct hd_snapshot_target *target,
                       struct hd_buffer *lost, struct hd_error *error)
{
  struct writing writing = {.profile = profile, .target = target, .lost = lost, .file = {.fd = -1}};
  if (!target->path)
    return put_out(&writing, error);
  bool fine = hd_new_file_create(&writing.file, target->path, target->replaces, error) &&
              put_out(&writing, error) &&
              hd_new_file_finish(&writing.file, error);
  hd_new_file_drop(&writing.file);
  return fine || hd_error_in(error, target->path);
}
