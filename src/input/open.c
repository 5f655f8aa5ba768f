#include "input/open.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 256 * 1024, GZIP_WINDOW = 15 + 16 };

struct hd_input {
  struct hd_stream stream; /* first: refill() gets back from it to the input */
  int fd;
  bool compressed;
  bool inflating; /* inside a gzip member */
  z_stream zip;
  bool zip_ready;
  uint8_t *raw; /* what was read and not yet inflated */
  size_t raw_length, raw_used;
  uint64_t raw_offset; /* file offset of the end of `raw` */
  bool raw_ended;
  uint8_t *buffer; /* the window lies in it */
  size_t capacity;
  uint64_t inflated, max_inflated;
};

static bool read_some(struct hd_input *input, uint8_t *into, size_t room, size_t *got,
                      struct hd_error *error)
{
  ssize_t n;
  do
    n = read(input->fd, into, room);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return hd_fail_input(error, "cannot read: %s", strerror(errno));
  *got = (size_t)n;
  return true;
}

/* Moves the window to the front of the buffer and makes room behind it. */
static bool make_room(struct hd_input *input, struct hd_error *error)
{
  struct hd_stream *stream = &input->stream;
  if (stream->length && stream->data != input->buffer)
    memmove(input->buffer, stream->data, stream->length);
  if (input->capacity - stream->length < CHUNK / 2) {
    size_t capacity = input->capacity ? input->capacity * 2 : CHUNK;
    uint8_t *grown = hd_realloc(input->buffer, capacity);
    if (!grown) {
      stream->data = input->buffer;
      return hd_fail_memory(error);
    }
    input->buffer = grown;
    input->capacity = capacity;
  }
  stream->data = input->buffer;
  return true;
}

static bool refill_raw(struct hd_input *input, struct hd_error *error)
{
  input->raw_used = 0;
  if (!read_some(input, input->raw, CHUNK, &input->raw_length, error))
    return false;
  input->raw_offset += input->raw_length;
  input->raw_ended = !input->raw_length;
  return true;
}

static bool truncated(struct hd_input *input, struct hd_error *error)
{
  return hd_stream_cut(&input->stream, error, 0, (int64_t)input->raw_offset,
                       "the gzip data is truncated", "the file is incomplete; fetch it again");
}

/* Whether another gzip member begins here. Bytes of 0 behind the last member are
 * padding (tar, tapes); anything else is damage. */
static bool next_member(struct hd_input *input, bool *more, struct hd_error *error)
{
  for (;;) {
    while (input->raw_used < input->raw_length && !input->raw[input->raw_used])
      input->raw_used++;
    if (input->raw_used < input->raw_length)
      break;
    if (!refill_raw(input, error))
      return false;
    if (input->raw_ended) {
      *more = false;
      return true;
    }
  }
  *more = true;
  if (inflateReset(&input->zip) != Z_OK)
    return hd_fail_internal(error, "zlib cannot start again");
  input->inflating = true;
  return true;
}

static bool inflate_some(struct hd_input *input, uint8_t *into, size_t room, size_t *got,
                         struct hd_error *error)
{
  *got = 0;
  while (!*got) {
    if (!input->inflating) {
      bool more;
      if (!next_member(input, &more, error))
        return false;
      if (!more)
        return true;
    }
    if (input->raw_used == input->raw_length && !refill_raw(input, error))
      return false;
    if (input->raw_ended)
      return truncated(input, error);
    input->zip.next_in = input->raw + input->raw_used;
    input->zip.avail_in = (uInt)(input->raw_length - input->raw_used);
    input->zip.next_out = into;
    input->zip.avail_out = (uInt)room;
    int status = inflate(&input->zip, Z_NO_FLUSH);
    input->raw_used = input->raw_length - input->zip.avail_in;
    *got = room - input->zip.avail_out;
    if (status == Z_STREAM_END)
      input->inflating = false;
    else if (status == Z_MEM_ERROR)
      return hd_fail_memory(error);
    else if (status != Z_OK && status != Z_BUF_ERROR)
      return hd_fail_offset(error,
                            (int64_t)(input->raw_offset - (input->raw_length - input->raw_used)),
                            "the gzip data is damaged (%s): fetch the file again",
                            input->zip.msg ? input->zip.msg : "unknown block");
  }
  input->inflated += *got;
  if (input->inflated > input->max_inflated)
    return hd_fail_input(error,
                         "it inflates to more than %llu MiB: not a heap snapshot, or raise "
                         "the limit with --max-inflated",
                         (unsigned long long)(input->max_inflated >> 20));
  return true;
}

