/* What Go prints of its goroutines one by one: /debug/pprof/goroutine?debug=2, the
 * output of a program that panics or gets SIGQUIT, also with other lines around it.
 *
 *   goroutine 18 [chan receive, 5 minutes]:
 *   main.worker(0xc0000140a0, {0x1, 0x2})
 *   	/src/worker.go:30 +0x45
 *   created by main.start in goroutine 1
 *   	/src/main.go:20 +0x6f
 *
 * (goroutineheader() and traceback2() in Go's runtime/traceback.go). The line that
 * created the goroutine becomes the outermost frame: it is charged with all that it
 * created, in whatever goes by callers.
 *
 * A log may hold several dumps, of one process or of more: each is a snapshot. One ends
 * where a goroutine comes for the second time, or where Go says why it dumps. */
#include "readers/go_dump.h"

#include "readers/reader.h"

#include <string.h>

struct log {
  struct hd_stream *stream;
  struct hd_sink *sink;
  struct hd_go_stacks stacks; /* of the dump at hand */
  HD_VEC(uint64_t) ids;       /* of its goroutines */
  struct hd_index id_index;
  size_t dumps; /* that were handed on */
};

/* --- dumps -------------------------------------------------------------------- */

static bool begin_dump(struct log *log, struct hd_error *error)
{
  if (!hd_profile_create(&log->stacks.profile, error))
    return false;
  struct hd_profile *profile = log->stacks.profile;
  profile->meta.format = "go-dump";
  profile->meta.kind = "goroutine";
  profile->meta.rate = 1;
  hd_profile_declare(profile, HD_GOROUTINES);
  hd_profile_declare(profile, HD_LONGEST_WAIT);
  return true;
}

static void drop_dump(struct log *log)
{
  hd_profile_destroy(log->stacks.profile);
  hd_go_stacks_deinit(&log->stacks);
  log->ids.count = 0;
  hd_index_deinit(&log->id_index);
}

/* Hands the dump at hand on, if there is one. */
static bool end_dump(struct log *log, struct hd_error *error)
{
  struct hd_profile *profile = log->stacks.profile;
  if (!hd_go_end(&log->stacks, error))
    return false;
  if (!profile || !log->stacks.groups.count)
    return true;
  if (!hd_go_records(&log->stacks, error))
    return false;
  log->stacks.profile = NULL;
  drop_dump(log);
  log->dumps++;
  hd_profile_freeze(profile);
  return log->sink->take(log->sink->context, profile, error);
}

static bool is_id(const void *context, uint32_t number, const void *key)
{
  const struct log *log = context;
  return log->ids.items[number - 1] == *(const uint64_t *)key;
}

static bool begin_goroutine(struct log *log, const struct hd_go_header *header,
                            struct hd_error *error)
{
  /* A thread's own stack: no goroutine. */
  if (!header->id)
    return hd_go_end(&log->stacks, error);
  uint64_t hash = hd_hash(&header->id, sizeof header->id);
  if (hd_index_find(&log->id_index, hash, is_id, log, &header->id) && !end_dump(log, error))
    return false;
  if (!log->stacks.profile && !begin_dump(log, error))
    return false;
  if (!hd_vec_push(&log->ids, header->id) ||
      !hd_index_add(&log->id_index, hash, (uint32_t)log->ids.count))
    return hd_fail_memory(error);
  return hd_go_begin(&log->stacks, header, (int64_t)log->stream->line, error);
}

/* --- lines -------------------------------------------------------------------- */

/* Goes before all that is printed of a process's end. */
static bool is_cause(struct hd_scan line)
{
  return hd_scan_literal(&line, "panic: ") || hd_scan_literal(&line, "fatal error: ") ||
         hd_scan_literal(&line, "SIGQUIT: quit");
}

/* "...additional frames elided...", "...23 frames elided..." */
static bool is_elision(struct hd_scan line)
{
  return hd_scan_literal(&line, "...") && hd_scan_holds(&line, "frames elided");
}

/* "main.worker(0xc0000140a0, {0x1, 0x2})": a name has no blanks, arguments hold no
 * parentheses. */
static bool split_call(struct hd_scan line, struct hd_scan *name)
{
  const char *open = line.at < line.end ? memrchr(line.at, '(', hd_scan_left(&line)) : NULL;
  *name = (struct hd_scan){line.at, open ? open : line.at};
  return open && open > line.at && line.end[-1] == ')' &&
         !memchr(name->at, ' ', hd_scan_left(name)) && !memchr(name->at, '\t', hd_scan_left(name));
}

/* "created by main.start in goroutine 1" */
static bool take_creator(struct log *log, struct hd_scan name, struct hd_error *error)
{
  static const char in[] = " in goroutine ";
  const char *tail = memmem(name.at, hd_scan_left(&name), in, sizeof in - 1);
  if (tail)
    name.end = tail;
  return hd_go_call(&log->stacks, name, true, error);
}

