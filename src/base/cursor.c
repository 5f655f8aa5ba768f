#include "base/cursor.h"

#include <string.h>

enum {
  VARINT_BYTES = 10, /* 64 bits in groups of 7 */
  FIELD_MAX = (1 << 29) - 1,
};

static bool fault(struct hd_cursor *cursor, const uint8_t *at, enum hd_cursor_fault what)
{
  cursor->at = at;
  cursor->fault = what;
  return false;
}

bool hd_cursor_long_varint(struct hd_cursor *cursor, uint64_t *value)
{
  const uint8_t *at = cursor->at;
  uint64_t result = 0;
  for (unsigned i = 0; i < VARINT_BYTES; i++) {
    if (at == cursor->end)
      return fault(cursor, cursor->at, HD_CURSOR_SHORT);
    uint8_t byte = *at++;
    /* The tenth byte holds bit 63 alone. */
    if (i == VARINT_BYTES - 1 && byte > 1)
      break;
    result |= (uint64_t)(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      cursor->at = at;
      *value = result;
      return true;
    }
  }
  return fault(cursor, cursor->at, HD_CURSOR_LONG_INT);
}

static bool take(struct hd_cursor *cursor, size_t size, uint64_t *value)
{
  if (hd_cursor_left(cursor) < size)
    return fault(cursor, cursor->at, HD_CURSOR_SHORT);
  *value = 0;
  for (size_t i = 0; i < size; i++)
    *value |= (uint64_t)cursor->at[i] << (8 * i);
  cursor->at += size;
  return true;
}

bool hd_cursor_fixed32(struct hd_cursor *cursor, uint32_t *value)
{
  uint64_t wide;
  if (!take(cursor, sizeof *value, &wide))
    return false;
  *value = (uint32_t)wide;
  return true;
}

bool hd_cursor_fixed64(struct hd_cursor *cursor, uint64_t *value)
{
  return take(cursor, sizeof *value, value);
}

static bool value_of(struct hd_cursor *cursor, struct hd_wire_field *field)
{
  switch (field->type) {
  case HD_WIRE_VARINT: return hd_cursor_varint(cursor, &field->value);
  case HD_WIRE_FIXED64: return take(cursor, 8, &field->value);
  case HD_WIRE_FIXED32: return take(cursor, 4, &field->value);
  case HD_WIRE_BYTES:
    if (!hd_cursor_varint(cursor, &field->value))
      return false;
    if (field->value > hd_cursor_left(cursor))
      return fault(cursor, cursor->at, HD_CURSOR_SHORT);
    field->data = cursor->at;
    cursor->at += field->value;
    return true;
  case HD_WIRE_GROUP_START:
  case HD_WIRE_GROUP_END: break;
  }
  return fault(cursor, cursor->at, HD_CURSOR_BAD_TYPE);
}

bool hd_cursor_field(struct hd_cursor *cursor, struct hd_wire_field *field)
{
  const uint8_t *begin = cursor->at;
  uint64_t tag;
  field->data = NULL;
  if (!hd_cursor_varint(cursor, &tag))
    return false;
  if (tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
    return fault(cursor, begin, HD_CURSOR_BAD_FIELD);
  field->number = (uint32_t)(tag >> 3);
  field->type = (enum hd_wire_type)(tag & 7);
  return value_of(cursor, field) || fault(cursor, begin, cursor->fault);
}

const char *hd_cursor_fault_text(enum hd_cursor_fault what)
{
  switch (what) {
  case HD_CURSOR_FINE: break;
  case HD_CURSOR_SHORT: return "a value goes past the end of what holds it";
  case HD_CURSOR_LONG_INT: return "a number has more than 64 bits";
  case HD_CURSOR_BAD_FIELD: return "a field has a number that no field can have";
  case HD_CURSOR_BAD_TYPE: return "a field has a wire type that is not read (a group, or none)";
  }
  return "nothing is wrong";
}
