/* Folded stacks: a line each, the frames joined by ";", outermost first, then a
 * blank and a whole number, here of live bytes. What flame graphs are drawn from;
 * any tool can write it. Suffixes that mark kinds of frames ("_[k]") stay parts of
 * the names. Blank lines and lines that begin with "#" are skipped. */
#include "readers/reader.h"

#include <ctype.h>
#include <string.h>

static bool is_blank(char c)
{
  return c == ' ' || c == '\t';
}

/* Past what a profile takes, and far from overflow when a digit is added. */
#define TOO_MUCH ((uint64_t)HD_MAX_SUM)

struct row {
  const char *stack; /* not terminated */
  size_t length;
  double bytes;
};

/* Splits "FRAME;FRAME NUMBER"; false where the line is none. A number that no one
 * can have is left to the profile, which refuses it. */
static bool split(const char *line, size_t length, struct row *row)
{
  while (length && is_blank(line[length - 1]))
    length--;
  size_t end = length;
  while (length && isdigit((unsigned char)line[length - 1]))
    length--;
  uint64_t bytes = 0;
  for (size_t i = length; i < end; i++)
    bytes = bytes > TOO_MUCH ? bytes : bytes * 10 + (uint64_t)(line[i] - '0');
  row->bytes = (double)bytes;
  if (length == end || !length || !is_blank(line[length - 1]))
    return false;
  while (length && is_blank(line[length - 1]))
    length--;
  while (length && is_blank(*line)) {
    line++;
    length--;
  }
  row->stack = line;
  row->length = length;
  return length > 0;
}

/* Lines that hold no row. */
static bool is_skipped(const char *line, size_t length)
{
  size_t at = 0;
  while (at < length && is_blank(line[at]))
    at++;
  return at == length || line[at] == '#';
}

/* --- probe */

static bool is_text(const char *line, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)line[i] < ' ' && line[i] != '\t')
      return false;
  return true;
}

/* Two numbers at the end are a difference that somebody has made already. */
static bool is_difference(const struct row *row)
{
  struct row before;
  return split(row->stack, row->length, &before);
}

/* Text that happens to end in numbers is common: every line must be a row, and one
 * of them have two frames. */
static int probe(const uint8_t *head, size_t length)
{
  const char *at = (const char *)head, *end = at + length;
  bool calls = false;
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    /* A last line is cut anywhere; as the only one it has to be whole. */
    if (!newline && at > (const char *)head)
      break;
    size_t size = (size_t)((newline ? newline : end) - at);
    size_t used = size && at[size - 1] == '\r' ? size - 1 : size;
    struct row row;
    if (!is_text(at, used))
      return HD_PROBE_NO;
    if (!is_skipped(at, used)) {
      if (!split(at, used, &row) || is_difference(&row))
        return HD_PROBE_NO;
      calls |= memchr(row.stack, ';', row.length) != NULL;
    }
    at += size + (newline != NULL);
  }
  return calls ? HD_PROBE_MAYBE : HD_PROBE_NO;
}

/* --- rows */

struct folded {
  struct hd_profile *profile;
  HD_VEC(uint32_t) locations; /* [string id of the frame's name] */
  HD_VEC(uint32_t) path;      /* of the row, outermost first */
  size_t rows;
};

static bool add_frame(struct folded *folded, const char *name, size_t length,
                      struct hd_error *error)
{
  static const char nameless[] = "[unknown]";
  struct hd_frame frame = {0};
  if (!hd_profile_string(folded->profile, length ? name : nameless,
                         length ? length : sizeof nameless - 1, &frame.function, error))
    return false;
  while (folded->locations.count <= frame.function)
    if (!hd_vec_push(&folded->locations, 0))
      return hd_fail_memory(error);
  uint32_t *location = &folded->locations.items[frame.function];
  if (!*location &&
      !hd_profile_add_location(folded->profile, 0, 0, &frame, 1, false, location, error))
    return false;
  return hd_vec_push(&folded->path, *location) || hd_fail_memory(error);
}

static bool add_row(struct folded *folded, const struct row *row, struct hd_error *error)
{
  struct hd_record record = {.weight = 1};
  double values[HD_MEASURES] = {[HD_INUSE_SPACE] = row->bytes};
  const char *at = row->stack, *end = at + row->length;
  folded->path.count = 0;
  for (bool more = true; more;) {
    const char *semicolon = memchr(at, ';', (size_t)(end - at));
    more = semicolon != NULL;
    if (!add_frame(folded, at, (size_t)((more ? semicolon : end) - at), error))
      return false;
    at = more ? semicolon + 1 : end;
  }
  uint32_t *path = folded->path.items;
  for (size_t i = 0, k = folded->path.count - 1; i < k; i++, k--) {
    uint32_t outer = path[i];
    path[i] = path[k];
    path[k] = outer;
  }
  return hd_profile_add_stack(folded->profile, path, folded->path.count, false, &record.stack,
                              error) &&
         hd_profile_add_record(folded->profile, record, values, error);
}

static bool read_rows(struct folded *folded, struct hd_stream *stream, struct hd_error *error)
{
  const char *line;
  size_t length;
  bool whole;
  for (;;) {
    if (!hd_stream_line(stream, &line, &length, &whole, error))
      return false;
    if (!line)
      break;
    if (is_skipped(line, length))
      continue;
    struct row row;
    folded->rows++;
    if (!whole) {
      if (!hd_stream_cut(
              stream, error, (int64_t)stream->line, -1, "the last line has no newline",
              "its number may be cut off; get the file again, add a newline where it is whole"))
        return false;
      break;
    }
    if (!split(line, length, &row)) {
      if (!hd_reader_bad_row(folded->profile, (int64_t)stream->line, "cannot be read", line, length,
                             error))
        return false;
    } else if (!add_row(folded, &row, error)) {
      return hd_error_at(error, (int64_t)stream->line, -1);
    }
  }
  if (!folded->rows)
    return hd_fail_input(error, "the file has no stacks: each is a line \"outer;inner 1234\"");
  return folded->profile->bad_rows < folded->rows ||
         hd_fail_input(error,
                       "none of the %zu lines can be used: each needs frames joined by "
                       "\";\", a blank and a whole number of bytes",
                       folded->rows);
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct folded folded = {0};
  if (!hd_profile_create(&folded.profile, error))
    return false;
  folded.profile->meta.format = "folded";
  folded.profile->meta.kind = "heap";
  hd_profile_declare(folded.profile, HD_INUSE_SPACE);
  bool fine = read_rows(&folded, stream, error);
  hd_vec_deinit(&folded.locations);
  hd_vec_deinit(&folded.path);
  if (!fine) {
    hd_profile_destroy(folded.profile);
    return false;
  }
  hd_profile_freeze(folded.profile);
  return sink->take(sink->context, folded.profile, error);
}

extern const struct hd_reader hd_reader_folded;
const struct hd_reader hd_reader_folded = {
    .name = "folded",
    .summary = "folded stacks with a number of bytes, \"outer;inner 1234\"",
    .carries = "inuse_space",
    .probe = probe,
    .read = read,
};
