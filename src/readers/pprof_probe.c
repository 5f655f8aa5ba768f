#include "readers/pprof.h"
#include "readers/reader.h"

/* The messages of profile.proto as far as a look at the first bytes needs them: a
 * letter a field number from 1 on. 'v' varint, 'p' a repeated number (a varint, or
 * packed into bytes), 's' text, and for messages the letter of their row. */
static const struct schema {
  char letter;
  const char *fields;
} schemas[] = {
    {'P', "TSMLFsvvvvTvpvv"}, /* Profile */
    {'T', "vv"},              /* ValueType */
    {'S', "ppl"},             /* Sample */
    {'l', "vvvv"},            /* Label */
    {'M', "vvvvvvvvvv"},      /* Mapping */
    {'L', "vvvnv"},           /* Location */
    {'n', "vvv"},             /* Line */
    {'F', "vvvvv"},           /* Function */
};

enum {
  SCHEMAS = sizeof schemas / sizeof *schemas,
  LOOKED_AT = 16 * 1024, /* more would tell nothing new */
};

struct look {
  unsigned messages; /* that are sound as far as the window goes */
  bool first_string; /* was seen */
};

static const struct schema *find(char letter)
{
  for (int i = 0; i < SCHEMAS; i++)
    if (schemas[i].letter == letter)
      return &schemas[i];
  return NULL;
}

static char kind_of(const struct schema *schema, uint64_t number)
{
  for (uint64_t i = 1; schema->fields[i - 1]; i++)
    if (i == number)
      return schema->fields[i - 1];
  return 0;
}

/* Reads a tag and, of bytes, the length, but not what lies past the window. */
static bool tag(struct hd_cursor *cursor, struct hd_wire_field *field)
{
  uint64_t number;
  if (!hd_cursor_varint(cursor, &number) || !hd_cursor_varint(cursor, &field->value))
    return false;
  field->number = number >> 3 > UINT32_MAX ? 0 : (uint32_t)(number >> 3);
  field->type = (enum hd_wire_type)(number & 7);
  field->data = cursor->at;
  return true;
}

static bool packed(struct hd_cursor cursor, bool cut)
{
  uint64_t value;
  while (!hd_cursor_done(&cursor))
    if (!hd_cursor_varint(&cursor, &value))
      return cut && cursor.fault == HD_CURSOR_SHORT;
  return true;
}

static bool message(struct look *look, struct hd_cursor cursor, const struct schema *schema,
                    bool cut);

/* What is there of a length-delimited value; `cut` where the window ends in it. */
static bool value(struct look *look, struct hd_cursor inside, char kind, bool cut)
{
  if (kind == 'p')
    return packed(inside, cut);
  if (kind != 's')
    return message(look, inside, find(kind), cut);
  /* The first string of all must be the empty one. */
  if (!look->first_string && (cut || !hd_cursor_done(&inside)))
    return false;
  look->first_string = true;
  return true;
}

/* Whether these bytes can be such a message; `cut`: it goes on past the window.
 * Depth is bounded by the schema. */
static bool message(struct look *look, struct hd_cursor cursor, const struct schema *schema,
                    bool cut)
{
  struct hd_wire_field field;
  while (!hd_cursor_done(&cursor)) {
    if (!tag(&cursor, &field)) {
      if (!cut || cursor.fault != HD_CURSOR_SHORT)
        return false;
      break;
    }
    char kind = kind_of(schema, field.number);
    bool text = kind != 'v' && (kind != 'p' || field.type == HD_WIRE_BYTES);
    if (!kind || field.type != (text ? HD_WIRE_BYTES : HD_WIRE_VARINT))
      return false;
    if (!text)
      continue;
    bool past = field.value > hd_cursor_left(&cursor);
    if (past && !cut)
      return false;
    struct hd_cursor inside = {cursor.start, cursor.at, past ? cursor.end : cursor.at + field.value,
                               HD_CURSOR_FINE};
    if (!value(look, inside, kind, past))
      return false;
    cursor.at = inside.end;
  }
  look->messages++;
  return true;
}

/* No text has these: they keep any text format from being taken for a profile,
 * which begins with small numbers in any case. */
static bool has_binary_byte(const uint8_t *head, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (head[i] < 0x20 && !(head[i] >= '\t' && head[i] <= '\r') && head[i] != 0x1b)
      return true;
  return false;
}

int hd_pprof_probe(const uint8_t *head, size_t length)
{
  if (length > LOOKED_AT)
    length = LOOKED_AT;
  if (length < 2 || !has_binary_byte(head, length))
    return HD_PROBE_NO;
  struct look look = {0};
  /* A file that ends early is still a profile: say what is wrong with it as one. */
  if (!message(&look, hd_cursor_of(head, length), find('P'), true))
    return HD_PROBE_NO;
  /* One is the whole; a few numbers alone are no evidence. */
  if (look.messages < 2 && !look.first_string)
    return HD_PROBE_NO;
  return look.messages > 4 ? HD_PROBE_SURE - 1 : HD_PROBE_LIKELY;
}
