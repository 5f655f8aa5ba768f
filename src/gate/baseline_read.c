#include "gate/baseline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FRAMES = 4096 };

struct reader {
  struct hd_side *side;
  struct hd_error *error;
  int64_t line;
  char *at;   /* of the line at hand, which is terminated */
  bool *seen; /* [row]: from a line before */
  size_t seen_count;
  size_t least_runs;
};

static bool wrong(const struct reader *reader, const char *what)
{
  return hd_fail_line(reader->error, reader->line,
                      "%s; `heapdiff baseline update` writes the file "
                      "anew",
                      what);
}

/* --- frames ------------------------------------------------------------------------------- */

/* Takes a name up to one of `ends` or the line's end; escapes are undone in place. */
static bool take_name(struct reader *reader, const char *ends, uint32_t *id)
{
  static const char letters[] = "tnr", controls[] = "\t\n\r";
  char *from = reader->at, *to = from;
  while (*reader->at && !strchr(ends, *reader->at)) {
    char c = *reader->at++;
    if (c == '\\') {
      c = *reader->at;
      if (!c)
        return wrong(reader, "a name ends in the middle");
      const char *letter = strchr(letters, c);
      c = letter ? controls[letter - letters] : c;
      reader->at++;
    }
    *to++ = c;
  }
  return hd_strings_intern(reader->side->frames->strings, from, (size_t)(to - from), id) ||
         hd_fail_memory(reader->error);
}

/* Whole and not negative; *end is what follows. */
static bool take_whole(struct reader *reader, int64_t most, int64_t *value)
{
  char *end;
  if (*reader->at < '0' || *reader->at > '9')
    return wrong(reader, "a number is missing");
  *value = strtoll(reader->at, &end, 10);
  reader->at = end;
  return (*value >= 0 && *value <= most) || wrong(reader, "a number is too large");
}

static bool take_frame(struct reader *reader, uint32_t *id)
{
  struct hd_side_frame frame = {.line = HD_NO_LINE};
  if (!take_name(reader, "@;\t", &frame.function))
    return false;
  if (*reader->at == '@') {
    reader->at++;
    if (!take_name(reader, "+~;\t", &frame.file))
      return false;
  }
  if (*reader->at == '+' || *reader->at == '~') {
    int64_t line;
    frame.lowest = *reader->at++ == '~';
    if (!take_whole(reader, INT32_MAX, &line))
      return false;
    frame.line = (int32_t)line;
  }
  if (!frame.function && !frame.file)
    return wrong(reader, "a frame has no name");
  return hd_side_frame_intern(reader->side->frames, &frame, id) || hd_fail_memory(reader->error);
}

static bool take_chain(struct reader *reader, uint32_t *row)
{
  uint32_t frames[MOST_FRAMES];
  size_t count = 0;
  do {
    reader->at += count > 0;
    if (count == MOST_FRAMES)
      return wrong(reader, "a chain has more than 4096 frames");
    if (!take_frame(reader, &frames[count++]))
      return false;
  } while (*reader->at == ';');
  if (*reader->at != '\t')
    return wrong(reader, "there is no value behind the chain");
  reader->at++;
  *row = hd_side_row_of(reader->side, frames, count);
  return *row || hd_fail_memory(reader->error);
}

/* --- values ------------------------------------------------------------------------------- */

static bool take_real(struct reader *reader, double *value)
{
  char *end;
  if (!*reader->at || !strchr("-0123456789", *reader->at))
    return wrong(reader, "a value is missing");
  *value = strtod(reader->at, &end);
  bool fine = end > reader->at && isfinite(*value) && fabs(*value) <= HD_MAX_SUM * HD_MAX_SUM;
  reader->at = end;
  return fine || wrong(reader, "a value is no number, or too large");
}

/* "1048576|1050000~3.6e+09" */
static bool take_values(struct reader *reader, uint32_t row, size_t column)
{
  struct hd_side *side = reader->side;
  struct hd_side_amount *amount = &side->amounts.items[(row - 1) * side->columns + column];
  double sum = 0, squares = 0;
  size_t runs = 0;
  if (amount->run != 0)
    return wrong(reader, "a value is there twice");
  amount->run = 1; /* until all is read */
  do {
    struct hd_side_run_value value = {row - 1, (uint16_t)column, (uint16_t)runs, 0};
    reader->at += runs > 0;
    if (++runs > HD_MOST_RUNS)
      return wrong(reader, "there are too many runs");
    if (!take_real(reader, &value.value))
      return false;
    if (fabs(value.value) > HD_MAX_SUM)
      return wrong(reader, "a value is too large");
    if (value.value != 0 && !hd_vec_push(&side->run_values, value))
      return hd_fail_memory(reader->error);
    sum += value.value;
    squares += value.value * value.value;
  } while (*reader->at == '|');
  amount->value = sum / (double)runs;
  if (runs > 1)
    amount->spread =
        fmax(squares - (double)runs * amount->value * amount->value, 0) / (double)(runs - 1);
  reader->least_runs = !reader->least_runs || runs < reader->least_runs ? runs : reader->least_runs;
  if (*reader->at != '~')
    return true;
  reader->at++;
  side->sampled = true;
  return take_real(reader, &amount->variance) &&
         (amount->variance >= 0 || wrong(reader, "a variance is negative"));
}

