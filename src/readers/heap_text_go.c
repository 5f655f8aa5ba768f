/* What Go adds in lines that begin with "#": the symbols of each row, and
 * runtime.MemStats at the end (runtime/pprof/pprof.go). */
#include "readers/go_labels.h"
#include "readers/heap_text.h"

#include <string.h>

/* Go keeps 128 frames of a stack at most, and each may be of several functions
 * inlined in each other. */
enum { MAX_GO_FRAMES = 1024 };

static const char outermost[] = "runtime.goexit";

/* "name+0x1a": the name alone. A name may hold a "+" of its own. */
static struct hd_scan without_offset(struct hd_scan name)
{
  for (const char *at = name.end; at-- > name.at;) {
    struct hd_scan offset = {at, name.end};
    uint64_t number;
    if (hd_scan_literal(&offset, "+0x") && hd_scan_hex(&offset, &number) &&
        offset.at == offset.end)
      return (struct hd_scan){name.at, at};
  }
  return name;
}

/* "path/file.go:52" */
static bool file_line(struct hd_heap_text *text, struct hd_scan place, struct hd_frame *frame,
                      struct hd_error *error)
{
  const char *colon = memrchr(place.at, ':', hd_scan_left(&place));
  struct hd_scan number = {colon ? colon + 1 : place.end, place.end};
  uint64_t line;
  if (!colon || !hd_scan_uint(&number, &line) || number.at != number.end || line > INT32_MAX)
    return true;
  frame->line = (uint32_t)line;
  return hd_profile_string(text->profile, place.at, (size_t)(colon - place.at), &frame->file,
                           error);
}

/* "0xPC function+0xoff file:line"; a function or path may hold blanks, so that the
 * tabs in between count where there are some. */
static bool add_frame(struct hd_heap_text *text, struct hd_scan line, struct hd_error *error)
{
  struct hd_heap_go_frame made = {0};
  struct hd_scan name, place;
  if (!hd_scan_hex(&line, &made.address) || !made.address)
    return true;
  hd_scan_trim(&line);
  const char *tab = memchr(line.at, '\t', hd_scan_left(&line));
  if (tab) {
    name = (struct hd_scan){line.at, tab};
    place = (struct hd_scan){tab, line.end};
    hd_scan_trim(&place);
  } else {
    if (!hd_scan_word(&line, &name))
      return true;
    hd_scan_trim(&line);
    place = line;
  }
  name = without_offset(name);
  if (name.at == name.end || text->go.count >= MAX_GO_FRAMES)
    return true;
  if (!hd_profile_string(text->profile, name.at, hd_scan_left(&name), &made.frame.function,
                         error) ||
      !file_line(text, place, &made.frame, error))
    return false;
  return hd_vec_push(&text->go, made) || hd_fail_memory(error);
}

/* --- runtime.MemStats ---------------------------------------------------------- */

static bool add_comment(struct hd_heap_text *text, struct hd_scan line, struct hd_error *error)
{
  uint32_t id;
  return hd_profile_string(text->profile, line.at, hd_scan_left(&line), &id, error) &&
         hd_profile_add_comment(text->profile, id, error);
}

static bool is(struct hd_scan name, const char *wanted)
{
  return hd_scan_left(&name) == strlen(wanted) && memcmp(name.at, wanted, strlen(wanted)) == 0;
}

/* Sys less HeapReleased is what GOMEMLIMIT bounds; HeapIdle has what was released in it
 * (runtime/mstats.go). */
static void memory_from_system(struct hd_heap_text *text, struct hd_scan name, int64_t value)
{
  struct hd_heap_go_memory *memory = &text->memory;
  struct hd_meta *meta = &text->profile->meta;
  int64_t *field = is(name, "Sys")            ? &memory->sys
                   : is(name, "HeapIdle")     ? &memory->idle
                   : is(name, "HeapReleased") ? &memory->released
                                              : NULL;
  if (!field)
    return;
  *field = value;
  bool fits = memory->released >= 0 && memory->idle >= memory->released &&
              memory->sys >= memory->idle;
  meta->system = fits ? memory->sys - memory->released : -1;
  meta->system_free = fits ? memory->idle - memory->released : -1;
}

