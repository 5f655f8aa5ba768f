/* heaptrack's recordings, interpreted (names and lines are in the file) or raw
 * (addresses, symbolized here): one file is a series. A line an event, its first letter
 * says of what, numbers are hexadecimal:
 *
 *   v VERSION FORMAT     of heaptrack; of the file, 1 to 3 here
 *   x TEXT               the program; begins a raw recording
 *   X COMMAND            I PAGE-SIZE PAGES      A   attached to a process that ran
 *   s TEXT               i ADDRESS MODULE [FUNCTION [FILE LINE [FUNCTION FILE LINE]...]]
 *   m TEXT BASE [ADDRESS SIZE]...               raw: a module and its segments
 *   t PLACE PARENT       raw: t ADDRESS PARENT
 *   a SIZE TRACE         + INFO                 - INFO
 *                        raw: + SIZE TRACE POINTER, - POINTER
 *   c MILLISECONDS       R PAGES                S SUPPRESSION      # comment
 *
 * TEXT is its length, a blank and as many bytes; before format 3, the rest of the line. */
#include "readers/heaptrack.h"

#include <stdio.h>
#include <string.h>

/* Of the format; later ones may mean something else by the same letters. */
enum { LATEST_FORMAT = 3, FIRST_RAW_FORMAT = 3 };

enum { MOST_PAGE = 1 << 30 };

