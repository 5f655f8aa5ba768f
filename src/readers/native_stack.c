/* The lines that a native snapshot has most of, in the shape that recorders write them:
 * no blanks, no escapes, whole numbers, the members that heapdiff-snapshot(5) names.
 *
 *   {"stack":[12,7,0],"records":[{"values":[48,1,96,2]}]}
 *   {"stack":[3],"truncated":true,"records":[{"size":48,"rate":524288,"live":3,"alloc":9,
 *    "ages":[[10,2],[11,1]]}]}
 *
 * The line is read to its end before anything is done with it. */
#include "readers/native.h"

#include <string.h>

struct age {
  uint32_t record; /* 0-based, in the line */
  uint32_t log2;
  uint64_t count;
};

struct plain_record {
  struct hd_native_record record;
  bool has_values;
  double values[HD_MEASURES];
};

struct hd_native_plain {
  bool truncated;
  HD_VEC(struct plain_record) records;
  HD_VEC(struct age) ages;
};

struct text {
  const char *at, *end;
};

static bool take(struct text *text, const char *literal, size_t length)
{
  if ((size_t)(text->end - text->at) < length || memcmp(text->at, literal, length) != 0)
    return false;
  text->at += length;
  return true;
}

#define TAKE(text, literal) take((text), (literal), sizeof(literal) - 1)

static bool take_char(struct text *text, char c)
{
  if (text->at == text->end || *text->at != c)
    return false;
  text->at++;
  return true;
}

/* A whole number of at most 18 digits, which no 64 bits overflow. */
static bool number(struct text *text, uint64_t *value)
{
  enum { MOST_DIGITS = 18 };
  const char *at = text->at;
  uint64_t sum = 0;
  while (at < text->end && *at >= '0' && *at <= '9')
    sum = sum * 10 + (uint64_t)(*at++ - '0');
  size_t digits = (size_t)(at - text->at);
  if (!digits || digits > MOST_DIGITS || (digits > 1 && *text->at == '0'))
    return false;
  text->at = at;
  *value = sum;
  return true;
}

static bool signed_number(struct text *text, double *value)
{
  uint64_t size;
  bool negative = take_char(text, '-');
  if (!number(text, &size) || (negative && !size))
    return false;
  *value = negative ? -(double)size : (double)size;
  return true;
}

/* "[...]" of whatever `item` reads. */
static bool list(struct hd_native *native, struct text *text,
                 bool (*item)(struct hd_native *native, struct text *text))
{
  if (!take_char(text, '['))
    return false;
  if (take_char(text, ']'))
    return true;
  do {
    if (!item(native, text))
      return false;
  } while (take_char(text, ','));
  return take_char(text, ']');
}

static bool frame(struct hd_native *native, struct text *text)
{
  uint64_t at;
  return number(text, &at) && at < native->frames.count &&
         hd_vec_push(&native->stack, native->frames.items[at]);
}

static bool age(struct hd_native *native, struct text *text)
{
  struct hd_native_plain *plain = native->plain;
  struct age made = {.record = (uint32_t)plain->records.count - 1};
  uint64_t log2;
  if (!take_char(text, '[') || !number(text, &log2) || log2 > HD_NATIVE_MAX_AGE ||
      !take_char(text, ',') || !number(text, &made.count) || !take_char(text, ']'))
    return false;
  made.log2 = (uint32_t)log2;
  return hd_vec_push(&plain->ages, made);
}

static bool values(const struct hd_native *native, struct text *text, double into[HD_MEASURES])
{
  if (!take_char(text, '['))
    return false;
  for (size_t i = 0, at = 0; i < native->position_count; i++) {
    double value;
    if ((i && !take_char(text, ',')) || !signed_number(text, &value))
      return false;
    if (native->known[i])
      into[native->measures[at++]] = value;
  }
  return take_char(text, ']');
}

enum { SIZE = 1, RATE = 2, LIVE = 4, ALLOC = 8, VALUES = 16, AGES = 32 };

