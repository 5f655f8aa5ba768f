#include "readers/valgrind.h"

#include <ctype.h>
#include <string.h>

struct text {
  const char *at;
  size_t length;
};

/* --- the text of a frame */

/* Takes "0xADDRESS: " off; 0 and the text untouched where it does not begin so. */
static uint64_t take_address(struct text *text)
{
  uint64_t address = 0;
  size_t at = 2;
  if (text->length < 4 || text->at[0] != '0' || text->at[1] != 'x')
    return 0;
  for (; at < text->length && isxdigit((unsigned char)text->at[at]); at++) {
    int c = tolower((unsigned char)text->at[at]);
    if (address >> 60)
      return 0;
    address = address << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  if (at == 2 || text->length - at < 2 || text->at[at] != ':' || text->at[at + 1] != ' ')
    return 0;
  text->at += at + 2;
  text->length -= at + 2;
  return address;
}

/* Splits "FUNCTION (PLACE)" at the parenthesis that the last one closes; a path may
 * have some of its own. `place` is empty where there is none. */
static void split_place(struct text *function, struct text *place)
{
  size_t depth = 0, at = function->length;
  *place = (struct text){NULL, 0};
  if (!at || function->at[at - 1] != ')')
    return;
  while (at-- > 0) {
    if (function->at[at] == ')')
      depth++;
    else if (function->at[at] == '(' && --depth == 0)
      break;
  }
  /* "operator()(int)" closes with no blank before it: there is no place. */
  if (depth || at < 2 || function->at[at - 1] != ' ')
    return;
  *place = (struct text){function->at + at + 1, function->length - at - 2};
  function->length = at - 1;
}

/* Takes ":NUMBER" off the end; false where the text does not end so. */
static bool take_number(struct text *text, uint32_t *number)
{
  uint64_t value = 0;
  size_t colon = text->length;
  while (colon > 0 && isdigit((unsigned char)text->at[colon - 1]))
    colon--;
  if (colon < 2 || colon == text->length || text->at[colon - 1] != ':')
    return false;
  for (size_t i = colon; i < text->length; i++) {
    value = value * 10 + (uint64_t)(text->at[i] - '0');
    if (value > INT32_MAX)
      return false;
  }
  *number = (uint32_t)value;
  text->length = colon - 1;
  return true;
}

static bool module_of(struct hd_valgrind *valgrind, struct text path, uint32_t *module,
                      struct hd_error *error)
{
  struct hd_module made = {0};
  if (!hd_profile_string(valgrind->profile, path.at, path.length, &made.path, error))
    return false;
  while (valgrind->module_ids.count <= made.path)
    if (!hd_vec_push(&valgrind->module_ids, 0))
      return hd_fail_memory(error);
  *module = valgrind->module_ids.items[made.path];
  if (*module)
    return true;
  if (!hd_profile_add_module(valgrind->profile, made, module, error))
    return false;
  valgrind->module_ids.items[made.path] = *module;
  return true;
}

/* "in /usr/lib/libfoo.so", "foo.c:12", or Rust's "foo.rs:12:5". */
static bool read_place(struct hd_valgrind *valgrind, struct text place,
                       struct hd_valgrind_frame *frame, struct hd_error *error)
{
  uint32_t line;
  if (place.length > 3 && memcmp(place.at, "in ", 3) == 0)
    return module_of(valgrind, (struct text){place.at + 3, place.length - 3}, &frame->module,
                     error);
  if (take_number(&place, &frame->frame.line) && take_number(&place, &line))
    frame->frame.line = line; /* a column was behind it */
  return hd_profile_string(valgrind->profile, place.at, place.length, &frame->frame.file, error);
}

/* Whether what stands in the last parentheses is a place, not parameters: a
 * function that has neither a file nor a module is printed alone. */
static bool is_place(struct text place)
{
  uint32_t line;
  return (place.length > 3 && memcmp(place.at, "in ", 3) == 0) || take_number(&place, &line);
}

static bool read_frame(struct hd_valgrind *valgrind, struct text text,
                       struct hd_valgrind_frame *frame, struct hd_error *error)
{
  struct text function = text, place;
  frame->address = take_address(&function);
  text = function;
  split_place(&function, &place);
  if (!is_place(place))
    function = text;
  else if (!read_place(valgrind, place, frame, error))
    return false;
  /* Without a name its address tells it apart. It is an address of the process,
   * not an offset in the module, which nothing in these files would give. */
  if (frame->address && function.length == 3 && memcmp(function.at, "???", 3) == 0) {
    const char *bare = hd_strings_text(&valgrind->texts, (uint32_t)valgrind->frames.count + 1);
    function = (struct text){bare, strcspn(bare, ":")};
  }
  return hd_profile_string(valgrind->profile, function.at, function.length, &frame->frame.function,
                           error);
}

bool hd_valgrind_frame(struct hd_valgrind *valgrind, const char *text, size_t length, uint32_t *id,
                       struct hd_error *error)
{
  struct hd_valgrind_frame frame = {0};
  if (!hd_strings_intern(&valgrind->texts, text, length, id))
    return hd_fail_memory(error);
  if (*id <= valgrind->frames.count)
    return true;
  if (!read_frame(valgrind, (struct text){text, length}, &frame, error))
    return false;
  return hd_vec_push(&valgrind->frames, frame) || hd_fail_memory(error);
}

/* --- stacks */

static bool chain_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_valgrind *valgrind = context;
  struct hd_span have = valgrind->chains.items[id - 1];
  const struct hd_span *want = key; /* the frames are the last ones of chain_frames */
  return have.count == want->count &&
         memcmp(valgrind->chain_frames.items + have.first,
                valgrind->chain_frames.items + want->first,
                want->count * sizeof *valgrind->chain_frames.items) == 0;
}