const uint8_t hd_heaptrack_digits[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool hd_heaptrack_fail(const struct hd_heaptrack *heaptrack, struct hd_error *error,
                       const char *what)
{
  return hd_fail_line(error, (int64_t)heaptrack->stream->line, "%s", what);
}

bool hd_heaptrack_bad_row(struct hd_heaptrack *heaptrack, const char *why,
                          struct hd_heaptrack_line line, struct hd_error *error)
{
  /* The letter is in front of what is left of it. */
  return hd_reader_bad_row(heaptrack->facts, (int64_t)heaptrack->stream->line, why, line.at - 1,
                           hd_heaptrack_left(&line) + 1, error);
}

/* --- what the recording is of */

/* "v VERSION [FORMAT]". Before 1.0.0 there was one number, and it meant format 1. */
static bool take_version(struct hd_heaptrack_line line, uint64_t *version, uint64_t *format)
{
  *format = 1;
  return hd_heaptrack_hex(&line, version) &&
         (line.at == line.end || hd_heaptrack_hex(&line, format)) && line.at == line.end;
}

static bool use_version(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error)
{
  uint64_t version, format;
  char text[64];
  if (heaptrack->version || !take_version(line, &version, &format) || !format)
    return hd_heaptrack_fail(heaptrack, error,
                             "a recording begins with one line of heaptrack's version: this is "
                             "none, or it is damaged");
  if (format > LATEST_FORMAT)
    return hd_heaptrack_fail(heaptrack, error,
                             "a format of heaptrack's that is not known yet: write the recording "
                             "with heaptrack 1.4 or 1.5");
  heaptrack->version = (uint32_t)format;
  int length = snprintf(text, sizeof text, "heaptrack %u.%u.%u", (unsigned)(version >> 16) & 0xff,
                        (unsigned)(version >> 8) & 0xff, (unsigned)version & 0xff);
  heaptrack->facts->meta.recorder = hd_profile_text(heaptrack->facts, text, (size_t)length);
  return heaptrack->facts->meta.recorder || hd_fail_memory(error);
}

static bool use_program(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error)
{
  if (heaptrack->raw || heaptrack->strings.count || heaptrack->infos.count)
    return hd_heaptrack_fail(heaptrack, error,
                             "the program is named twice, or too late: the file is damaged");
  if (heaptrack->version < FIRST_RAW_FORMAT)
    return hd_heaptrack_fail(heaptrack, error,
                             "a raw recording of a heaptrack before 1.4: put it through its "
                             "heaptrack_interpret first");
  heaptrack->raw = true;
  if (!hd_heaptrack_string(heaptrack, line, &heaptrack->program, error))
    return false;
  struct hd_string name = heaptrack->strings.items[heaptrack->program - 1];
  heaptrack->facts->meta.program = hd_profile_text(heaptrack->facts, name.text, name.length);
  return heaptrack->facts->meta.program || hd_fail_memory(error);
}

static bool use_command(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error)
{
  struct hd_profile *facts = heaptrack->facts;
  struct hd_meta *meta = &facts->meta;
  size_t length = hd_heaptrack_left(&line);
  if (!length || meta->command)
    return hd_heaptrack_fail(heaptrack, error,
                             "no command line, or a second one: the file is damaged");
  const char *text = line.at + 1, *blank = memchr(text, ' ', --length);
  heaptrack->in_command = true;
  meta->command = hd_profile_text(facts, text, length);
  meta->called = hd_profile_text(facts, text, blank ? (size_t)(blank - text) : length);
  if (!meta->program)
    meta->program = meta->called;
  return (meta->command && meta->called) || hd_fail_memory(error);
}

static bool take_system(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line)
{
  uint64_t page, pages;
  if (!hd_heaptrack_hex(&line, &page) || !hd_heaptrack_hex(&line, &pages) || line.at != line.end ||
      page > MOST_PAGE)
    return false;
  heaptrack->page = page;
  return true;
}

/* heaptrack_interpret's last words: "# strings: N", decimal. */
static bool use_comment(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error)
{
  static const char closing[] = " strings: ";
  uint64_t count = 0;
  if (heaptrack->raw || hd_heaptrack_left(&line) < sizeof closing ||
      memcmp(line.at, closing, sizeof closing - 1) != 0)
    return true;
  for (line.at += sizeof closing - 1; line.at < line.end && count < HD_MAX_ITEMS; line.at++)
    count = count * 10 + (uint64_t)(*line.at - '0') % 10;
  heaptrack->closed = true;
  return count == heaptrack->strings.count ||
         hd_heaptrack_fail(heaptrack, error,
                           "the recording had another number of texts when it was written: a "
                           "part of the file is missing");
}

/* --- time */

static bool use_time(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                     struct hd_error *error)
{
  enum { NS_A_MS = 1000000 };
  uint64_t stamp;
  struct hd_heaptrack_line rest = line;
  if (!hd_heaptrack_hex(&rest, &stamp) || rest.at != rest.end || stamp > INT64_MAX / NS_A_MS ||
      (int64_t)stamp < heaptrack->stamp)
    return hd_heaptrack_bad_row(heaptrack, "is no time, or an earlier one", line, error);
  return hd_heaptrack_time(heaptrack, (int64_t)stamp, error);
}

static bool use_rss(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                    struct hd_error *error)
{
  uint64_t pages;
  struct hd_heaptrack_line rest = line;
  if (!hd_heaptrack_hex(&rest, &pages) || rest.at != rest.end || pages > INT64_MAX / MOST_PAGE)
    return hd_heaptrack_bad_row(heaptrack, "is no number of pages", line, error);
  if (heaptrack->page)
    hd_heaptrack_rss(heaptrack, (int64_t)(pages * heaptrack->page));
  return true;
}

/* --- lines */

static bool is_of_form(const struct hd_heaptrack *heaptrack, char letter)
{
  switch (letter) {
  case 's':
  case 'i':
  case 'a': return !heaptrack->raw;
  case 'm': return heaptrack->raw;
  default: return true;
  }
}

/* Arguments may have newlines: all is the command's up to the system's line, the next
 * that heaptrack writes. */
static bool in_command(struct hd_heaptrack *heaptrack, char letter, struct hd_heaptrack_line line)
{
  if (heaptrack->in_command && letter == 'I' && take_system(heaptrack, line))
    heaptrack->in_command = false;
  return heaptrack->in_command;
}

static bool take_table(struct hd_heaptrack *heaptrack, char letter, struct hd_heaptrack_line line,
                       struct hd_error *error)
{
  uint32_t string;
  if (!is_of_form(heaptrack, letter))
    return hd_heaptrack_fail(heaptrack, error,
                             "a line of an interpreted recording in a raw one, or the reverse: "
                             "the file is damaged");
  switch (letter) {
  case 's': return hd_heaptrack_string(heaptrack, line, &string, error);
  case 'i': return hd_heaptrack_place(heaptrack, line, error);
  case 't': return hd_heaptrack_trace(heaptrack, line, error);
  case 'm': return hd_heaptrack_module(heaptrack, line, error);
  default: return hd_heaptrack_info(heaptrack, line, error);
  }
}

static bool take_line(struct hd_heaptrack *heaptrack, char letter, struct hd_heaptrack_line line,
                      struct hd_error *error)
{
  if (!heaptrack->version && letter != 'v')
    return use_version(heaptrack, (struct hd_heaptrack_line){0}, error);
  if (in_command(heaptrack, letter, line))
    return true;
  switch (letter) {
  case '+': return hd_heaptrack_allocation(heaptrack, line, error);
  case '-': return hd_heaptrack_free(heaptrack, line, error);
  case 's':
  case 'i':
  case 't':
  case 'm':
  case 'a': return take_table(heaptrack, letter, line, error);
  case 'c': return use_time(heaptrack, line, error);
  case 'R': return use_rss(heaptrack, line, error);
  case 'v': return use_version(heaptrack, line, error);
  case 'x': return use_program(heaptrack, line, error);
  case 'X': return use_command(heaptrack, line, error);
  case 'A': heaptrack->attached = true; return true;
  case '#': return use_comment(heaptrack, line, error);
  case 'I':
  case 'S': return true;
  default: return hd_heaptrack_bad_row(heaptrack, "is no line of heaptrack's", line, error);
  }
}

/* The next line that is not empty, without its letter; *letter is 0 at the end. */
static bool next_line(struct hd_heaptrack *heaptrack, char *letter, struct hd_heaptrack_line *line,
                      struct hd_error *error)
{
  const char *text;
  size_t length;
  bool whole;
  *letter = '\0';
  do {
    if (!hd_stream_line(heaptrack->stream, &text, &length, &whole, error))
      return false;
    if (!text)
      return true;
    if (!whole)
      return hd_stream_cut(heaptrack->stream, error, (int64_t)heaptrack->stream->line, -1,
                           "the file ends inside this line", "it is incomplete; get it again");
  } while (!length);
  *letter = text[0] ? text[0] : '?';
  *line = (struct hd_heaptrack_line){text + 1, text + length};
  return true;
}

/* --- the file */

static int probe(const uint8_t *head, size_t length)
{
  const char *text = (const char *)head, *end = length ? memchr(text, '\n', length) : NULL;
  uint64_t version, format;
  if (!end || text[0] != 'v' || end + 2 > text + length)
    return HD_PROBE_NO;
  struct hd_heaptrack_line line = {text + 1, end};
  return take_version(line, &version, &format) && (end[1] == 'X' || end[1] == 'x') ? HD_PROBE_SURE
                                                                                   : HD_PROBE_NO;
}

static void begin(struct hd_heaptrack *heaptrack, struct hd_stream *stream,
                  struct hd_profile *facts)
{
  *heaptrack = (struct hd_heaptrack){.stream = stream, .facts = facts, .rss = -1};
  facts->meta.format = "heaptrack";
  facts->meta.kind = "heap";
  facts->meta.rate = 1;
}

static void end(struct hd_heaptrack *heaptrack)
{
  for (size_t i = 0; i < heaptrack->cuts.count; i++)
    hd_free(heaptrack->cuts.items[i].sums);
  hd_vec_deinit(&heaptrack->cuts);
  hd_vec_deinit(&heaptrack->strings);
  hd_vec_deinit(&heaptrack->frames);
  hd_vec_deinit(&heaptrack->places);
  hd_vec_deinit(&heaptrack->traces);
  hd_vec_deinit(&heaptrack->infos);
  hd_vec_deinit(&heaptrack->sites);
  hd_vec_deinit(&heaptrack->segments);
  hd_index_deinit(&heaptrack->place_index);
  hd_index_deinit(&heaptrack->info_index);
  hd_free(heaptrack->blocks.slots);
  hd_arena_deinit(&heaptrack->arena);
}

static bool peek(struct hd_stream *stream, struct hd_profile *profile, struct hd_error *error)
{
  struct hd_heaptrack heaptrack;
  struct hd_heaptrack_line line;
  char letter;
  begin(&heaptrack, stream, profile);
  bool fine;
  do
    fine = next_line(&heaptrack, &letter, &line, error) &&
           (!letter || take_line(&heaptrack, letter, line, error));
  while (fine && letter && !profile->meta.command);
  end(&heaptrack);
  return fine;
}

/* Whether heaptrack has written the file to its end, as far as can be told. */
static bool check_end(const struct hd_heaptrack *heaptrack, struct hd_error *error)
{
  bool begun = heaptrack->facts->meta.command && !heaptrack->in_command;
  if (begun && (heaptrack->raw || heaptrack->closed))
    return true;
  if (!heaptrack->version)
    return hd_heaptrack_fail(heaptrack, error, "the file has no lines");
  return hd_stream_cut(heaptrack->stream, error, (int64_t)heaptrack->stream->line, -1,
                       "the file ends here, before heaptrack's closing lines",
                       "it is incomplete; wait until heaptrack has finished, or get it again");
}

static bool read_lines(struct hd_heaptrack *heaptrack, struct hd_error *error)
{
  for (;;) {
    struct hd_heaptrack_line line;
    char letter;
    if (!heaptrack->raw && !heaptrack->in_command)
      hd_heaptrack_events(heaptrack);
    if (!next_line(heaptrack, &letter, &line, error))
      return false;
    if (!letter)
      return check_end(heaptrack, error) && hd_heaptrack_end(heaptrack, error);
    if (!take_line(heaptrack, letter, line, error))
      return false;
  }
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct hd_heaptrack heaptrack;
  struct hd_profile *facts;
  if (!hd_profile_create(&facts, error))
    return false;
  begin(&heaptrack, stream, facts);
  bool fine = read_lines(&heaptrack, error) && hd_heaptrack_emit(&heaptrack, sink, error);
  end(&heaptrack);
  hd_profile_destroy(facts);
  return fine;
}

extern const struct hd_reader hd_reader_heaptrack;
const struct hd_reader hd_reader_heaptrack = {
    .name = "heaptrack",
    .summary = "heaptrack's recordings, also raw ones: a file is a whole series",
    .carries = "inuse, alloc, rss",
    .probe = probe,
    .peek = peek,
    .read = read,
};