/* One member of a record; its bit, 0 where it is none of these. */
static int member(struct hd_native *native, struct text *text)
{
  struct plain_record *item = &native->plain->records.items[native->plain->records.count - 1];
  struct hd_native_record *record = &item->record;
  if (TAKE(text, "\"size\":"))
    return number(text, &record->size) ? SIZE : 0;
  if (TAKE(text, "\"rate\":"))
    return number(text, &record->rate) ? RATE : 0;
  if (TAKE(text, "\"live\":"))
    return number(text, &record->live) ? LIVE : 0;
  if (TAKE(text, "\"alloc\":"))
    return number(text, &record->alloc) ? ALLOC : 0;
  if (TAKE(text, "\"values\":"))
    return values(native, text, item->values) ? VALUES : 0;
  if (TAKE(text, "\"ages\":"))
    return list(native, text, age) ? AGES : 0;
  return 0;
}

static bool record(struct hd_native *native, struct text *text)
{
  struct hd_native_plain *plain = native->plain;
  int seen = 0, bit;
  if (!hd_vec_push(&plain->records, (struct plain_record){.has_values = false}) ||
      !take_char(text, '{'))
    return false;
  do {
    bit = member(native, text);
    if (!bit || (seen & bit)) /* what is there twice is an error */
      return false;
    seen |= bit;
  } while (take_char(text, ','));
  struct plain_record *made = &plain->records.items[plain->records.count - 1];
  made->record.has_size = seen & SIZE;
  made->has_values = seen & VALUES;
  bool counts = (seen & (SIZE | LIVE | ALLOC)) == (SIZE | LIVE | ALLOC) && made->record.rate;
  return (made->has_values || counts) && take_char(text, '}');
}

static bool read_line(struct hd_native *native, struct text *text)
{
  struct hd_native_plain *plain = native->plain;
  plain->records.count = plain->ages.count = 0;
  native->stack.count = 0;
  if (!TAKE(text, "{\"stack\":") || !list(native, text, frame))
    return false;
  plain->truncated = TAKE(text, ",\"truncated\":true");
  return TAKE(text, ",\"records\":") && list(native, text, record) && TAKE(text, "}") &&
         text->at == text->end;
}

static bool add_record(struct hd_native *native, struct plain_record *item, uint32_t stack,
                       struct hd_error *error)
{
  struct hd_record made = {.stack = stack,
                           .size = item->record.size,
                           .rate = item->record.rate,
                           .weight = hd_native_weight(&item->record)};
  if (!item->has_values)
    hd_native_unsample(&item->record, item->values);
  if (!hd_profile_add_record(native->profile, made, item->values, error))
    return hd_error_at(error, native->line, -1);
  native->records++;
  return true;
}

static bool add_line(struct hd_native *native, struct hd_error *error)
{
  struct hd_native_plain *plain = native->plain;
  uint32_t stack;
  if (!hd_profile_add_stack(native->profile, native->stack.items, native->stack.count,
                            plain->truncated, &stack, error))
    return hd_error_at(error, native->line, -1);
  for (size_t i = 0, next = 0; i < plain->records.count; i++) {
    if (!add_record(native, &plain->records.items[i], stack, error))
      return false;
    for (; next < plain->ages.count && plain->ages.items[next].record == i; next++) {
      const struct age *from = &plain->ages.items[next];
      struct hd_age made = {(uint32_t)native->profile->records.count, from->log2, from->count};
      if (!hd_profile_add_age(native->profile, made, error))
        return false;
    }
  }
  native->stacks++;
  return true;
}

bool hd_native_plain_stack(struct hd_native *native, const char *line, size_t length, bool *taken,
                           struct hd_error *error)
{
  struct text text = {line, line + length};
  if (!native->plain && !(native->plain = hd_alloc_zeroed(1, sizeof *native->plain)))
    return hd_fail_memory(error);
  *taken = read_line(native, &text);
  return !*taken || add_line(native, error);
}

void hd_native_plain_destroy(struct hd_native_plain *plain)
{
  if (!plain)
    return;
  hd_vec_deinit(&plain->records);
  hd_vec_deinit(&plain->ages);
  hd_free(plain);
}
