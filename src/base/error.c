#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool fail(struct hd_error *error, enum hd_error_kind kind, int64_t line, int64_t offset,
                 const char *format, va_list args)
{
  if (error && error->kind == HD_ERROR_NONE) {
    error->kind = kind;
    error->source[0] = '\0';
    error->line = line;
    error->offset = offset;
    vsnprintf(error->text, sizeof error->text, format, args);
  }
  return false;
}

#define FAIL(kind, line, offset)                                                                   \
  va_list args;                                                                                    \
  va_start(args, format);                                                                          \
  fail(error, kind, line, offset, format, args);                                                   \
  va_end(args);                                                                                    \
  return false

bool hd_fail_usage(struct hd_error *error, const char *format, ...)
{
  FAIL(HD_ERROR_USAGE, 0, -1);
}

bool hd_fail_input(struct hd_error *error, const char *format, ...)
{
  FAIL(HD_ERROR_INPUT, 0, -1);
}

bool hd_fail_internal(struct hd_error *error, const char *format, ...)
{
  FAIL(HD_ERROR_INTERNAL, 0, -1);
}

bool hd_fail_line(struct hd_error *error, int64_t line, const char *format, ...)
{
  FAIL(HD_ERROR_INPUT, line, -1);
}

bool hd_fail_offset(struct hd_error *error, int64_t offset, const char *format, ...)
{
  FAIL(HD_ERROR_INPUT, 0, offset);
}

bool hd_fail_memory(struct hd_error *error)
{
  return hd_fail_internal(error, "out of memory");
}

bool hd_error_at(struct hd_error *error, int64_t line, int64_t offset)
{
  if (error && error->kind == HD_ERROR_INPUT && !error->line && error->offset < 0) {
    error->line = line;
    error->offset = offset;
  }
  return false;
}

bool hd_error_in(struct hd_error *error, const char *source)
{
  if (error && error->kind != HD_ERROR_NONE && !error->source[0])
    snprintf(error->source, sizeof error->source, "%s", source);
  return false;
}

void hd_error_format(const struct hd_error *error, char *out, size_t size)
{
  char place[64] = "";
  if (error->line > 0)
    snprintf(place, sizeof place, "line %lld: ", (long long)error->line);
  else if (error->offset >= 0)
    snprintf(place, sizeof place, "at byte %lld: ", (long long)error->offset);
  snprintf(out, size, "%s%s%s%s", error->source, error->source[0] ? ": " : "", place, error->text);
}