static bool take_member(struct reader *reader, uint32_t row)
{
  struct hd_side *side = reader->side;
  size_t length = strcspn(reader->at, "= ");
  enum hd_measure measure;
  int64_t rate;
  const char *name = reader->at;
  if (name[length] != '=')
    return wrong(reader, "a value has no name");
  reader->at += length + 1;
  if (length == 4 && strncmp(name, "rate", length) == 0) {
    if (!take_whole(reader, INT64_MAX, &rate))
      return false;
    side->rate = (uint64_t)rate > side->rate ? (uint64_t)rate : side->rate;
    return true;
  }
  if (!hd_measure_find(name, length, &measure) || side->column[measure] < 0)
    return wrong(reader, "a value is of no measure that the file has");
  return take_values(reader, row, (size_t)side->column[measure]);
}

/* --- lines --------------------------------------------------------------------------------- */

static bool take_measures(struct reader *reader)
{
  bool has[HD_MEASURES] = {false};
  if (reader->side->columns)
    return wrong(reader, "the measures are there twice");
  while (*reader->at == ' ') {
    size_t length = strcspn(++reader->at, " ");
    enum hd_measure measure;
    if (!hd_measure_find(reader->at, length, &measure))
      return wrong(reader, "there is no such measure");
    has[measure] = true;
    reader->at += length;
  }
  hd_side_set_measures(reader->side, has);
  return reader->side->columns || wrong(reader, "there is no measure");
}

static bool remember(struct reader *reader, uint32_t row)
{
  if (row > reader->seen_count) {
    size_t count = reader->seen_count ? reader->seen_count * 2 : 256;
    bool *more = hd_realloc(reader->seen, count * sizeof *more);
    if (!more)
      return hd_fail_memory(reader->error);
    memset(more + reader->seen_count, 0, (count - reader->seen_count) * sizeof *more);
    reader->seen = more;
    reader->seen_count = count;
  }
  if (reader->seen[row - 1])
    return wrong(reader, "this chain is there twice, as by a merge: take one of the lines out");
  reader->seen[row - 1] = true;
  return true;
}

static bool take_row(struct reader *reader)
{
  uint32_t row;
  if (!reader->side->columns)
    return wrong(reader, "there is no line of measures before");
  if (!take_chain(reader, &row) || !remember(reader, row))
    return false;
  while (*reader->at) {
    if (!take_member(reader, row))
      return false;
    if (*reader->at && *reader->at != ' ')
      return wrong(reader, "something follows a value");
    reader->at += *reader->at == ' ';
  }
  return true;
}

static bool is_conflict(const char *line)
{
  return strncmp(line, "<<<<<<<", 7) == 0 || strncmp(line, "=======", 7) == 0 ||
         strncmp(line, ">>>>>>>", 7) == 0;
}

/* Whether it begins with this word, and is no row, which has a tab. */
static bool begins(const char *text, const char *word)
{
  size_t length = strlen(word);
  return strncmp(text, word, length) == 0 && text[length] == ' ' && !strchr(text, '\t');
}

static bool take_line(struct reader *reader, char *text)
{
  static const char measures[] = "measures", program[] = "program";
  reader->at = text;
  if (reader->line == 1)
    return strcmp(text, HD_BASELINE_MAGIC "1") == 0 ||
           wrong(reader, "the baseline is of another version of heapdiff");
  if (!*text || *text == '#')
    return true;
  if (is_conflict(text))
    return wrong(reader, "a merge has left a conflict here: take one of the sides");
  if (begins(text, program)) {
    reader->at += sizeof program;
    return take_name(reader, "", &reader->side->program);
  }
  if (!begins(text, measures))
    return take_row(reader);
  reader->at += sizeof measures - 1;
  return take_measures(reader);
}

/* Lines of a merge may have more runs than others: those that all have count. */
static bool add_totals(struct reader *reader)
{
  struct hd_side *side = reader->side;
  size_t runs = side->runs = reader->least_runs ? reader->least_runs : 1;
  if (!hd_vec_reserve(&side->run_totals, runs * side->columns))
    return hd_fail_memory(reader->error);
  side->run_totals.count = runs * side->columns;
  for (size_t i = 0; i < side->amounts.count; i++)
    side->amounts.items[i].run = 0;
  memset(side->run_totals.items, 0, side->run_totals.count * sizeof(double));
  for (size_t i = 0; i < side->run_values.count; i++) {
    const struct hd_side_run_value *value = &side->run_values.items[i];
    if (value->run < runs)
      side->run_totals.items[value->run * side->columns + value->column] += value->value;
  }
  return true;
}

bool hd_baseline_read(struct hd_side *side, const char *text, size_t length, struct hd_error *error)
{
  struct reader reader = {.side = side, .error = error};
  HD_SCOPED_FREE char *copy = hd_alloc(length + 1);
  bool fine = copy != NULL || hd_fail_memory(error);
  if (fine) {
    memcpy(copy, text, length);
    copy[length] = '\0';
    fine = strlen(copy) == length || hd_fail_input(error, "the baseline has a NUL byte in it");
  }
  for (char *line = copy, *end; fine && line && *line; line = end ? end + 1 : NULL) {
    end = strchr(line, '\n');
    if (end)
      *end = '\0';
    size_t last = strlen(line);
    if (last && line[last - 1] == '\r')
      line[last - 1] = '\0';
    reader.line++;
    fine = take_line(&reader, line);
  }
  fine = fine && (side->columns || wrong(&reader, "there is no line of measures")) &&
         add_totals(&reader);
  hd_free(reader.seen);
  return fine;
}
