#include <heapdiff/view.h>

#include "api/new_file.h"

struct writing {
  struct hd_new_file file;
  struct hd_error *error;
};

static bool write_piece(void *context, const char *data, size_t length)
{
  struct writing *writing = context;
  return hd_new_file_write(&writing->file, data, length, writing->error);
}

bool hd_report_file(const hd_view *view, const struct hd_style *style, const char *path,
                    struct hd_error *error)
{
  struct writing writing = {.file = {.fd = -1}, .error = error};
  bool fine = hd_new_file_create(&writing.file, path, false, error) &&
              hd_report(view, style, write_piece, &writing, error) &&
              hd_new_file_finish(&writing.file, error);
  hd_new_file_drop(&writing.file);
  return fine || hd_error_in(error, path);
}
