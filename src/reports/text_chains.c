/* Addresses for people: a block each, innermost inlined call first. Lists of a hundred
 * thousand addresses come this way, so that it does without formatting functions.
 *
 *   0x401136  inner (inline)  /src/chain.c:6
 *             outer  /src/chain.c:16
 */
#include "reports/text.h"

#include <string.h>

enum { GAP = 2, DIGITS = 24 };

/* Writes from the end; returns the first digit. Inline: a division by a constant is cheap. */
static inline char *digits(char text[DIGITS], uint64_t value, unsigned base)
{
  char *at = text + DIGITS - 1;
  *at = '\0';
  do
    *--at = "0123456789abcdef"[value % base];
  while (value /= base);
  return at;
}

static size_t address_width(const struct hd_view *view)
{
  uint64_t largest = 0;
  char text[DIGITS];
  for (size_t i = 0; i < view->chains.count; i++)
    if (view->chains.items[i].address > largest)
      largest = view->chains.items[i].address;
  return strlen("0x") + strlen(digits(text, largest, 16));
}

static char *put(char *at, const char *text, size_t length)
{
  memcpy(at, text, length);
  return at + length;
}

/* Into the room of `at`; returns behind it. */
static char *put_line(char *at, uint32_t line)
{
  char text[DIGITS];
  const char *first = digits(text, line, 10);
  return line ? put(at, first, (size_t)(text + DIGITS - 1 - first)) : put(at, "?", 1);
}

/* A hostile file can bring what is not to be printed as it is. */
static void put_odd_text(struct hd_buffer *out, const struct hd_chain_frame *frame,
                         const char *between)
{
  char text[DIGITS];
  hd_print_clean(out, frame->function[0] ? frame->function : "??");
  hd_buffer_puts(out, between);
  hd_print_clean(out, frame->file);
  if (frame->file[0])
    hd_buffer_append(out, ":", 1);
  if (frame->file[0])
    hd_buffer_append(out, text, (size_t)(put_line(text, frame->line) - text));
  hd_buffer_append(out, "\n", 1);
}

static void put_frame(struct hd_buffer *out, const struct hd_chain_frame *frame, bool inlined)
{
  static const char *const gaps[2][2] = {{"", "  "}, {" (inline)", " (inline)  "}};
  bool placed = frame->file[0];
  const char *function = frame->function[0] ? frame->function : "??";
  const char *between = gaps[inlined][placed];
  size_t name = strlen(function), gap = strlen(between), file = strlen(frame->file);
  if (!hd_text_is_plain(function, name) || !hd_text_is_plain(frame->file, file)) {
    put_odd_text(out, frame, between);
    return;
  }
  char *room = hd_buffer_room(out, name + gap + file + DIGITS), *at = room;
  if (!room)
    return;
  at = put(at, function, name);
  at = put(at, between, gap);
  at = put(at, frame->file, file);
  if (placed) {
    *at++ = ':';
    at = put_line(at, frame->line);
  }
  *at++ = '\n';
  hd_buffer_wrote(out, (size_t)(at - room));
}

/* The address, or blanks as wide. */
static void put_margin(struct hd_buffer *out, const uint64_t *address, size_t width)
{
  char text[DIGITS], *room = hd_buffer_room(out, width + GAP);
  if (!room)
    return;
  memset(room, ' ', width + GAP);
  if (address) {
    const char *hex = digits(text, *address, 16);
    put(put(room, "0x", 2), hex, (size_t)(text + DIGITS - 1 - hex));
  }
  hd_buffer_wrote(out, width + GAP);
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
  size_t width = address_width(view);
  for (size_t i = 0; i < view->chains.count; i++) {
    const struct hd_chain *chain = &view->chains.items[i];
    put_margin(out, &chain->address, width);
    if (!chain->count)
      hd_buffer_puts(out, "??\n");
    for (size_t n = 0; n < chain->count; n++) {
      fetch_ahead(view, chain->first + n);
      if (n)
        put_margin(out, NULL, width);
      put_frame(out, &view->chain_frames.items[chain->first + n], n + 1 < chain->count);
    }
    hd_buffer_drain(out);
  }
}
