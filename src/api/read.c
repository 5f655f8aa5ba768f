/* From a handle to profiles: open, find the reader, read. */
#include "api/session.h"

#include "base/buffer.h"
#include "input/file_name.h"
#include "input/numbered.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *shown(const struct hd_handle *handle)
{
  return strcmp(handle->name, "-") == 0 ? "standard input" : handle->name;
}

static const struct hd_reader *reader_of(const struct hd_session *session, struct hd_stream *stream,
                                         struct hd_error *error)
{
  if (!hd_stream_peek(stream, HD_PROBE_BYTES, error))
    return NULL;
  if (session->reader)
    return session->reader;
  const struct hd_reader *reader = hd_reader_probe(stream->data, stream->length);
  if (!reader && !hd_reader_search(stream, &reader, error))
    return NULL;
  if (!reader)
    hd_fail_input(error, "no heap snapshot in a format that heapdiff knows; heapdiff-formats(7) "
                         "lists them");
  return reader;
}

/* Lets one snapshot of a file's series pass: by its own number, or by its place in
 * a format that numbers none. */
struct picker {
  struct hd_sink *sink;
  int64_t wanted;
  size_t seen, passed;
  struct hd_buffer numbers; /* that the file has: the first few */
};

static bool pick(void *context, struct hd_profile *profile, struct hd_error *error)
{
  enum { NAMED = 12 };
  struct picker *picker = context;
  int64_t number = profile->meta.sequence >= 0 ? profile->meta.sequence : (int64_t)picker->seen;
  if (picker->seen++ < NAMED)
    hd_buffer_printf(&picker->numbers, "%s%" PRId64, picker->seen > 1 ? ", " : "", number);
  else if (picker->seen == NAMED + 1)
    hd_buffer_puts(&picker->numbers, ", ...");
  if (number == picker->wanted) {
    picker->passed++;
    return picker->sink->take(picker->sink->context, profile, error);
  }
  hd_profile_destroy(profile);
  return true;
}

/* What a file does not say, its name may. */
static void identify(const struct hd_handle *handle, struct hd_meta *meta)
{
  struct hd_file_name name = hd_file_name_read(handle->name);
  if (!meta->pid)
    meta->pid = name.pid;
  if (meta->sequence < 0)
    meta->sequence = name.sequence;
  if (!meta->time_ns)
    meta->time_ns = name.time_ns;
}

/* Where profiles pass on their way from the reader. */
struct gate {
  const struct hd_handle *handle;
  bool strict; /* none passes that has rows which could not be read */
  struct hd_sink *sink;
  const struct hd_parts *parts;
};

static bool begin(void *context, struct hd_profile *profile, struct hd_error *error)
{
  const struct gate *gate = context;
  identify(gate->handle, &profile->meta);
  return gate->parts->begin(gate->parts->context, profile, error);
}

static bool add(void *context, const struct hd_profile *profile, struct hd_error *error)
{
  const struct gate *gate = context;
  return gate->parts->add(gate->parts->context, profile, error);
}

static bool pass(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct gate *gate = context;
  identify(gate->handle, &profile->meta);
  if (!gate->strict || !profile->bad_rows)
    return gate->sink->take(gate->sink->context, profile, error);
  hd_fail_input(error, "%" PRIu64 " row%s could not be read%s%s; without --strict the rest is used",
                profile->bad_rows, profile->bad_rows > 1 ? "s" : "",
                profile->first_bad ? ", the first: " : "",
                profile->first_bad ? profile->first_bad : "");
  hd_profile_destroy(profile);
  return false;
}

static bool read_stream(const struct hd_handle *handle, const struct hd_reader *reader,
                        struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct picker picker = {.sink = sink, .numbers = HD_BUFFER_INIT};
  struct hd_sink picking = {pick, &picker};
  if (!hd_handle_number(handle, &picker.wanted))
    return reader->read(stream, sink, error);
  bool fine = reader->read(stream, &picking, error) &&
              (picker.passed ||
               hd_fail_input(error, "the file has no snapshot %" PRId64 " to compare; it has %s",
                             picker.wanted, hd_buffer_text(&picker.numbers)));
  hd_buffer_deinit(&picker.numbers);
  return fine;
}

/* "reading snapshot 12 of 500,": of those that were chosen, else "reading". */
static void say_reading(const struct hd_session *session, const struct hd_handle *handle)
{
  char doing[64] = "reading";
  size_t count = session->chosen.count;
  const struct hd_handle *first = session->chosen.items;
  if (count > 1 && handle >= first && handle < first + count)
    snprintf(doing, sizeof doing, "reading snapshot %zu of %zu,", (size_t)(handle - first) + 1,
             count);
  hd_session_say(session, doing, shown(handle));
}

static bool read_gated(struct gate *gate, const struct hd_reader *reader, struct hd_stream *stream,
                       struct hd_error *error)
{
  struct hd_sink sink = {pass, gate};
  struct hd_parts parts = {begin, add, gate};
  int64_t number;
  if (gate->parts && reader->read_parts && !hd_handle_number(gate->handle, &number))
    return reader->read_parts(stream, &parts, &sink, error);
  return read_stream(gate->handle, reader, stream, &sink, error);
}

bool hd_session_read_parts(const struct hd_session *session, const struct hd_handle *handle,
                           const struct hd_inflate_turn *turn, const struct hd_parts *parts,
                           struct hd_sink *sink, char cut[HD_CUT_TEXT], struct hd_error *error)
{
  struct hd_input *input;
  struct hd_input_options options = session->input;
  say_reading(session, handle);
  options.turn = turn;
  cut[0] = '\0';
  if (!handle->source->open(handle, &options, &input, error))
    return hd_error_in(error, shown(handle));
  struct hd_stream *stream = hd_input_stream(input);
  struct gate gate = {handle, session->options.strict, sink, parts};
  const struct hd_reader *reader = reader_of(session, stream, error);
  bool fine = reader && read_gated(&gate, reader, stream, error);
  if (fine)
    memcpy(cut, stream->cut, sizeof stream->cut);
  hd_input_close(input);
  return fine || hd_error_in(error, shown(handle));
}

void hd_session_note_cut(struct hd_session *session, const struct hd_handle *handle,
                         const char *cut)
{
  if (cut[0])
    hd_session_add_note(session, HD_NOTE_WARNING, "partial", "%s: %s; what comes before is used",
                        shown(handle), cut);
}

bool hd_session_read(struct hd_session *session, const struct hd_handle *handle,
                     struct hd_sink *sink, struct hd_error *error)
{
  char cut[HD_CUT_TEXT];
  bool fine = hd_session_read_parts(session, handle, NULL, NULL, sink, cut, error);
  if (fine)
    hd_session_note_cut(session, handle, cut);
  return fine;
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
  say_reading(session, handle);
  if (!handle->source->open(handle, &session->input, &input, error))
    return hd_error_in(error, shown(handle));
  struct hd_stream *stream = hd_input_stream(input);
  bool fine = hd_stream_peek(stream, HD_PROBE_BYTES, error);
  const struct hd_reader *reader = !fine ? NULL
                                   : session->reader
                                       ? session->reader
                                       : hd_reader_probe(stream->data, stream->length);
  if (fine && !reader)
    fine = hd_reader_search(stream, &reader, error);
  if (reader)
    fine = peek(stream, reader, profile, error);
  if (fine && *profile)
    identify(handle, &(*profile)->meta);
  if (!fine) {
    hd_profile_destroy(*profile);
    *profile = NULL;
  }
  hd_input_close(input);
  return fine || hd_error_in(error, shown(handle));
}