static bool refill(struct hd_stream *stream, struct hd_error *error)
{
  struct hd_input *input = (struct hd_input *)stream;
  if (!make_room(input, error))
    return false;
  size_t got, room = input->capacity - stream->length;
  if (room > CHUNK * 16)
    room = CHUNK * 16;
  uint8_t *into = input->buffer + stream->length;
  bool fine = input->compressed ? inflate_some(input, into, room, &got, error)
                                : read_some(input, into, room, &got, error);
  if (!fine)
    return false;
  stream->length += got;
  stream->ended = !got;
  return true;
}

static void consume(struct hd_stream *stream, size_t count)
{
  stream->data += count;
  stream->length -= count;
  stream->offset += count;
}

/* Turns an input whose first raw bytes are in the window into an inflating one. */
static bool start_inflating(struct hd_input *input, struct hd_error *error)
{
  struct hd_stream *stream = &input->stream;
  input->raw = hd_alloc(CHUNK);
  if (!input->raw || stream->length > CHUNK)
    return hd_fail_memory(error);
  memcpy(input->raw, stream->data, stream->length);
  input->raw_length = input->raw_offset = stream->length;
  stream->length = 0;
  stream->ended = false;
  stream->data = input->buffer;
  if (inflateInit2(&input->zip, GZIP_WINDOW) != Z_OK)
    return hd_fail_memory(error);
  input->zip_ready = input->compressed = input->inflating = true;
  return hd_stream_peek(stream, 1, error);
}

static bool open_file(struct hd_input *input, const char *path, struct hd_error *error)
{
  if (strcmp(path, "-") == 0) {
    input->fd = dup(STDIN_FILENO);
    return input->fd >= 0 ||
           hd_fail_input(error, "cannot read standard input: %s", strerror(errno));
  }
  input->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (input->fd < 0)
    return hd_fail_input(error, "cannot open: %s", strerror(errno));
  struct stat status;
  if (fstat(input->fd, &status) == 0 && S_ISDIR(status.st_mode))
    return hd_fail_input(error, "is a directory: name a snapshot in it, or the directory alone "
                                "where a set of snapshots is wanted");
  return true;
}

static bool begin(struct hd_input *input, const char *path, struct hd_error *error)
{
  struct hd_stream *stream = &input->stream;
  if (!open_file(input, path, error) || !refill(stream, error))
    return false;
  while (stream->length < 2 && !stream->ended)
    if (!refill(stream, error))
      return false;
  if (!stream->length)
    return hd_fail_input(error, "the file is empty");
  if (stream->length >= 2 && stream->data[0] == 0x1f && stream->data[1] == 0x8b &&
      !start_inflating(input, error))
    return false;
  if (!stream->length)
    return hd_fail_input(error, "the compressed file is empty");
  return true;
}

bool hd_input_open(const char *path, const struct hd_input_options *options,
                   struct hd_input **input, struct hd_error *error)
{
  struct hd_input *made = hd_alloc_zeroed(1, sizeof *made);
  *input = made;
  if (!made)
    return hd_fail_memory(error);
  made->fd = -1;
  made->max_inflated = options && options->max_inflated ? options->max_inflated : HD_MAX_INFLATED;
  made->stream.partial = options && options->partial;
  made->stream.refill = refill;
  made->stream.consume = consume;
  if (begin(made, path, error))
    return true;
  hd_error_in(error, strcmp(path, "-") == 0 ? "standard input" : path);
  hd_input_close(made);
  *input = NULL;
  return false;
}

struct hd_stream *hd_input_stream(struct hd_input *input)
{
  return &input->stream;
}

bool hd_input_compressed(const struct hd_input *input)
{
  return input->compressed;
}

void hd_input_close(struct hd_input *input)
{
  if (!input)
    return;
  if (input->fd >= 0)
    close(input->fd);
  if (input->zip_ready)
    inflateEnd(&input->zip);
  hd_free(input->raw);
  hd_free(input->buffer);
  hd_free(input);
}
