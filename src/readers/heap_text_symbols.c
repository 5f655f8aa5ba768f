/* Symbols that a file brings along, as `pprof --raw` and `jeprof --raw` write them
 * in front of a profile:
 *
 *   --- symbol
 *   binary=/bin/server
 *   0x40ab3f main--fill        a function, and what is inlined there
 *   ---
 *   --- heap
 */
#include "readers/heap_text.h"

#include <string.h>

/* Inlined functions at one address: more is damage. */
enum { MAX_INLINE = 1024 };

static bool symbol_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_heap_text *text = context;
  return text->symbols.items[id - 1].address == *(const uint64_t *)key;
}

static uint32_t find(const struct hd_heap_text *text, uint64_t address)
{
  return hd_index_find(&text->symbol_index, hd_hash(&address, sizeof address), symbol_equal, text,
                       &address);
}

/* pprof adds the function's own address to names from the ELF symbol table:
 * "f<0000000000001ae0>". */
static size_t without_address(const char *name, size_t length)
{
  size_t at = length;
  if (length < 3 || name[length - 1] != '>')
    return length;
  for (at--; at && strchr("0123456789abcdef", name[at - 1]) && name[at - 1]; at--)
    ;
  return at > 1 && at < length - 1 && name[at - 1] == '<' ? at - 1 : length;
}

/* The innermost function comes last in the line, first among the frames. */
static bool add_names(struct hd_heap_text *text, struct hd_scan names, struct hd_error *error)
{
  for (int i = 0; i < MAX_INLINE && names.at < names.end; i++) {
    const char *name = names.end;
    while (name > names.at && !(name - names.at >= 2 && name[-1] == '-' && name[-2] == '-'))
      name--;
    struct hd_frame frame = {0};
    if (name < names.end &&
        (!hd_profile_string(text->profile, name, without_address(name, (size_t)(names.end - name)),
                            &frame.function, error) ||
         !(hd_vec_push(&text->frames, frame) || hd_fail_memory(error))))
      return false;
    names.end = name > names.at ? name - 2 : names.at;
  }
  return true;
}

static bool add_symbol(struct hd_heap_text *text, struct hd_scan line, struct hd_error *error)
{
  struct hd_heap_symbol made = {.frames.first = (uint32_t)text->frames.count};
  if (!hd_scan_hex(&line, &made.address) || find(text, made.address))
    return true;
  hd_scan_trim(&line);
  /* An address for a name says that there is none. */
  struct hd_scan name = line;
  if (line.at == line.end || hd_scan_literal(&name, "0x"))
    return true;
  if (text->frames.count + MAX_INLINE >= HD_MAX_ITEMS)
    return hd_fail_line(error, hd_heap_text_line(text), "more than %u symbols", HD_MAX_ITEMS);
  if (!add_names(text, line, error))
    return false;
  made.frames.count = (uint32_t)text->frames.count - made.frames.first;
  if (!hd_vec_push(&text->symbols, made) ||
      !hd_index_add(&text->symbol_index, hd_hash(&made.address, sizeof made.address),
                    (uint32_t)text->symbols.count))
    return hd_fail_memory(error);
  return true;
}

bool hd_heap_text_symbols(struct hd_heap_text *text, struct hd_error *error)
{
  for (;;) {
    if (!hd_heap_text_next(text, error))
      return false;
    struct hd_scan line = text->line;
    if (!line.at || hd_scan_literal(&line, "---"))
      return true;
    if (hd_scan_literal(&line, "binary=")) {
      hd_scan_trim(&line);
      text->binary = hd_profile_text(text->profile, line.at, hd_scan_left(&line));
      if (!text->binary)
        return hd_fail_memory(error);
    } else if (!text->peeking && !add_symbol(text, line, error)) {
      return false;
    }
  }
}

struct hd_span hd_heap_text_symbol(const struct hd_heap_text *text, uint64_t address)
{
  /* The table is of look-up addresses, but jeprof leaves the leaf's as it is. */
  uint32_t id = find(text, address - 1);
  if (!id)
    id = find(text, address);
  return id ? text->symbols.items[id - 1].frames : (struct hd_span){0};
}
