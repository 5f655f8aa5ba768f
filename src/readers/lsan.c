/* The leak reports of a log as one snapshot: those of all its processes are added
 * up. What a process found the last time it looked is all that it has leaked: an
 * earlier report of the same process is left out. */
#include "readers/lsan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char report_mark[] = "ERROR: LeakSanitizer: detected memory leaks";
static const char error_mark[] = "ERROR: AddressSanitizer: ";
static const char no_check_mark[] = "LeakSanitizer has encountered a fatal error";

struct report {
  int64_t pid;   /* 0 unknown */
  bool repeated; /* by a later one of the same process */
};

struct leak {
  int64_t line;
  size_t report;
  uint32_t stack;
  bool direct;
  uint64_t bytes, objects;
};

/* A stack of addresses of a process: randomization makes it that process's own. */
struct trace {
  uint64_t pid, fingerprint;
  size_t report; /* the last one that has it */
};

struct lsan {
  struct hd_stream *stream;
  struct hd_profile *profile;
  struct hd_lsan_stack stack;
  struct hd_buffer plain; /* scratch */

  HD_VEC(struct report) reports;
  HD_VEC(struct leak) leaks;
  HD_VEC(struct trace) traces;
  struct hd_index trace_index;

  bool open;               /* the last report has no summary yet */
  int64_t begin;           /* its line */
  uint64_t bytes, objects; /* of its leaks so far */

  /* Of the leak whose stack is at hand: a blank line ends it, unless the frame that
   * comes next goes on with it. */
  bool in_stack, resting;
  size_t prefix; /* length of what a logger put before its first line */

  /* Lines in the stack that are no frames. Where the next frame has the next number
   * nothing is missing: then they came from elsewhere. */
  uint64_t strange;
  int64_t strange_line;
  struct hd_buffer strange_text;

  int64_t error_line, no_check_line; /* the first ones, 0 none */
  struct hd_buffer found;            /* the first error, in its words */
};

static int64_t line_number(const struct lsan *lsan)
{
  return (int64_t)lsan->stream->line;
}

static bool add_comment(struct lsan *lsan, struct hd_buffer *text, struct hd_error *error)
{
  uint32_t id;
  bool fine = text->failed
                  ? hd_fail_memory(error)
                  : hd_profile_string(lsan->profile, text->data, text->length, &id, error) &&
                        hd_profile_add_comment(lsan->profile, id, error);
  hd_buffer_deinit(text);
  return fine;
}

/* --- stacks --------------------------------------------------------------------- */

static bool keep_strange(struct lsan *lsan, struct hd_scan line, struct hd_error *error)
{
  if (lsan->strange++)
    return true;
  lsan->strange_line = line_number(lsan);
  hd_buffer_clear(&lsan->strange_text);
  hd_buffer_append(&lsan->strange_text, line.at, hd_scan_left(&line));
  return !lsan->strange_text.failed || hd_fail_memory(error);
}

/* They may have been frames. */
static bool count_strange(struct lsan *lsan, struct hd_error *error)
{
  uint64_t count = lsan->strange;
  lsan->strange = 0;
  if (!count)
    return true;
  if (!hd_reader_bad_row(lsan->profile, lsan->strange_line, "is no frame of a stack",
                         hd_buffer_text(&lsan->strange_text), lsan->strange_text.length, error))
    return false;
  lsan->profile->bad_rows += count - 1;
  return true;
}

static bool same_trace(const void *context, uint32_t id, const void *key)
{
  const struct lsan *lsan = context;
  const struct trace *have = &lsan->traces.items[id - 1], *want = key;
  return have->pid == want->pid && have->fingerprint == want->fingerprint;
}