/* The location of frames that share an address. Chains and locations have the same
 * ids: nothing else adds any. */
static bool location_of(struct hd_valgrind *valgrind, const uint32_t *frames, size_t count,
                        uint32_t *location, struct hd_error *error)
{
  struct hd_span span = {(uint32_t)valgrind->chain_frames.count, (uint32_t)count};
  uint64_t hash = hd_hash(frames, count * sizeof *frames);
  if (!hd_vec_reserve(&valgrind->chain_frames, count))
    return hd_fail_memory(error);
  memcpy(valgrind->chain_frames.items + span.first, frames, count * sizeof *frames);
  *location = hd_index_find(&valgrind->chain_index, hash, chain_equal, valgrind, &span);
  if (*location)
    return true;
  HD_SCOPED_FREE struct hd_frame *symbols = hd_alloc(count * sizeof *symbols);
  if (!symbols)
    return hd_fail_memory(error);
  for (size_t i = 0; i < count; i++)
    symbols[i] = valgrind->frames.items[frames[i] - 1].frame;
  uint32_t module = valgrind->frames.items[frames[count - 1] - 1].module;
  if (!hd_profile_add_location(valgrind->profile, module, 0, symbols, count, false, location,
                               error))
    return false;
  if (!hd_vec_push(&valgrind->chains, span) ||
      !hd_index_add(&valgrind->chain_index, hash, *location))
    return hd_fail_memory(error);
  valgrind->chain_frames.count += count;
  return true;
}

/* How many frames from the first on share its address. An address gives the same
 * frames each time, so where the first one comes again a function calls itself. */
static size_t chain_length(const struct hd_valgrind *valgrind, const uint32_t *frames, size_t count)
{
  uint64_t address = valgrind->frames.items[frames[0] - 1].address;
  size_t length = 1;
  while (address && length < count && frames[length] != frames[0] &&
         valgrind->frames.items[frames[length] - 1].address == address)
    length++;
  return length;
}

bool hd_valgrind_stack(struct hd_valgrind *valgrind, const uint32_t *frames, size_t count,
                       bool truncated, uint32_t *stack, struct hd_error *error)
{
  valgrind->locations.count = 0;
  for (size_t at = 0, length; at < count; at += length) {
    uint32_t location;
    length = chain_length(valgrind, frames + at, count - at);
    if (!location_of(valgrind, frames + at, length, &location, error))
      return false;
    if (!hd_vec_push(&valgrind->locations, location))
      return hd_fail_memory(error);
  }
  return hd_profile_add_stack(valgrind->profile, valgrind->locations.items,
                              valgrind->locations.count, truncated, stack, error);
}

/* --- the rest */

bool hd_valgrind_command(struct hd_profile *profile, const char *command, size_t length,
                         struct hd_error *error)
{
  struct hd_meta *meta = &profile->meta;
  const char *blank = length ? memchr(command, ' ', length) : NULL;
  if (!length)
    return true;
  meta->command = hd_profile_text(profile, command, length);
  meta->program = hd_profile_text(profile, command, blank ? (size_t)(blank - command) : length);
  return (meta->command && meta->program) || hd_fail_memory(error);
}

void hd_valgrind_deinit(struct hd_valgrind *valgrind)
{
  hd_strings_deinit(&valgrind->texts);
  hd_vec_deinit(&valgrind->frames);
  hd_vec_deinit(&valgrind->module_ids);
  hd_vec_deinit(&valgrind->chains);
  hd_vec_deinit(&valgrind->chain_frames);
  hd_index_deinit(&valgrind->chain_index);
  hd_vec_deinit(&valgrind->locations);
  *valgrind = (struct hd_valgrind){0};
}
