/* What memleak of the BPF Compiler Collection prints, a block every few seconds:
 *
 *   [11:16:33] Top 2 stacks with outstanding allocations:
 *           addr = 948cd0 size = 16                      (with -a)
 *           80 bytes in 5 allocations from stack
 *                   0x0000559b4789639f  main+0x6d [allocs]
 *
 * as its tools/memleak.py does, with or without addresses, and libbpf-tools/memleak.c
 * ("0 [<0000559b4789639f>] main+0x6d [/usr/bin/allocs]"). Each block is a snapshot.
 * Addresses are those of the process, and nothing says what was mapped where: frames
 * go by function and module. */
#include "readers/reader.h"

#include <ctype.h>
#include <string.h>

struct text {
  const char *at; /* not terminated */
  size_t length;
};

/* --- scanning */

static bool take_word(struct text *text, const char *word)
{
  size_t length = strlen(word);
  if (text->length < length || memcmp(text->at, word, length) != 0)
    return false;
  text->at += length;
  text->length -= length;
  return true;
}

static void skip_blanks(struct text *text)
{
  while (text->length && (*text->at == ' ' || *text->at == '\t')) {
    text->at++;
    text->length--;
  }
}

/* A number that no one can have stays too large for a profile, which refuses it. */
static bool take_number(struct text *text, uint64_t *number)
{
  size_t at = 0;
  *number = 0;
  for (; at < text->length && isdigit((unsigned char)text->at[at]); at++)
    if (*number <= (uint64_t)HD_MAX_SUM)
      *number = *number * 10 + (uint64_t)(text->at[at] - '0');
  text->at += at;
  text->length -= at;
  return at > 0;
}

static size_t hex_digits(struct text text)
{
  size_t at = 0;
  while (at < text.length && isxdigit((unsigned char)text.at[at]))
    at++;
  return at;
}

/* "[11:16:33] Top 10 stacks with outstanding allocations:"; `seconds` since midnight. */
static bool read_title(struct text line, uint64_t *seconds, uint64_t *most)
{
  uint64_t hours, minutes;
  if (!take_word(&line, "[") || !take_number(&line, &hours) || !take_word(&line, ":") ||
      !take_number(&line, &minutes) || !take_word(&line, ":") || !take_number(&line, seconds) ||
      !take_word(&line, "] Top ") || !take_number(&line, most) ||
      !take_word(&line, " stacks with outstanding allocations:"))
    return false;
  if (hours > 23 || minutes > 59 || *seconds > 60)
    return false;
  *seconds += (hours * 60 + minutes) * 60;
  return true;
}

/* "80 bytes in 5 allocations from stack" */
static bool read_sums(struct text line, uint64_t *bytes, uint64_t *count)
{
  skip_blanks(&line);
  return take_number(&line, bytes) && take_word(&line, " bytes in ") && take_number(&line, count) &&
         take_word(&line, " allocations from stack");
}

/* "addr = 948cd0 size = 16" */
static bool is_allocation(struct text line)
{
  skip_blanks(&line);
  return take_word(&line, "addr = ");
}

static int probe(const uint8_t *head, size_t length)
{
  const char *at = (const char *)head, *end = at + length;
  uint64_t number, other;
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    struct text line = {at, (size_t)((newline ? newline : end) - at)};
    if (read_title(line, &number, &other))
      return HD_PROBE_SURE;
    at += line.length + 1;
  }
  return HD_PROBE_NO;
}

/* --- frames */

struct memleak {
  struct hd_stream *stream;
  struct hd_sink *sink;
  struct hd_profile *profile; /* of the block, NULL before the first one */
  int64_t pid, sequence;
  bool kernel;
  uint64_t day, last; /* of the blocks: seconds of whole days, and since midnight */
  uint64_t most;      /* rows that the block has at most */

  struct hd_strings texts; /* of frames, one location each */
  HD_VEC(uint32_t) locations;
  HD_VEC(uint32_t) modules; /* [string id of the path] */

  HD_VEC(uint32_t) path; /* of the row, innermost first */
  bool in_row, has_frames;
  uint64_t bytes, count; /* of the row */
  size_t rows;
  uint64_t least, previous; /* bytes of the block's rows */
  bool rising, falling;
};

static bool module_of(struct memleak *memleak, struct text path, uint32_t *module,
                      struct hd_error *error)
{
  struct hd_module made = {0};
  if (!hd_profile_string(memleak->profile, path.at, path.length, &made.path, error))
    return false;
  while (memleak->modules.count <= made.path)
    if (!hd_vec_push(&memleak->modules, 0))
      return hd_fail_memory(error);
  *module = memleak->modules.items[made.path];
  return *module || (hd_profile_add_module(memleak->profile, made, module, error) &&
                     (memleak->modules.items[made.path] = *module, true));
}

/* Takes "0x559b4789639f " or "0 [<559b4789639f>] " off; `address` has its digits, none
 * where there is none. */
