/* From a handle to profiles: open, find the reader, read. */
#include "api/session.h"

#include <string.h>

static const char *shown(const struct hd_handle *handle)
{
  return strcmp(handle->name, "-") == 0 ? "standard input" : handle->name;
}

static const struct hd_reader *reader_of(const struct hd_session *session,
                                         struct hd_stream *stream, struct hd_error *error)
{
  if (!hd_stream_peek(stream, HD_PROBE_BYTES, error))
    return NULL;
  if (session->reader)
    return session->reader;
  const struct hd_reader *reader = hd_reader_probe(stream->data, stream->length);
  if (!reader)
    hd_fail_input(error, "no heap snapshot in a format that heapdiff knows; heapdiff-formats(7) "
                         "lists them");
  return reader;
}

bool hd_session_read(struct hd_session *session, const struct hd_handle *handle,
                     struct hd_sink *sink, struct hd_error *error)
{
  struct hd_input *input;
  if (!handle->source->open(handle->name, &session->input, &input, error))
    return hd_error_in(error, shown(handle));
  struct hd_stream *stream = hd_input_stream(input);
  const struct hd_reader *reader = reader_of(session, stream, error);
  bool fine = reader && reader->read(stream, sink, error);
  hd_input_close(input);
  return fine || hd_error_in(error, shown(handle));
}

static bool take_first(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct hd_profile **first = context;
  (void)error;
  if (*first)
    hd_profile_destroy(profile);
  else
    *first = profile;
  return true;
}

static bool peek(struct hd_stream *stream, const struct hd_reader *reader,
                 struct hd_profile **profile, struct hd_error *error)
{
  if (!reader->peek) {
    struct hd_sink sink = {take_first, profile};
    return reader->read(stream, &sink, error);
  }
  if (!hd_profile_create(profile, error))
    return false;
  if (reader->peek(stream, *profile, error))
    return true;
  hd_profile_destroy(*profile);
  *profile = NULL;
  return false;
}

bool hd_session_peek(struct hd_session *session, const struct hd_handle *handle,
                     struct hd_profile **profile, struct hd_error *error)
{
  struct hd_input *input;
  *profile = NULL;
  if (!handle->source->open(handle->name, &session->input, &input, error))
    return hd_error_in(error, shown(handle));
  struct hd_stream *stream = hd_input_stream(input);
  bool fine = hd_stream_peek(stream, HD_PROBE_BYTES, error);
  const struct hd_reader *reader =
      !fine ? NULL
            : session->reader ? session->reader : hd_reader_probe(stream->data, stream->length);
  if (reader)
    fine = peek(stream, reader, profile, error);
  if (!fine) {
    hd_profile_destroy(*profile);
    *profile = NULL;
  }
  hd_input_close(input);
  return fine || hd_error_in(error, shown(handle));
}
