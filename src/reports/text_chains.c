/* Addresses for people: a block each, innermost inlined call first. Lists of a hundred
 * thousand addresses come this way, so that it does without formatting functions.
 *
 *   0x401136  inner (inline)  /src/chain.c:6
 *             outer  /src/chain.c:16
 */
#include "reports/text.h"

#include <string.h>

enum { GAP = 2, DIGITS = 24 };

/* Writes from the end; returns the first digit. */
static char *digits(char text[DIGITS], uint64_t value, unsigned base)
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

static void put_place(struct hd_buffer *out, const struct hd_chain_frame *frame)
{
  char text[DIGITS];
  if (!frame->file[0])
    return;
  hd_buffer_append(out, "  ", GAP);
  hd_print_clean(out, frame->file);
  hd_buffer_append(out, ":", 1);
  hd_buffer_puts(out, frame->line ? digits(text, frame->line, 10) : "?");
}

static void put_frame(struct hd_buffer *out, const struct hd_chain_frame *frame, bool inlined)
{
  hd_print_clean(out, frame->function[0] ? frame->function : "??");
  if (inlined)
    hd_buffer_puts(out, " (inline)");
  put_place(out, frame);
  hd_buffer_append(out, "\n", 1);
}

void hd_text_chains(const struct hd_view *view, const struct hd_style *style,
                    struct hd_buffer *out)
{
  (void)style;
  size_t width = address_width(view);
  for (size_t i = 0; i < view->chains.count; i++) {
    const struct hd_chain *chain = &view->chains.items[i];
    char text[DIGITS];
    const char *address = digits(text, chain->address, 16);
    hd_buffer_append(out, "0x", 2);
    hd_buffer_puts(out, address);
    hd_buffer_repeat(out, ' ', width - strlen("0x") - strlen(address) + GAP);
    if (!chain->count)
      hd_buffer_puts(out, "??\n");
    for (size_t n = 0; n < chain->count; n++) {
      if (n)
        hd_buffer_repeat(out, ' ', width + GAP);
      put_frame(out, &view->chain_frames.items[chain->first + n], n + 1 < chain->count);
    }
  }
}