static void take_address(struct text *text, struct text *address)
{
  struct text rest = *text;
  uint64_t number;
  *address = (struct text){0};
  bool numbered = take_number(&rest, &number) && (skip_blanks(&rest), take_word(&rest, "[<"));
  if (!numbered) {
    rest = *text;
    if (!take_word(&rest, "0x"))
      return;
  }
  struct text digits = {rest.at, hex_digits(rest)};
  rest.at += digits.length;
  rest.length -= digits.length;
  if (!digits.length || (numbered && !take_word(&rest, ">]")))
    return;
  if (rest.length && *rest.at != ' ' && *rest.at != '\t')
    return;
  skip_blanks(&rest);
  *text = rest;
  *address = digits;
}

/* Takes " [MODULE]" off the end; what is in brackets alone is "[unknown]". */
static struct text take_module(struct text *text)
{
  if (!text->length || text->at[text->length - 1] != ']')
    return (struct text){0};
  for (size_t at = text->length - 1; at > 0; at--) {
    if (text->at[at] != '[' || text->at[at - 1] != ' ')
      continue;
    struct text module = {text->at + at + 1, text->length - at - 2};
    text->length = at - 1;
    return module;
  }
  return (struct text){0};
}

/* Takes "+0x6d" off the end. */
static void drop_offset(struct text *text)
{
  size_t at = text->length;
  while (at > 0 && isxdigit((unsigned char)text->at[at - 1]))
    at--;
  if (at < text->length && at > 3 && memcmp(text->at + at - 3, "+0x", 3) == 0)
    text->length = at - 3;
}

static bool is_nameless(struct text name)
{
  return !name.length || (name.length == 9 && memcmp(name.at, "[unknown]", 9) == 0) ||
         (name.length == 10 && memcmp(name.at, "<null sym>", 10) == 0);
}

static bool make_location(struct memleak *memleak, struct text text, uint32_t *location,
                          struct hd_error *error)
{
  static const char unknown[] = "[unknown]";
  struct text address, module;
  struct hd_frame frame = {0};
  uint32_t module_id = 0;
  take_address(&text, &address);
  /* libbpf's has "[MODULE]" alone where it knows no function. */
  module = take_module(&text);
  if (!module.length && address.length && text.length > 2 && *text.at == '[' &&
      !is_nameless(text)) {
    module = (struct text){text.at + 1, text.length - 2};
    text.length = 0;
  }
  drop_offset(&text);
  if (is_nameless(text))
    text = address.length ? address : (struct text){unknown, sizeof unknown - 1};
  return (!module.length || module_of(memleak, module, &module_id, error)) &&
         hd_profile_string(memleak->profile, text.at, text.length, &frame.function, error) &&
         hd_profile_add_location(memleak->profile, module_id, 0, &frame, 1, false, location, error);
}

static bool add_frame(struct memleak *memleak, struct text text, struct hd_error *error)
{
  static const char lost[] = "stack information lost";
  uint32_t id, location;
  skip_blanks(&text);
  memleak->has_frames = true;
  if (!text.length || (text.length == sizeof lost - 1 && memcmp(text.at, lost, text.length) == 0))
    return true;
  if (!hd_strings_intern(&memleak->texts, text.at, text.length, &id))
    return hd_fail_memory(error);
  if (id > memleak->locations.count)
    if (!make_location(memleak, text, &location, error) ||
        !(hd_vec_push(&memleak->locations, location) || hd_fail_memory(error)))
      return false;
  return hd_vec_push(&memleak->path, memleak->locations.items[id - 1]) || hd_fail_memory(error);
}

/* --- rows */

static bool end_row(struct memleak *memleak, struct hd_error *error)
{
  struct hd_record record = {.weight = 1};
  double values[HD_MEASURES] = {
      [HD_INUSE_SPACE] = (double)memleak->bytes, [HD_INUSE_OBJECTS] = (double)memleak->count};
  if (!memleak->in_row)
    return true;
  memleak->in_row = false;
  if (!hd_profile_add_stack(memleak->profile, memleak->path.items, memleak->path.count, false,
                            &record.stack, error) ||
      !hd_profile_add_record(memleak->profile, record, values, error))
    return hd_error_at(error, (int64_t)memleak->stream->line, -1);
  if (memleak->rows++) {
    memleak->rising &= memleak->bytes >= memleak->previous;
    memleak->falling &= memleak->bytes <= memleak->previous;
  }
  memleak->previous = memleak->bytes;
  if (memleak->bytes < memleak->least)
    memleak->least = memleak->bytes;
  return true;
}

static void drop_block(struct memleak *memleak)
{
  hd_strings_deinit(&memleak->texts);
  memleak->locations.count = memleak->modules.count = 0;
}

static bool end_block(struct memleak *memleak, struct hd_error *error)
{
  struct hd_profile *profile = memleak->profile;
  if (!end_row(memleak, error))
    return false;
  if (!profile)
    return true;
  /* A full table by size has left out what is smaller; one by count anything. */
  if (memleak->rows && memleak->rows >= memleak->most && (memleak->rising || memleak->falling))
    profile->meta.threshold = (int64_t)memleak->least;
  drop_block(memleak);
  memleak->profile = NULL;
  hd_profile_freeze(profile);
  return memleak->sink->take(memleak->sink->context, profile, error);
}