/* A line in a goroutine that is indented neither by a tab nor by what a terminal makes
 * of one. */
static bool take_call(struct log *log, struct hd_scan line, struct hd_error *error)
{
  struct hd_go_stacks *stacks = &log->stacks;
  struct hd_scan name;
  /* Of the goroutine it would have had its place behind it. */
  if (stacks->call.function)
    return hd_go_end(stacks, error);
  if (is_elision(line)) {
    stacks->elided = true;
    return true;
  }
  if (hd_scan_literal(&line, "created by "))
    return take_creator(log, line, error);
  if (split_call(line, &name))
    return hd_go_call(stacks, name, false, error);
  if (stacks->stack.count || stacks->excused)
    return hd_go_end(stacks, error);
  return hd_reader_bad_row(stacks->profile, (int64_t)log->stream->line, "is no call", line.at,
                           hd_scan_left(&line), error);
}

static bool use_line(struct log *log, struct hd_scan line, struct hd_error *error)
{
  static const char blanks[] = "    ";
  struct hd_scan ahead = line;
  struct hd_go_header header;
  bool indented = hd_scan_literal(&ahead, "\t") || hd_scan_literal(&ahead, blanks);
  hd_scan_trim(&line);
  if (hd_go_header_read(line, &header))
    return begin_goroutine(log, &header, error);
  if (is_cause(line))
    return end_dump(log, error);
  if (!log->stacks.open)
    return true;
  if (line.at == line.end)
    return hd_go_end(&log->stacks, error);
  return indented ? hd_go_place(&log->stacks, line, error) : take_call(log, line, error);
}

/* --- the file ------------------------------------------------------------------ */

/* Where Go ends a dump, wherever that is. */
#define LARGEST_DUMP ((uint64_t)64 << 20)

static bool cut_off(const struct log *log, struct hd_error *error)
{
  return hd_stream_cut(log->stream, error, (int64_t)log->stream->line, -1,
                       "the dump is cut off here",
                       log->stream->offset >= LARGEST_DUMP
                           ? "Go ends one at 64 MiB; ask for ?debug=1, which is much shorter"
                           : "it is incomplete; get it again");
}

/* The line is not all there: but a dump that somebody copied out of a terminal ends in
 * a whole one, and behind " +0x" nothing is of use. */
static bool is_part(const struct log *log, struct hd_scan line, bool whole)
{
  return log->stacks.open && !whole &&
         (log->stream->offset >= LARGEST_DUMP || !hd_scan_holds(&line, " +0x"));
}

/* Something must follow: a place behind a call, a call behind the first line. */
static bool ends_early(const struct hd_go_stacks *stacks)
{
  return stacks->open && (stacks->call.function || (!stacks->stack.count && !stacks->excused));
}

static bool read_lines(struct log *log, struct hd_error *error)
{
  const char *line;
  size_t length;
  bool whole;
  for (;;) {
    if (!hd_stream_line(log->stream, &line, &length, &whole, error))
      return false;
    bool cut = line ? is_part(log, hd_scan_of(line, length), whole) : ends_early(&log->stacks);
    if (cut && !cut_off(log, error))
      return false;
    if (cut || !line)
      break;
    if (!use_line(log, hd_scan_of(line, length), error))
      return false;
  }
  if (!end_dump(log, error))
    return false;
  return log->dumps ||
         hd_fail_line(error, (int64_t)log->stream->line,
                      "there is no goroutine in it: each begins with \"goroutine 1 [running]:\"");
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct log log = {.stream = stream, .sink = sink};
  bool fine = read_lines(&log, error);
  drop_dump(&log);
  hd_vec_deinit(&log.ids);
  return fine;
}

static int probe(const uint8_t *head, size_t length)
{
  struct hd_scan rest = hd_scan_of((const char *)head, length);
  while (rest.at < rest.end) {
    const char *end = memchr(rest.at, '\n', hd_scan_left(&rest));
    struct hd_scan line = {rest.at, end ? end : rest.end};
    struct hd_go_header header;
    rest.at = end ? end + 1 : rest.end;
    hd_scan_trim(&line);
    if (hd_go_header_read(line, &header))
      return HD_PROBE_LIKELY;
  }
  return HD_PROBE_NO;
}

extern const struct hd_reader hd_reader_go_dump;
const struct hd_reader hd_reader_go_dump = {
    .name = "go-dump",
    .summary = "dumps of goroutines, one by one: ?debug=2, SIGQUIT, panics",
    .carries = "goroutines, states, waits",
    .marks = {"\ngoroutine 1 [", " [running]:\n", "SIGQUIT: quit\nPC="},
    .probe = probe,
    .read = read,
};
