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
 * created, in whatever goes by callers. */
#include "readers/go_dump.h"

#include "readers/go_labels.h"
#include "readers/reader.h"

#include <string.h>

#define NS_A_MINUTE 60e9

/* Goroutines of one stack, state and labels. */
struct group {
  uint32_t stack, labels;
  double count, wait;
};

struct dump {
  struct hd_stream *stream;
  struct hd_profile *profile;
  bool whole; /* the line at hand ends in a newline */
  /* The goroutine at hand. */
  bool open, elided;
  int64_t line; /* of its header */
  uint32_t labels;
  double wait;
  HD_VEC(uint32_t) stack;    /* locations, leaf first */
  struct hd_frame call;      /* whose place is on the next line; function 0: none */
  struct hd_index locations; /* (function, file, line) -> location */
  HD_VEC(struct group) groups;
  struct hd_index group_index;
};

/* --- frames ------------------------------------------------------------------- */

static bool is_frame(const void *context, uint32_t id, const void *key)
{
  const struct hd_profile *profile = context;
  const struct hd_frame *want = key;
  const struct hd_frame *have =
      &profile->frames.items[profile->locations.items[id - 1].first_frame];
  return have->function == want->function && have->file == want->file && have->line == want->line;
}

static bool end_call(struct dump *dump, struct hd_error *error)
{
  const struct hd_frame *call = &dump->call;
  uint32_t key[] = {call->function, call->file, call->line};
  uint64_t hash = hd_hash(key, sizeof key);
  if (!call->function)
    return true;
  uint32_t id = hd_index_find(&dump->locations, hash, is_frame, dump->profile, call);
  if (!id) {
    if (!hd_profile_add_location(dump->profile, 0, 0, call, 1, false, &id, error))
      return false;
    if (!hd_index_add(&dump->locations, hash, id))
      return hd_fail_memory(error);
  }
  dump->call = (struct hd_frame){0};
  return hd_vec_push(&dump->stack, id) || hd_fail_memory(error);
}

static bool begin_call(struct dump *dump, struct hd_scan name, struct hd_error *error)
{
  hd_scan_trim(&name);
  return end_call(dump, error) && hd_profile_string(dump->profile, name.at, hd_scan_left(&name),
                                                    &dump->call.function, error);
}

/* "main.worker(0xc0000140a0, {0x1, 0x2})": arguments hold no parentheses. */
static bool read_call(struct dump *dump, struct hd_scan line, struct hd_error *error)
{
  const char *open = memrchr(line.at, '(', hd_scan_left(&line));
  if (!open || open == line.at || line.end[-1] != ')')
    return hd_reader_bad_row(dump->profile, (int64_t)dump->stream->line, "is no call", line.at,
                             hd_scan_left(&line), error);
  return begin_call(dump, (struct hd_scan){line.at, open}, error);
}

/* "created by main.start in goroutine 1" */
static bool read_creator(struct dump *dump, struct hd_scan name, struct hd_error *error)
{
  static const char in[] = " in goroutine ";
  const char *tail = memmem(name.at, hd_scan_left(&name), in, sizeof in - 1);
  if (tail)
    name.end = tail;
  return begin_call(dump, name, error);
}

/* "/src/worker.go:30 +0x45", or, where a program crashes, "... fp=0x1 sp=0x2 pc=0x3" */
static bool read_place(struct dump *dump, struct hd_scan place, struct hd_error *error)
{
  uint64_t line;
  static const char *const tails[] = {" +0x", " fp=0x"};
  if (!dump->call.function)
    return true;
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    const char *tail = memmem(place.at, hd_scan_left(&place), tails[i], strlen(tails[i]));
    place.end = tail ? tail : place.end;
  }
  hd_scan_trim(&place);
  const char *colon = memrchr(place.at, ':', hd_scan_left(&place));
  struct hd_scan number = {colon ? colon + 1 : place.end, place.end};
  if (colon && hd_scan_uint(&number, &line) && number.at == number.end && line <= INT32_MAX) {
    dump->call.line = (uint32_t)line;
    if (!hd_profile_string(dump->profile, place.at, (size_t)(colon - place.at), &dump->call.file,
                           error))
      return false;
  }
  return end_call(dump, error);
}

/* --- goroutines --------------------------------------------------------------- */

static bool is_group(const void *context, uint32_t id, const void *key)
{
  const struct dump *dump = context;
  const struct group *have = &dump->groups.items[id - 1], *want = key;
  return have->stack == want->stack && have->labels == want->labels;
}

static bool end_goroutine(struct dump *dump, struct hd_error *error)
{
  struct group made = {.labels = dump->labels};
  if (!dump->open)
    return true;
  dump->open = false;
  if (!end_call(dump, error) ||
      !hd_profile_add_stack(dump->profile, dump->stack.items, dump->stack.count, dump->elided,
                            &made.stack, error))
    return hd_error_at(error, dump->line, -1);
  uint32_t key[] = {made.stack, made.labels};
  uint64_t hash = hd_hash(key, sizeof key);
  uint32_t id = hd_index_find(&dump->group_index, hash, is_group, dump, &made);
  if (!id) {
    if (!hd_vec_push(&dump->groups, made) ||
        !hd_index_add(&dump->group_index, hash, (uint32_t)dump->groups.count))
      return hd_fail_memory(error);
    id = (uint32_t)dump->groups.count;
  }
  struct group *group = &dump->groups.items[id - 1];
  group->count++;
  group->wait = group->wait < dump->wait ? dump->wait : group->wait;
  return true;
}

