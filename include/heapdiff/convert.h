/* Snapshots in another format, and which formats there are. */
#ifndef HEAPDIFF_CONVERT_H
#define HEAPDIFF_CONVERT_H

#include <heapdiff/session.h>
#include <heapdiff/view.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hd_convert_options {
  const char *to;      /* a target's name */
  const char *measure; /* for a target that holds only one; NULL: inuse_space, else the first */
  const char *path;    /* the file to write; NULL: through `write` */
  hd_write_fn write;
  void *context;
};

/* Writes the one snapshot that was selected, with the names that its addresses have
 * (unless the session is to open no binaries). A file appears under its name when it
 * is whole, and not before; a failed write is an error of kind internal. What the
 * target could not hold is one of the session's notes. */
bool hd_convert(hd_session *session, const struct hd_convert_options *options,
                struct hd_error *error);

/* The words that `to` takes: NULL past the last one. */
const char *hd_target_name(size_t i);
/* Whether a target is not for a terminal; false for an unknown one. */
bool hd_target_binary(const char *name);

/* The formats that are read and written. */
bool hd_formats(hd_view **view, struct hd_error *error);

#ifdef __cplusplus
}
#endif

#endif
