#include "input/open.h"

#include "base/alloc.h"
#include "input/inflate.h"
#include "input/inflate_whole.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  CHUNK = 256 * 1024,
  RELEASED = 1 << 20, /* of what is not read again, given back to the system at a time */
};

struct hd_input {
  struct hd_stream stream; /* first: refill() gets back from it to the input */
  int fd;
  struct hd_inflation *inflation; /* NULL: the file is plain, or inflated already */
  uint8_t *buffer;                /* the window lies in it */
  size_t capacity;
  uint64_t max_inflated;
  const struct hd_inflate_turn *turn; /* NULL: passed on, or nobody waits */
  bool compressed;
  bool maybe_whole; /* it has not been tried at once yet */
  bool whole;       /* all that the file inflates to lies in the buffer */
  size_t packed;    /* of so many compressed ones */
  size_t released;  /* of the buffer, so many bytes from its beginning are gone */
  size_t given;     /* back, in all */
};

static bool read_some(void *context, uint8_t *into, size_t room, size_t *got,
                      struct hd_error *error)
{
  const struct hd_input *input = context;
  ssize_t n;
  do
    n = read(input->fd, into, room);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return hd_fail_input(error, "cannot read: %s", strerror(errno));
  *got = (size_t)n;
  return true;
}

static void pass_turn(struct hd_input *input)
{
  if (input->turn)
    input->turn->pass(input->turn->context);
  input->turn = NULL;
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

/* Whoever looks at the beginning of a file is done with what was streamed first; who
 * wants more wants all, which is had sooner at once. */
static bool inflate_rest(struct hd_input *input, struct hd_error *error)
{
  struct hd_stream *stream = &input->stream;
  uint8_t *data;
  size_t length;
  input->maybe_whole = false;
  if (input->turn && !input->turn->take(input->turn->context))
    return hd_fail_internal(error, "stopped");
  if (!hd_inflate_whole(input->fd, input->max_inflated, &data, &length, &input->packed, error))
    return false;
  /* Shorter than what was streamed: somebody writes to it meanwhile. */
  if (data && length < stream->offset + stream->length) {
    hd_free(data);
    data = NULL;
  }
  if (!data) {
    pass_turn(input);
    return true;
  }
  hd_free(input->buffer);
  hd_inflation_destroy(input->inflation);
  input->inflation = NULL;
  input->whole = true;
  input->buffer = data;
  input->capacity = length;
  stream->data = data + stream->offset;
  stream->length = length - (size_t)stream->offset;
  stream->ended = true;
  return true;
}

static bool refill(struct hd_stream *stream, struct hd_error *error)
{
  struct hd_input *input = (struct hd_input *)stream;
  if (input->maybe_whole && stream->offset + stream->length > 0) {
    if (!inflate_rest(input, error))
      return false;
    if (input->whole)
      return true;
  }
  if (!make_room(input, error))
    return false;
  size_t got, room = input->capacity - stream->length;
  if (room > CHUNK * 16)
    room = CHUNK * 16;
  uint8_t *into = input->buffer + stream->length;
  bool fine = input->inflation ? hd_inflation_read(input->inflation, into, room, &got, error)
                               : read_some(input, into, room, &got, error);
  if (!fine)
    return false;
  stream->length += got;
  stream->ended = !got;
  return true;
}

/* Whole pages between two places of the buffer go back to the system; they read as zeros
 * from then on, and stay malloc's. */
static void give_back(struct hd_input *input, size_t from, size_t to)
{
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = ((uintptr_t)input->buffer + from + page - 1) / page * page;
  uintptr_t last = ((uintptr_t)input->buffer + to) / page * page;
  if (last > first)
    madvise((void *)first, last - first, MADV_DONTNEED);
  /* The next file's compressed bytes have their room now. */
  input->given += to - from;
  if (input->given >= input->packed)
    pass_turn(input);
}

static void release(struct hd_stream *stream, size_t from, size_t to)
{
  struct hd_input *input = (struct hd_input *)stream;
  size_t start = (size_t)(stream->data - input->buffer);
  if (!input->whole)
    return;
  give_back(input, start + from, start + to);
}

/* What was consumed before: the bytes that are consumed now may still be read. */
static void release_consumed(struct hd_input *input)
{
  size_t end = (size_t)(input->stream.data - input->buffer);
  if (!input->whole || end - input->released < RELEASED)
    return;
  give_back(input, input->released, end);
  input->released = end;
}

static void consume(struct hd_stream *stream, size_t count)
{
  release_consumed((struct hd_input *)stream);
  stream->data += count;
  stream->length -= count;
  stream->offset += count;
}

static bool cut_off(void *context, int64_t offset, const char *what, struct hd_error *error)
{
  struct hd_input *input = context;
  return hd_stream_cut(&input->stream, error, 0, offset, what,
                       "the file is incomplete; fetch it again (--partial uses what comes before, "
                       "where the format allows it)");
}

/* Turns an input whose first raw bytes are in the window into an inflating one. */
static bool start_inflating(struct hd_input *input, const struct hd_inflate_method *method,
                            bool is_file, struct hd_error *error)
{
  struct hd_stream *stream = &input->stream;
  struct hd_inflate_source file = {read_some, cut_off, input};
  if (!hd_inflation_create(method, file, stream->data, stream->length, input->max_inflated,
                           &input->inflation, error))
    return false;
  stream->length = 0;
  stream->ended = false;
  stream->data = input->buffer;
  input->compressed = true;
  input->maybe_whole = is_file && method->at_once;
  return hd_stream_peek(stream, 1, error);
}

static bool open_file(struct hd_input *input, const char *path, struct hd_error *error)
{
  if (strcmp(path, "-") == 0) {
    input->fd = dup(STDIN_FILENO);
    return input->fd >= 0 || hd_fail_input(error, "cannot read standard input: %s", strerror(errno));
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

static bool begin(struct hd_input *input, bool is_file, struct hd_error *error)
{
  struct hd_stream *stream = &input->stream;
  if (!hd_stream_peek(stream, HD_INFLATE_HEAD, error))
    return false;
  if (!stream->length)
    return hd_fail_input(error, "the file is empty");
  const struct hd_inflate_method *method = hd_inflate_find(stream->data, stream->length);
  if (method && !start_inflating(input, method, is_file, error))
    return false;
  if (!stream->length)
    return stream->cut[0] ? hd_fail_input(error, "%s before its first whole block: nothing "
                                                   "of it can be used; fetch it again", stream->cut)
                          : hd_fail_input(error, "the compressed file is empty");
  if (!input->maybe_whole)
    pass_turn(input);
  return true;
}

static struct hd_input *create(const struct hd_input_options *options, struct hd_error *error)
{
  struct hd_input *made = hd_alloc_zeroed(1, sizeof *made);
  if (!made) {
    hd_fail_memory(error);
    return NULL;
  }
  made->fd = -1;
  made->max_inflated =
      options && options->max_inflated ? options->max_inflated : HD_MAX_INFLATED;
  made->stream.partial = options && options->partial;
  made->stream.refill = refill;
  made->stream.consume = consume;
  made->stream.release = release;
  made->turn = options ? options->turn : NULL;
  return made;
}

static bool refuse(struct hd_input **input, const char *name, struct hd_error *error)
{
  hd_input_close(*input);
  *input = NULL;
  return hd_error_in(error, name);
}

bool hd_input_open(const char *path, const struct hd_input_options *options,
                   struct hd_input **input, struct hd_error *error)
{
  *input = create(options, error);
  if (!*input)
    return false;
  if (open_file(*input, path, error) && begin(*input, strcmp(path, "-") != 0, error))
    return true;
  return refuse(input, strcmp(path, "-") == 0 ? "standard input" : path, error);
}

bool hd_input_open_fd(int fd, const char *name, const struct hd_input_options *options,
                      struct hd_input **input, struct hd_error *error)
{
  *input = create(options, error);
  if (!*input)
    return false;
  (*input)->fd = lseek(fd, 0, SEEK_SET) == 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
  if ((*input)->fd < 0)
    hd_fail_internal(error, "cannot be read again: %s", strerror(errno));
  else if (begin(*input, true, error))
    return true;
  return refuse(input, name, error);
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
  pass_turn(input);
  if (input->fd >= 0)
    close(input->fd);
  hd_inflation_destroy(input->inflation);
  hd_free(input->buffer);
  hd_free(input);
}