/* A stack that an earlier report of this process has, too: that one is repeated. */
static bool note_trace(struct lsan *lsan, struct hd_error *error)
{
  size_t report = lsan->reports.count - 1;
  struct trace trace = {(uint64_t)lsan->reports.items[report].pid, lsan->stack.fingerprint, report};
  if (!trace.pid || !trace.fingerprint)
    return true;
  uint64_t parts[2] = {trace.pid, trace.fingerprint}, hash = hd_hash(parts, sizeof parts);
  uint32_t id = hd_index_find(&lsan->trace_index, hash, same_trace, lsan, &trace);
  if (id) {
    struct trace *have = &lsan->traces.items[id - 1];
    lsan->reports.items[have->report].repeated |= have->report != report;
    have->report = report;
    return true;
  }
  if (lsan->traces.count >= HD_MAX_ITEMS)
    return hd_fail_line(error, line_number(lsan), "more than %u leaks", HD_MAX_ITEMS);
  return (hd_vec_push(&lsan->traces, trace) &&
          hd_index_add(&lsan->trace_index, hash, (uint32_t)lsan->traces.count)) ||
         hd_fail_memory(error);
}

static bool end_stack(struct lsan *lsan, struct hd_error *error)
{
  if (!lsan->in_stack)
    return true;
  struct leak *leak = &lsan->leaks.items[lsan->leaks.count - 1];
  lsan->in_stack = false;
  return count_strange(lsan, error) &&
         (hd_lsan_stack_end(&lsan->stack, &leak->stack, error) ||
          hd_error_at(error, leak->line, -1)) &&
         note_trace(lsan, error);
}

/* A frame that does not go on with the stack is of another one: of an error that
 * was found, or of a process that writes to the log at the same time. */
static bool use_frame(struct lsan *lsan, const struct hd_lsan_line *line, struct hd_scan text,
                      struct hd_error *error)
{
  uint64_t next = lsan->stack.next;
  bool fine = line->number == next || (lsan->strange && line->number > next);
  if (lsan->resting && !fine)
    return end_stack(lsan, error);
  if (line->number > next && fine && !count_strange(lsan, error))
    return false;
  if (fine && !hd_lsan_stack_add(&lsan->stack, line, &fine, error))
    return false;
  if (!fine)
    return keep_strange(lsan, text, error);
  lsan->strange = 0;
  lsan->resting = false;
  return true;
}

/* A line in a stack. */
static bool use_stack_line(struct lsan *lsan, const struct hd_lsan_line *line, struct hd_scan text,
                           struct hd_error *error)
{
  if (line->kind == HD_LSAN_FRAME)
    return use_frame(lsan, line, text, error);
  if (line->kind == HD_LSAN_OBJECTS)
    return end_stack(lsan, error);
  /* What a logger puts before each line is all there is of an empty one. */
  if (line->kind == HD_LSAN_BLANK || hd_scan_left(&text) <= lsan->prefix) {
    lsan->resting = true;
    return true;
  }
  return lsan->resting || keep_strange(lsan, text, error);
}

/* --- reports -------------------------------------------------------------------- */

/* The one place where a report that stops too early is refused, or taken as it is. */
static bool end_cut(struct lsan *lsan, struct hd_error *error)
{
  char what[80];
  snprintf(what, sizeof what, "the leak report that begins at line %" PRId64 " is cut off here",
           lsan->begin);
  lsan->open = false;
  return hd_stream_cut(lsan->stream, error, line_number(lsan), -1, what,
                       "it has no line \"SUMMARY: ... byte(s) leaked in ... allocation(s).\"; get "
                       "the whole log") &&
         end_stack(lsan, error);
}

static bool begin_report(struct lsan *lsan, int64_t pid, struct hd_error *error)
{
  struct report report = {.pid = pid};
  if (lsan->open && !end_cut(lsan, error))
    return false;
  lsan->open = true;
  lsan->begin = line_number(lsan);
  lsan->bytes = lsan->objects = 0;
  return hd_vec_push(&lsan->reports, report) || hd_fail_memory(error);
}