/* Only the time of the day is known: enough for the time between two blocks. */
static void set_time(struct memleak *memleak, uint64_t seconds)
{
  enum { DAY = 24 * 60 * 60, NS = 1000000000 };
  if (!memleak->day || seconds < memleak->last)
    memleak->day += DAY; /* also at first, as a time of 0 is none */
  memleak->last = seconds;
  memleak->profile->meta.mono_ns = (int64_t)((memleak->day + seconds) * NS);
}

static bool begin_block(struct memleak *memleak, uint64_t seconds, struct hd_error *error)
{
  if (!end_block(memleak, error) || !hd_profile_create(&memleak->profile, error))
    return false;
  struct hd_meta *meta = &memleak->profile->meta;
  meta->format = "memleak";
  meta->kind = memleak->kernel ? "kernel" : "heap";
  meta->recorder = "bcc memleak";
  meta->pid = memleak->pid;
  meta->sequence = memleak->sequence++;
  set_time(memleak, seconds);
  hd_profile_declare(memleak->profile, HD_INUSE_SPACE);
  hd_profile_declare(memleak->profile, HD_INUSE_OBJECTS);
  memleak->rows = 0;
  memleak->least = UINT64_MAX;
  memleak->rising = memleak->falling = true;
  return true;
}

/* "Attaching to pid 5193, Ctrl+C to quit.", which stands before the first block. */
static void read_target(struct memleak *memleak, struct text line)
{
  uint64_t pid;
  if (!take_word(&line, "Attaching to "))
    return;
  memleak->kernel = take_word(&line, "kernel allocators");
  if (take_word(&line, "pid ") && take_number(&line, &pid) && pid <= INT32_MAX)
    memleak->pid = (int64_t)pid;
}

static bool use_line(struct memleak *memleak, struct text line, struct hd_error *error)
{
  uint64_t seconds, most, bytes, count;
  bool indented = line.length && (*line.at == ' ' || *line.at == '\t');
  if (read_title(line, &seconds, &most)) {
    if (!begin_block(memleak, seconds, error))
      return false;
    memleak->most = most;
  } else if (!memleak->profile) {
    read_target(memleak, line);
  } else if (read_sums(line, &bytes, &count)) {
    if (!end_row(memleak, error))
      return false;
    memleak->in_row = true;
    memleak->has_frames = false;
    memleak->path.count = 0;
    memleak->bytes = bytes;
    memleak->count = count;
  } else if (!line.length) {
    return end_row(memleak, error);
  } else if (indented && memleak->in_row && !is_allocation(line)) {
    return add_frame(memleak, line, error);
  } else if (!is_allocation(line)) {
    return hd_reader_bad_row(memleak->profile, (int64_t)memleak->stream->line, "cannot be read",
                             line.at, line.length, error);
  }
  return true;
}

/* The block at hand lacks rows: whole ones before it say more without it. */
static bool end_cut(struct memleak *memleak, struct hd_error *error)
{
  if (memleak->sequence > 1)
    return true;
  memleak->in_row &= memleak->has_frames;
  return end_block(memleak, error);
}

static bool read_lines(struct memleak *memleak, struct hd_error *error)
{
  struct text line;
  bool whole;
  for (;;) {
    if (!hd_stream_line(memleak->stream, &line.at, &line.length, &whole, error))
      return false;
    if (!line.at)
      break;
    if (!whole) {
      if (!hd_stream_cut(memleak->stream, error, (int64_t)memleak->stream->line, -1,
                         "the file is cut off in this line", "get it again when memleak has ended"))
        return false;
      return end_cut(memleak, error);
    }
    if (!use_line(memleak, line, error))
      return false;
  }
  int64_t number = (int64_t)memleak->stream->line;
  if (!memleak->profile)
    return hd_fail_line(error, number,
                        "there is no line \"[HH:MM:SS] Top N stacks with outstanding "
                        "allocations:\": this is no output of memleak");
  if (memleak->in_row && !memleak->has_frames)
    return hd_stream_cut(memleak->stream, error, number, -1,
                         "the file ends before the stack of its last row",
                         "get it again when memleak has ended") &&
           end_cut(memleak, error);
  return end_block(memleak, error);
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct memleak memleak = {.stream = stream, .sink = sink};
  bool fine = read_lines(&memleak, error);
  hd_profile_destroy(memleak.profile);
  drop_block(&memleak);
  hd_vec_deinit(&memleak.locations);
  hd_vec_deinit(&memleak.modules);
  hd_vec_deinit(&memleak.path);
  return fine;
}

extern const struct hd_reader hd_reader_memleak;
const struct hd_reader hd_reader_memleak = {
    .name = "memleak",
    .summary = "bcc's memleak, its printed output: a file is a whole series",
    .carries = "inuse",
    .probe = probe,
    .read = read,
};
