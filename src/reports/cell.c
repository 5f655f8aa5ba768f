/* Cells as text. */
#include "reports/report.h"

#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <wchar.h>

static int unit_of(const struct hd_style *style)
{
  if (style->bytes)
    return 0;
  int unit = style->unit ? hd_byte_unit_find(style->unit) : -1;
  return unit < -1 ? -1 : unit;
}

static void print_bytes(const struct hd_cell *cell, const struct hd_style *style,
                        struct hd_buffer *out)
{
  char text[HD_UNITS_TEXT];
  if (style->bytes || cell->objects)
    hd_format_count(text, cell->integer, cell->sign);
  else
    hd_format_bytes(text, cell->integer, unit_of(style), cell->sign);
  hd_buffer_puts(out, text);
}

/* Eight levels from the smallest value to the largest; more values than
 * SPARK_WIDTH are thinned evenly, first and last kept. */
static void print_spark(const struct hd_cell *cell, const struct hd_style *style,
                        struct hd_buffer *out)
{
  enum { SPARK_WIDTH = 16, LEVELS = 8 };
  static const char *const bars[LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static const char marks[LEVELS + 1] = "_.-~=+*#";
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < cell->count; i++) {
    low = fmin(low, cell->points[i]);
    high = fmax(high, cell->points[i]);
  }
  size_t width = cell->count < SPARK_WIDTH ? cell->count : SPARK_WIDTH;
  for (size_t i = 0; i < width; i++) {
    size_t at = width > 1 ? i * (cell->count - 1) / (width - 1) : 0;
    double share = high > low ? (cell->points[at] - low) / (high - low) : 0;
    int level = (int)(share * (LEVELS - 1) + .5);
    if (style->ascii)
      hd_buffer_append(out, &marks[level], 1);
    else
      hd_buffer_puts(out, bars[level]);
  }
}

/* Sixteen bytes at once: a list of a hundred thousand addresses has tens of megabytes of
 * names. */
typedef unsigned char block __attribute__((vector_size(16)));

static block odd_bytes(const char *text)
{
  block bytes;
  memcpy(&bytes, text, sizeof bytes);
  return (block)(bytes - (unsigned char)' ' >= (unsigned char)(0x7f - ' '));
}

bool hd_text_is_plain(const char *text, size_t length)
{
  if (length < sizeof(block)) {
    bool plain = true;
    for (size_t at = 0; at < length; at++)
      plain &= (unsigned char)((unsigned char)text[at] - ' ') < 0x7f - ' ';
    return plain;
  }
  block odd = odd_bytes(text + length - sizeof odd);
  for (size_t at = 0; at + sizeof odd <= length; at += sizeof odd)
    odd |= odd_bytes(text + at);
  uint64_t halves[2];
  memcpy(halves, &odd, sizeof halves);
  return !(halves[0] | halves[1]);
}

static void print_odd(struct hd_buffer *out, const char *text)
{
  const char *plain = text; /* what was not appended yet */
  for (const char *c = text; *c; c++) {
    unsigned char byte = (unsigned char)*c, next = (unsigned char)c[1];
    bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0; /* U+0080 to U+009F */
    if (!c1 && byte >= 0x20 && byte != 0x7f)
      continue;
    hd_buffer_append(out, plain, (size_t)(c - plain));
    hd_buffer_append(out, byte == '\t' ? " " : "?", 1);
    c += c1;
    plain = c + 1;
  }
  hd_buffer_puts(out, plain);
}

void hd_print_clean(struct hd_buffer *out, const char *text)
{
  size_t length = strlen(text);
  if (hd_text_is_plain(text, length)) /* nearly all there is */
    hd_buffer_append(out, text, length);
  else
    print_odd(out, text);
}

void hd_cell_print(const struct hd_cell *cell, const struct hd_style *style, struct hd_buffer *out)
{
  char text[HD_UNITS_TEXT] = "";
  if (cell->interval)
    hd_buffer_puts(out, style->ascii ? "+-" : "±");
  switch (cell->kind) {
  case HD_CELL_EMPTY: return;
  case HD_CELL_TEXT: hd_print_clean(out, cell->text); return;
  case HD_CELL_BYTES:
  case HD_CELL_RATE: print_bytes(cell, style, out); return;
  case HD_CELL_COUNT: hd_format_count(text, cell->integer, cell->sign); break;
  case HD_CELL_NUMBER: hd_buffer_printf(out, "%.3g", cell->number); return;
  case HD_CELL_RATIO: hd_format_percent(text, cell->number, cell->sign); break;
  case HD_CELL_PPROF_RATIO: hd_format_percent_pprof(text, cell->number); break;
  case HD_CELL_DURATION: hd_format_duration(text, cell->integer); break;
  case HD_CELL_TIME: hd_format_time(text, cell->integer); break;
  case HD_CELL_SPARK: print_spark(cell, style, out); return;
  case HD_CELL_BOOL: hd_buffer_puts(out, cell->integer ? "yes" : "no"); return;
  case HD_CELL_LIST:
    for (size_t i = 0; i < cell->count; i++) {
      hd_buffer_puts(out, i ? "; " : "");
      hd_print_clean(out, cell->texts[i]);
    }
    return;
  }
  hd_buffer_puts(out, text);
}

void hd_cell_print_plain(const struct hd_cell *cell, struct hd_buffer *out)
{
  switch (cell->kind) {
  case HD_CELL_EMPTY: return;
  case HD_CELL_TEXT: hd_buffer_puts(out, cell->text); return;
  case HD_CELL_BYTES:
  case HD_CELL_RATE:
  case HD_CELL_COUNT:
  case HD_CELL_DURATION:
  case HD_CELL_TIME: hd_buffer_printf(out, "%" PRId64, cell->integer); return;
  case HD_CELL_BOOL: hd_buffer_puts(out, cell->integer ? "true" : "false"); return;
  case HD_CELL_NUMBER: hd_buffer_printf(out, "%.6g", cell->number); return;
  case HD_CELL_RATIO:
  case HD_CELL_PPROF_RATIO: hd_buffer_printf(out, "%.6f", cell->number); return;
  case HD_CELL_SPARK:
    for (size_t i = 0; i < cell->count; i++)
      hd_buffer_printf(out, "%s%.0f", i ? " " : "", cell->points[i]);
    return;
  case HD_CELL_LIST:
    for (size_t i = 0; i < cell->count; i++) {
      hd_buffer_puts(out, i ? "\n" : "");
      hd_buffer_puts(out, cell->texts[i]);
    }
    return;
  }
}

size_t hd_text_width(const char *text)
{
  size_t width = 0;
  mbstate_t state = {0};
  while (*text) {
    wchar_t c;
    size_t length = mbrtowc(&c, text, 16, &state);
    if (length == (size_t)-1 || length == (size_t)-2 || !length) {
      /* Not text in this locale: continuation bytes of UTF-8 take no column. */
      width += ((unsigned char)*text & 0xc0) != 0x80;
      memset(&state, 0, sizeof state);
      text++;
      continue;
    }
    int columns = wcwidth(c);
    width += columns > 0 ? (size_t)columns : 0;
    text += length;
  }
  return width;
}

size_t hd_utf8_length(const unsigned char *text)
{
  size_t length = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;
  if (*text > 0xf4 || (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
      (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
    return 0;
  /* XML has no place for U+FFFE and U+FFFF, nor has anybody else. */
  if (text[0] == 0xef && text[1] == 0xbf && text[2] >= 0xbe)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  return length;
}
