/* Addresses for people: a block each, innermost inlined call first. Lists of a hundred
 * thousand addresses come this way, so that it does without formatting functions.
 *
 *   0x401136  inner (inline)  /src/chain.c:6
 *             outer  /src/chain.c:16
 */
#include "reports/text.h"

#include <string.h>

enum { GAP = 2, PREFIX = sizeof "0x" - 1, SHORT = 16, MARGIN = PREFIX + 16 + GAP };

static size_t hex_length(uint64_t value)
{
  return value ? (size_t)(67 - __builtin_clzll(value)) / 4 : 1;
}

static size_t decimal_length(uint32_t value)
{
  size_t length = 1;
  for (uint64_t power = 10; power <= value; power *= 10)
    length++;
  return length;
}

/* Digits go to their place at once: what was written byte by byte is slow to be copied. The
 * base is a constant where this is inlined, which makes the division cheap. */
static inline char *put_digits(char *at, uint64_t value, unsigned base, size_t length)
{
  for (size_t i = length; i-- > 0; value /= base)
    at[i] = "0123456789abcdef"[value % base];
  return at + length;
}

static char *put(char *at, const char *text, size_t length)
{
  memcpy(at, text, length);
  return at + length;
}

/* The address, where it is not NULL, and blanks to the margin. There is room for MARGIN. */
static char *put_margin(char *at, const uint64_t *address, size_t margin)
{
  memset(at, ' ', MARGIN);
  if (address) {
    memcpy(at, "0x", PREFIX);
    put_digits(at + PREFIX, *address, 16, hex_length(*address));
  }
  return at + margin;
}

/* " (inline)" and the gap before the file. There is room for SHORT. */
static char *put_gap(char *at, bool inlined, bool placed)
{
  static const char texts[2][SHORT] = {"  ", " (inline)  "};
  memcpy(at, texts[inlined], SHORT);
  return at + (inlined ? strlen(" (inline)") : 0) + (placed ? GAP : 0);
}

/* ":12" and the end of the line. There is room for SHORT. */
static char *put_line(char *at, const struct hd_chain_frame *frame)
{
  if (frame->file[0]) {
    *at++ = ':';
    if (frame->line)
      at = put_digits(at, frame->line, 10, decimal_length(frame->line));
    else
      *at++ = '?';
  }
  *at++ = '\n';
  return at;
}

/* A hostile file can bring what is not to be printed as it is. */
static void put_odd_frame(struct hd_buffer *out, const uint64_t *address, size_t margin,
                          const struct hd_chain_frame *frame, bool inlined)
{
  char text[MARGIN + SHORT];
  hd_buffer_append(out, text, (size_t)(put_margin(text, address, margin) - text));
  hd_print_clean(out, frame->function[0] ? frame->function : "??");
  hd_buffer_append(out, text, (size_t)(put_gap(text, inlined, frame->file[0]) - text));
  hd_print_clean(out, frame->file);
  hd_buffer_append(out, text, (size_t)(put_line(text, frame) - text));
}

static void put_frame(struct hd_buffer *out, const uint64_t *address, size_t margin,
                      const struct hd_chain_frame *frame, bool inlined)
{
  const char *function = frame->function[0] ? frame->function : "??";
  size_t name = strlen(function), file = strlen(frame->file);
  if (!hd_text_is_plain(function, name) || !hd_text_is_plain(frame->file, file)) {
    put_odd_frame(out, address, margin, frame, inlined);
    return;
  }
  char *room = hd_buffer_room(out, MARGIN + name + SHORT + file + SHORT), *at = room;
  if (!room)
    return;
  at = put(put_margin(at, address, margin), function, name);
  at = put(put_gap(at, inlined, frame->file[0]), frame->file, file);
  hd_buffer_wrote(out, (size_t)(put_line(at, frame) - room));
}

/* The texts of a long list lie all over some megabytes: waiting for them took half of the
 * time that printing does. */
static void fetch_ahead(const struct hd_view *view, size_t frame)
{
  enum { AHEAD = 12 };
  if (frame + AHEAD >= view->chain_frames.count)
    return;
  const struct hd_chain_frame *later = &view->chain_frames.items[frame + AHEAD];
  __builtin_prefetch(later->function);
  __builtin_prefetch(later->file);
}

void hd_text_chains(const struct hd_view *view, const struct hd_style *style,
                    struct hd_buffer *out)
{
  (void)style;
  uint64_t largest = 0;
  for (size_t i = 0; i < view->chains.count; i++)
    if (view->chains.items[i].address > largest)
      largest = view->chains.items[i].address;
  size_t margin = PREFIX + hex_length(largest) + GAP;
  for (size_t i = 0; i < view->chains.count; i++) {
    static const struct hd_chain_frame unknown = {"", "", 0, 0};
    const struct hd_chain *chain = &view->chains.items[i];
    if (!chain->count)
      put_frame(out, &chain->address, margin, &unknown, false);
    for (size_t n = 0; n < chain->count; n++) {
      fetch_ahead(view, chain->first + n);
      put_frame(out, n ? NULL : &chain->address, margin,
                &view->chain_frames.items[chain->first + n], n + 1 < chain->count);
    }
    hd_buffer_drain(out);
  }
}