/* Too large to be true stays so, for the profile to refuse. */
static uint64_t add(uint64_t a, uint64_t b)
{
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Leaks without a report's first line are of an excerpt. */
static bool begin_leak(struct lsan *lsan, const struct hd_lsan_line *line, struct hd_error *error)
{
  if (!end_stack(lsan, error) || !(lsan->open || begin_report(lsan, 0, error)))
    return false;
  struct leak leak = {.line = line_number(lsan),
                      .report = lsan->reports.count - 1,
                      .direct = line->direct,
                      .bytes = line->bytes,
                      .objects = line->objects};
  lsan->bytes = add(lsan->bytes, line->bytes);
  lsan->objects = add(lsan->objects, line->objects);
  lsan->in_stack = true;
  lsan->resting = false;
  lsan->prefix = line->prefix;
  hd_lsan_stack_begin(&lsan->stack);
  return hd_vec_push(&lsan->leaks, leak) || hd_fail_memory(error);
}

/* The summary counts what max_leaks=N keeps out of the report, too. */
static bool check_sums(struct lsan *lsan, const struct hd_lsan_line *line, struct hd_scan text,
                       struct hd_error *error)
{
  struct hd_buffer said = HD_BUFFER_INIT;
  if (line->bytes == lsan->bytes && line->objects == lsan->objects)
    return true;
  hd_buffer_printf(&said,
                   "line %" PRId64 ": the summary counts %" PRIu64 " bytes in %" PRIu64
                   " objects, the leaks above it are %" PRIu64 " in %" PRIu64,
                   line_number(lsan), line->bytes, line->objects, lsan->bytes, lsan->objects);
  if (!add_comment(lsan, &said, error))
    return false;
  if (line->objects <= lsan->objects || line->bytes < lsan->bytes)
    return hd_reader_bad_row(lsan->profile, line_number(lsan), "does not fit the leaks above it",
                             text.at, hd_scan_left(&text), error);
  uint64_t *dropped = &lsan->profile->meta.dropped_allocations;
  *dropped = add(*dropped, line->objects - lsan->objects);
  return true;
}

static bool end_report(struct lsan *lsan, const struct hd_lsan_line *line, struct hd_scan text,
                       struct hd_error *error)
{
  struct hd_meta *meta = &lsan->profile->meta;
  if (!end_stack(lsan, error))
    return false;
  if (!lsan->open)
    return true;
  lsan->open = false;
  if (!meta->recorder) {
    meta->recorder = hd_profile_text(lsan->profile, line->tool.at, hd_scan_left(&line->tool));
    if (!meta->recorder)
      return hd_fail_memory(error);
  }
  return check_sums(lsan, line, text, error);
}

/* A piece of the log, to be shown. */
static void quote(struct hd_buffer *out, struct hd_scan text, size_t most)
{
  for (size_t i = 0; i < hd_scan_left(&text) && i < most; i++) {
    unsigned char c = (unsigned char)text.at[i];
    hd_buffer_append(out, c < ' ' || c >= 0x7f ? "?" : text.at + i, 1);
  }
}

/* "AddressSanitizer: heap-use-after-free on address 0x..." */
static bool note_error(struct lsan *lsan, const struct hd_lsan_line *line, struct hd_error *error)
{
  enum { QUOTED = 100 };
  struct hd_scan text = {line->tool.at, line->text.end};
  const char *on = memmem(text.at, hd_scan_left(&text), " on ", 4);
  if (lsan->error_line)
    return true;
  lsan->error_line = line_number(lsan);
  text.end = on ? on : text.end;
  quote(&lsan->found, text, QUOTED);
  return !lsan->found.failed || hd_fail_memory(error);
}

static bool note_left_out(struct lsan *lsan, struct hd_scan text, struct hd_error *error)
{
  enum { QUOTED = 200 };
  struct hd_buffer said = HD_BUFFER_INIT;
  if (!end_stack(lsan, error))
    return false;
  hd_buffer_printf(&said, "line %" PRId64 ": ", line_number(lsan));
  quote(&said, text, QUOTED);
  return add_comment(lsan, &said, error);
}

static bool use_line(struct lsan *lsan, struct hd_scan text, struct hd_error *error)
{
  if (!hd_lsan_plain(&text, &lsan->plain))
    return hd_fail_memory(error);
  hd_scan_trim(&text);
  struct hd_lsan_line line = hd_lsan_line_of(text);
  switch (line.kind) {
  case HD_LSAN_REPORT: return end_stack(lsan, error) && begin_report(lsan, line.pid, error);
  case HD_LSAN_LEAK: return begin_leak(lsan, &line, error);
  case HD_LSAN_SUMMARY: return end_report(lsan, &line, text, error);
  case HD_LSAN_LEFT_OUT: return !lsan->open || note_left_out(lsan, text, error);
  case HD_LSAN_ERROR: return note_error(lsan, &line, error);
  case HD_LSAN_NO_CHECK:
    lsan->no_check_line = lsan->no_check_line ? lsan->no_check_line : line_number(lsan);
    return true;
  default: return !lsan->in_stack || use_stack_line(lsan, &line, text, error);
  }
}

/* --- the end -------------------------------------------------------------------- */

static bool no_report(const struct lsan *lsan, struct hd_error *error)
{
  if (lsan->no_check_line)
    return hd_fail_line(error, lsan->no_check_line,
                        "LeakSanitizer could not look for leaks here: it does not work under "
                        "ptrace (strace, gdb, some containers); run the program without");
  if (lsan->error_line)
    return hd_fail_line(error, lsan->error_line,
                        "there is no leak report in it: the program was ended by another error "
                        "here, %s",
                        hd_buffer_text(&lsan->found));
  return hd_fail_input(error, "there is no leak report in it: LeakSanitizer prints none where "
                              "nothing has leaked");
}

static bool add_records(struct lsan *lsan, struct hd_error *error)
{
  for (size_t i = 0; i < lsan->leaks.count; i++) {
    const struct leak *leak = &lsan->leaks.items[i];
    struct hd_record record = {.stack = leak->stack, .rate = 1, .weight = 1};
    double values[HD_MEASURES] = {0};
    if (lsan->reports.items[leak->report].repeated)
      continue;
    values[HD_LEAKED_SPACE] = (double)leak->bytes;
    values[HD_LEAKED_OBJECTS] = (double)leak->objects;
    values[leak->direct ? HD_DIRECT_SPACE : HD_INDIRECT_SPACE] = (double)leak->bytes;
    values[leak->direct ? HD_DIRECT_OBJECTS : HD_INDIRECT_OBJECTS] = (double)leak->objects;
    if (!hd_profile_add_record(lsan->profile, record, values, error))
      return hd_error_at(error, leak->line, -1);
  }
  return true;
}

/* Whose reports they are: a process, or the sum over several. */
static bool describe(struct lsan *lsan, struct hd_error *error)
{
  enum { NAMED = 8 };
  struct hd_buffer said = HD_BUFFER_INIT, left_out = HD_BUFFER_INIT;
  struct hd_meta *meta = &lsan->profile->meta;
  size_t counted = 0, repeated = 0;
  bool several = false;
  for (size_t i = 0; i < lsan->reports.count; i++) {
    const struct report *report = &lsan->reports.items[i];
    repeated += report->repeated;
    if (report->repeated)
      continue;
    several |= counted && report->pid != meta->pid;
    meta->pid = report->pid;
    if (counted++ < NAMED)
      hd_buffer_printf(&said, "%s%" PRId64, counted > 1 ? ", " : "the sum of reports of processes ",
                       report->pid);
  }
  if (counted > NAMED)
    hd_buffer_printf(&said, " and %zu more", counted - NAMED);
  if (several)
    meta->pid = 0;
  if (repeated)
    hd_buffer_printf(&left_out,
                     "%zu of the reports %s left out: a later one of the same process "
                     "repeats what %s",
                     repeated, repeated > 1 ? "are" : "is", repeated > 1 ? "they have" : "it has");
  bool fine = counted < 2 || add_comment(lsan, &said, error);
  fine = fine && (!repeated || add_comment(lsan, &left_out, error));
  hd_buffer_deinit(&said);
  hd_buffer_deinit(&left_out);
  return fine;
}

/* What else was found, and where nothing could be: neither is counted, both are said. */
static bool describe_errors(struct lsan *lsan, struct hd_error *error)
{
  struct hd_buffer found = HD_BUFFER_INIT, unknown = HD_BUFFER_INIT;
  hd_buffer_printf(&found, "line %" PRId64 ": another error, %s: no leak, and not counted",
                   lsan->error_line, hd_buffer_text(&lsan->found));
  hd_buffer_printf(
      &unknown, "line %" PRId64 ": a process could not look for leaks: what it lost is not known",
      lsan->no_check_line);
  bool fine = (!lsan->error_line || add_comment(lsan, &found, error)) &&
              (!lsan->no_check_line || add_comment(lsan, &unknown, error));
  hd_buffer_deinit(&found);
  hd_buffer_deinit(&unknown);
  return fine;
}

static bool read_log(struct lsan *lsan, struct hd_error *error)
{
  const char *line;
  size_t length;
  bool whole;
  for (;;) {
    if (!hd_stream_line(lsan->stream, &line, &length, &whole, error))
      return false;
    if (!line)
      break;
    if (!use_line(lsan, hd_scan_of(line, length), error))
      return false;
  }
  if (lsan->open && !end_cut(lsan, error))
    return false;
  if (!lsan->reports.count)
    return no_report(lsan, error);
  return add_records(lsan, error) && describe(lsan, error) && describe_errors(lsan, error);
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  static const enum hd_measure measures[] = {HD_LEAKED_SPACE,   HD_LEAKED_OBJECTS,
                                             HD_DIRECT_SPACE,   HD_DIRECT_OBJECTS,
                                             HD_INDIRECT_SPACE, HD_INDIRECT_OBJECTS};
  struct lsan lsan = {.stream = stream};
  if (!hd_profile_create(&lsan.profile, error))
    return false;
  lsan.stack.profile = lsan.profile;
  lsan.profile->meta.format = "lsan";
  lsan.profile->meta.kind = "leaks";
  lsan.profile->meta.rate = 1;
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
    hd_profile_declare(lsan.profile, measures[i]);
  bool fine = read_log(&lsan, error);
  hd_lsan_stack_deinit(&lsan.stack);
  hd_buffer_deinit(&lsan.plain);
  hd_buffer_deinit(&lsan.strange_text);
  hd_buffer_deinit(&lsan.found);
  hd_vec_deinit(&lsan.reports);
  hd_vec_deinit(&lsan.leaks);
  hd_vec_deinit(&lsan.traces);
  hd_index_deinit(&lsan.trace_index);
  if (!fine) {
    hd_profile_destroy(lsan.profile);
    return false;
  }
  hd_profile_freeze(lsan.profile);
  return sink->take(sink->context, lsan.profile, error);
}

static int probe(const uint8_t *head, size_t length)
{
  struct hd_scan text = hd_scan_of((const char *)head, length);
  if (hd_scan_holds(&text, report_mark))
    return HD_PROBE_SURE;
  return hd_scan_holds(&text, error_mark) || hd_scan_holds(&text, no_check_mark) ? HD_PROBE_LIKELY
                                                                                 : HD_PROBE_NO;
}

extern const struct hd_reader hd_reader_lsan;
const struct hd_reader hd_reader_lsan = {
    .name = "lsan",
    .summary = "leak reports of LeakSanitizer and AddressSanitizer, in a log",
    .carries = "leaked: direct, indirect",
    .marks = {report_mark, error_mark, no_check_mark},
    .probe = probe,
    .read = read,
};