static bool memory_statistic(struct hd_heap_text *text, struct hd_scan line,
                             struct hd_error *error)
{
  static const char *const told[] = {"Sys", "HeapSys", "HeapInuse", "HeapReleased", "NumGC"};
  struct hd_scan rest = line, name;
  struct hd_meta *meta = &text->profile->meta;
  int64_t value;
  if (!hd_scan_word(&rest, &name) || !hd_scan_mark(&rest, '=') || !hd_scan_int(&rest, &value) ||
      value < 0)
    return true;
  /* What the rows hold is the heap as of the last collection. */
  if (is(name, "LastGC"))
    meta->time_ns = value;
  else if (is(name, "MaxRSS"))
    meta->rss_peak = value;
  memory_from_system(text, name, value);
  for (size_t i = 0; !text->peeking && i < sizeof told / sizeof *told; i++)
    if (is(name, told[i]))
      return add_comment(text, line, error);
  return true;
}

bool hd_heap_text_go_line(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_scan line = text->line;
  hd_scan_literal(&line, "#");
  hd_scan_trim(&line);
  struct hd_scan ahead = line;
  if (hd_scan_literal(&ahead, "labels: "))
    return !text->pending || text->peeking ||
           hd_go_labels(text->profile, ahead.at, hd_scan_left(&ahead), &text->labels, error);
  if (!hd_scan_literal(&ahead, "0x"))
    return memory_statistic(text, line, error);
  return !text->pending || text->peeking || add_frame(text, line, error);
}

/* --- a row's stack -------------------------------------------------------------- */

static bool name_address(struct hd_heap_text *text, uint64_t address,
                         const struct hd_heap_go_frame *frames, size_t count,
                         struct hd_error *error)
{
  uint32_t id;
  if (!hd_heap_text_address(text, address, &id, error))
    return false;
  struct hd_span *span = &text->addresses.items[id - 1].frames;
  if (span->count)
    return true;
  if (text->frames.count + count >= HD_MAX_ITEMS)
    return hd_fail_input(error, "more than %u frames", HD_MAX_ITEMS);
  if (!hd_vec_reserve(&text->frames, count))
    return hd_fail_memory(error);
  *span = (struct hd_span){(uint32_t)text->frames.count, (uint32_t)count};
  for (size_t i = 0; i < count; i++)
    text->frames.items[text->frames.count++] = frames[i].frame;
  return true;
}

/* How many of the frames from `first` on are of one call: those with its address,
 * innermost inlined first. A name for the second time is the next call of a
 * recursion. */
static size_t call_length(const struct hd_heap_text *text, size_t first)
{
  const struct hd_heap_go_frame *frames = text->go.items;
  for (size_t end = first + 1; end < text->go.count; end++)
    if (frames[end].address != frames[first].address ||
        frames[end].frame.function == frames[first].frame.function)
      return end - first;
  return text->go.count - first;
}

/* Where the stack goes on at a look-up address, its count where it does not. */
static size_t find_call(const struct hd_heap_text *text, size_t from, uint64_t address)
{
  while (from < text->stack.count && text->stack.items[from] - 1 != address)
    from++;
  return from;
}

static bool name_outermost(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_heap_go_frame frame = {0};
  return hd_profile_string(text->profile, outermost, sizeof outermost - 1, &frame.frame.function,
                           error) &&
         name_address(text, text->stack.items[text->stack.count - 1], &frame, 1, error);
}

/* Go prints no frame for the innermost ones that are of its runtime, as its
 * profile.proto leaves them out, nor for runtime.goexit, the outermost one. */
bool hd_heap_text_go_stack(struct hd_heap_text *text, struct hd_error *error)
{
  size_t count = text->stack.count, next = 0, shown = count;
  for (size_t i = 0, length; i < text->go.count; i += length) {
    length = call_length(text, i);
    size_t at = find_call(text, next, text->go.items[i].address);
    if (at == count)
      continue;
    if (!name_address(text, text->stack.items[at], &text->go.items[i], length, error))
      return false;
    if (shown == count)
      shown = at;
    next = at + 1;
  }
  if (shown == count)
    return true;
  if (next + 1 == count && !name_outermost(text, error))
    return false;
  memmove(text->stack.items, text->stack.items + shown,
          (count - shown) * sizeof *text->stack.items);
  text->stack.count = count - shown;
  return true;
}
