#include "input/inflate.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

#define HD_INFLATE(symbol) extern const struct hd_inflate_method symbol;
#include "input/inflate.def"
#undef HD_INFLATE

static const struct hd_inflate_method *const methods[] = {
#define HD_INFLATE(symbol) &symbol,
#include "input/inflate.def"
#undef HD_INFLATE
};

enum { CHUNK = 256 * 1024 };

struct hd_inflation {
  const struct hd_inflate_method *method;
  struct hd_inflate_source source;
  void *state;
  uint64_t inflated, limit;
  bool inside;  /* a piece */
  bool pending; /* the room was used up: there may be more without more input */
  uint8_t *raw; /* what was read and not yet inflated */
  size_t length, used;
  uint64_t offset; /* in the file, of the end of `raw` */
  bool ended;
};

const struct hd_inflate_method *hd_inflate_find(const uint8_t *head, size_t length)
{
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (methods[i]->begins(head, length))
      return methods[i];
  return NULL;
}

bool hd_inflation_create(const struct hd_inflate_method *method, struct hd_inflate_source source,
                         const uint8_t *head, size_t length, uint64_t limit,
                         struct hd_inflation **inflation, struct hd_error *error)
{
  struct hd_inflation *made = hd_alloc_zeroed(1, sizeof *made);
  *inflation = made;
  if (!made)
    return hd_fail_memory(error);
  made->method = method;
  made->source = source;
  made->limit = limit;
  made->inside = true;
  made->raw = hd_alloc(length > CHUNK ? length : CHUNK);
  made->state = method->create();
  if (!made->raw || !made->state) {
    hd_inflation_destroy(made);
    *inflation = NULL;
    return hd_fail_memory(error);
  }
  memcpy(made->raw, head, length);
  made->length = made->offset = length;
  return true;
}

static bool refill(struct hd_inflation *inflation, struct hd_error *error)
{
  inflation->used = 0;
  inflation->length = 0;
  if (!inflation->source.read(inflation->source.context, inflation->raw, CHUNK, &inflation->length,
                              error))
    return false;
  inflation->offset += inflation->length;
  inflation->ended = !inflation->length;
  return true;
}

/* Where the next byte to inflate lies in the file. */
static int64_t place(const struct hd_inflation *inflation)
{
  return (int64_t)(inflation->offset - (inflation->length - inflation->used));
}

static bool truncated(const struct hd_inflation *inflation, struct hd_error *error)
{
  char what[64];
  snprintf(what, sizeof what, "the %s data is truncated", inflation->method->name);
  return inflation->source.cut(inflation->source.context, place(inflation), what, error);
}

static bool damaged(const struct hd_inflation *inflation, enum hd_inflate_result result,
                    const char *why, struct hd_error *error)
{
  const char *name = inflation->method->name;
  if (result == HD_INFLATE_NO_MEMORY)
    return hd_fail_memory(error);
  if (result == HD_INFLATE_WINDOW)
    return hd_fail_offset(error, place(inflation),
                          "the %s data takes too much memory to decompress (%s): decompress it "
                          "by other means, or compress it again without a long window",
                          name, why);
  return hd_fail_offset(error, place(inflation),
                        "the %s data is damaged (%s): fetch the file again", name, why);
}

/* Whether another piece begins here. Bytes of 0 behind the last one are padding
 * (tar, tapes); anything else is damage, which the method will find. */
static bool next_piece(struct hd_inflation *inflation, bool *more, struct hd_error *error)
{
  for (;;) {
    while (inflation->used < inflation->length && !inflation->raw[inflation->used])
      inflation->used++;
    *more = inflation->used < inflation->length;
    if (*more)
      break;
    if (!refill(inflation, error))
      return false;
    if (inflation->ended)
      return true;
  }
  inflation->method->restart(inflation->state);
  inflation->inside = true;
  inflation->pending = false;
  return true;
}

/* One run of the method; *got may be 0: nothing yet, or nothing more. */
static bool step(struct hd_inflation *inflation, uint8_t *into, size_t room, size_t *got,
                 struct hd_error *error)
{
  if (inflation->used == inflation->length && !inflation->pending) {
    if (!refill(inflation, error))
      return false;
    if (inflation->ended)
      return truncated(inflation, error);
  }
  struct hd_inflate_step now = {inflation->raw + inflation->used,
                                inflation->length - inflation->used, into, room};
  const char *why = "";
  enum hd_inflate_result result = inflation->method->run(inflation->state, &now, &why);
  inflation->used = inflation->length - now.in_left;
  inflation->pending = !now.out_left;
  inflation->inside = result != HD_INFLATE_PIECE_ENDED;
  *got = room - now.out_left;
  return result <= HD_INFLATE_PIECE_ENDED || damaged(inflation, result, why, error);
}

bool hd_inflation_read(struct hd_inflation *inflation, uint8_t *into, size_t room, size_t *got,
                       struct hd_error *error)
{
  *got = 0;
  while (!*got) {
    bool more = true;
    if (!inflation->inside && !next_piece(inflation, &more, error))
      return false;
    if (!more)
      return true;
    if (!step(inflation, into, room, got, error))
      return false;
    if (inflation->ended && !*got)
      return true;
  }
  inflation->inflated += *got;
  if (inflation->inflated > inflation->limit)
    return hd_fail_input(error,
                         "it inflates to more than %llu MiB: not a heap snapshot, or raise "
                         "the limit with --max-inflated",
                         (unsigned long long)(inflation->limit >> 20));
  return true;
}

void hd_inflation_destroy(struct hd_inflation *inflation)
{
  if (!inflation)
    return;
  if (inflation->state)
    inflation->method->destroy(inflation->state);
  hd_free(inflation->raw);
  hd_free(inflation);
}
