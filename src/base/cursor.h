/* Reading the protobuf wire format from a buffer, bounds-checked: tags, varints,
 * fixed and length-delimited values. Nothing is copied and nothing allocated.
 * The encoding: https://protobuf.dev/programming-guides/encoding/
 *
 *   struct hd_cursor cursor = hd_cursor_of(data, length);
 *   struct hd_wire_field field;
 *   while (!hd_cursor_done(&cursor)) {
 *     if (!hd_cursor_field(&cursor, &field))
 *       return fail(hd_cursor_fault_text(cursor.fault), hd_cursor_offset(&cursor));
 *     ...
 *   }
 *
 * A failed call sets `fault` and leaves `at` where the broken value begins. */
#ifndef HD_BASE_CURSOR_H
#define HD_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hd_wire_type {
  HD_WIRE_VARINT = 0,
  HD_WIRE_FIXED64 = 1,
  HD_WIRE_BYTES = 2,
  HD_WIRE_GROUP_START = 3, /* groups are refused: no format read here has them */
  HD_WIRE_GROUP_END = 4,
  HD_WIRE_FIXED32 = 5,
};

enum hd_cursor_fault {
  HD_CURSOR_FINE,
  HD_CURSOR_SHORT,     /* the value goes past the end */
  HD_CURSOR_LONG_INT,  /* a varint of more than 10 bytes, or of more than 64 bits */
  HD_CURSOR_BAD_FIELD, /* field number 0, or past the largest that protobuf has */
  HD_CURSOR_BAD_TYPE,  /* a group, or a wire type that does not exist */
};

struct hd_cursor {
  const uint8_t *start; /* of the whole buffer: what offsets count from */
  const uint8_t *at, *end;
  enum hd_cursor_fault fault;
};

struct hd_wire_field {
  uint32_t number;
  enum hd_wire_type type;
  uint64_t value;      /* of a varint or fixed value; the length of bytes */
  const uint8_t *data; /* of bytes, else NULL */
};

static inline struct hd_cursor hd_cursor_of(const void *data, size_t length)
{
  const uint8_t *start = data;
  return (struct hd_cursor){start, start, start ? start + length : NULL, HD_CURSOR_FINE};
}

/* A cursor over the bytes of a length-delimited field of `parent`; its offsets
 * count from the same start. */
static inline struct hd_cursor hd_cursor_inside(const struct hd_cursor *parent,
                                                const struct hd_wire_field *field)
{
  return (struct hd_cursor){parent->start, field->data, field->data + field->value, HD_CURSOR_FINE};
}

static inline bool hd_cursor_done(const struct hd_cursor *cursor)
{
  return cursor->at == cursor->end;
}

static inline size_t hd_cursor_offset(const struct hd_cursor *cursor)
{
  return (size_t)(cursor->at - cursor->start);
}

static inline size_t hd_cursor_left(const struct hd_cursor *cursor)
{
  return (size_t)(cursor->end - cursor->at);
}

bool hd_cursor_long_varint(struct hd_cursor *cursor, uint64_t *value);

/* A base-128 integer, as stored: the caller casts to int64_t where the format
 * says so. */
static inline bool hd_cursor_varint(struct hd_cursor *cursor, uint64_t *value)
{
  if (cursor->at < cursor->end && *cursor->at < 0x80) {
    *value = *cursor->at++;
    return true;
  }
  return hd_cursor_long_varint(cursor, value);
}

/* Little-endian. */
bool hd_cursor_fixed32(struct hd_cursor *cursor, uint32_t *value);
bool hd_cursor_fixed64(struct hd_cursor *cursor, uint64_t *value);

/* A tag and its value, whatever the field: reading one is also how to skip one. */
bool hd_cursor_field(struct hd_cursor *cursor, struct hd_wire_field *field);

/* Half a sentence for people: "a number is longer than 64 bits". */
const char *hd_cursor_fault_text(enum hd_cursor_fault fault);

#endif