static bool add_number(struct dump *dump, const char *key, uint64_t number, struct hd_label *label,
                       struct hd_error *error)
{
  *label = (struct hd_label){.number = (int64_t)(number & INT64_MAX)};
  return hd_profile_string(dump->profile, key, strlen(key), &label->key, error);
}

static bool read_labels(struct dump *dump, const struct hd_go_header *header,
                        struct hd_error *error)
{
  struct hd_label labels[HD_GO_MAX_LABELS + 3];
  size_t count = 0;
  if (header->labels.at < header->labels.end &&
      !hd_go_labels_read(dump->profile, header->labels.at, hd_scan_left(&header->labels), labels,
                         &count, error))
    return false;
  if (!hd_go_label(dump->profile, "state", header->state.at, hd_scan_left(&header->state),
                   &labels[count++], error))
    return false;
  if (header->locked &&
      !hd_go_label(dump->profile, "locked", "to thread", 9, &labels[count++], error))
    return false;
  if (header->bubble && !add_number(dump, "bubble", header->bubble, &labels[count++], error))
    return false;
  return hd_profile_add_labels(dump->profile, labels, count, &dump->labels, error);
}

static bool begin_goroutine(struct dump *dump, const struct hd_go_header *header,
                            struct hd_error *error)
{
  if (!end_goroutine(dump, error))
    return false;
  dump->open = true;
  dump->elided = false;
  dump->line = (int64_t)dump->stream->line;
  dump->stack.count = 0;
  dump->call = (struct hd_frame){0};
  dump->wait = (double)header->minutes * NS_A_MINUTE;
  return read_labels(dump, header, error);
}

/* "...additional frames elided...", "...23 frames elided..." */
static bool is_elision(struct hd_scan line)
{
  return hd_scan_literal(&line, "...") && hd_scan_holds(&line, "frames elided");
}

static bool use_line(struct dump *dump, struct hd_scan line, struct hd_error *error)
{
  struct hd_go_header header;
  bool indented = line.at < line.end && *line.at == '\t';
  hd_scan_trim(&line);
  if (hd_go_header_read(line, &header))
    return begin_goroutine(dump, &header, error);
  if (!dump->open)
    return true;
  if (line.at == line.end)
    return end_goroutine(dump, error);
  if (indented)
    return read_place(dump, line, error);
  if (is_elision(line)) {
    dump->elided = true;
    return end_call(dump, error);
  }
  if (hd_scan_literal(&line, "created by "))
    return read_creator(dump, line, error);
  return read_call(dump, line, error);
}

/* --- the file ------------------------------------------------------------------ */

/* Where Go ends a dump, wherever that is. */
#define LARGEST_DUMP ((uint64_t)64 << 20)

/* The line is not all there: but a dump that somebody copied out of a terminal ends in
 * a whole one, and behind " +0x" nothing is of use. */
static bool is_cut(const struct dump *dump, struct hd_scan line)
{
  return dump->open && !dump->whole &&
         (dump->stream->offset >= LARGEST_DUMP || !hd_scan_holds(&line, " +0x"));
}

static bool read_lines(struct dump *dump, struct hd_error *error)
{
  const char *line;
  size_t length;
  for (;;) {
    if (!hd_stream_line(dump->stream, &line, &length, &dump->whole, error))
      return false;
    if (!line)
      break;
    if (is_cut(dump, hd_scan_of(line, length))) {
      if (!hd_stream_cut(dump->stream, error, (int64_t)dump->stream->line, -1,
                         "the dump is cut off here",
                         "Go ends one at 64 MiB; ask for ?debug=1, which is much shorter"))
        return false;
      break;
    }
    if (!use_line(dump, hd_scan_of(line, length), error))
      return false;
  }
  if (!end_goroutine(dump, error))
    return false;
  return dump->groups.count ||
         hd_fail_line(error, (int64_t)dump->stream->line,
                      "there is no goroutine in it: each begins with \"goroutine 1 [running]:\"");
}

static bool add_records(struct dump *dump, struct hd_error *error)
{
  for (size_t i = 0; i < dump->groups.count; i++) {
    const struct group *group = &dump->groups.items[i];
    struct hd_record record = {group->stack, group->labels, 0, 1, 1};
    double values[HD_MEASURES] = {0};
    values[HD_GOROUTINES] = group->count;
    values[HD_LONGEST_WAIT] = group->wait;
    if (!hd_profile_add_record(dump->profile, record, values, error))
      return false;
  }
  return true;
}

static void deinit(struct dump *dump)
{
  hd_vec_deinit(&dump->stack);
  hd_vec_deinit(&dump->groups);
  hd_index_deinit(&dump->locations);
  hd_index_deinit(&dump->group_index);
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct dump dump = {.stream = stream};
  if (!hd_profile_create(&dump.profile, error))
    return false;
  dump.profile->meta.format = "go-dump";
  dump.profile->meta.kind = "goroutine";
  dump.profile->meta.rate = 1;
  hd_profile_declare(dump.profile, HD_GOROUTINES);
  hd_profile_declare(dump.profile, HD_LONGEST_WAIT);
  bool fine = read_lines(&dump, error) && add_records(&dump, error);
  deinit(&dump);
  if (!fine) {
    hd_profile_destroy(dump.profile);
    return false;
  }
  hd_profile_freeze(dump.profile);
  return sink->take(sink->context, dump.profile, error);
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
    .marks = {"\ngoroutine 1 [", "SIGQUIT: quit\nPC="},
    .probe = probe,
    .read = read,
};
