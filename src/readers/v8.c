/* V8's sampling heap profile, a ".heapprofile" of Node or Chrome: one JSON object.
 *
 *   head     the root of a tree of calls; a node has its function (callFrame), the
 *            live bytes allocated by it itself (selfSize) and its callees (children)
 *   samples  the live samples one by one
 *
 * as the DevTools protocol has it (HeapProfiler.SamplingHeapProfile). V8 has scaled
 * selfSize up already (SamplingHeapProfiler::ScaleSample in its
 * src/profiler/sampling-heap-profiler.cc). A sample's size is its object's size times
 * what it was scaled by, and neither that factor nor the sampling interval is in the
 * file: there is no count of objects in it. */
#include "readers/json_text.h"
#include "readers/reader.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static bool holds(const uint8_t *head, size_t length, const char *key)
{
  return memmem(head, length, key, strlen(key)) != NULL;
}

static int probe(const uint8_t *head, size_t length)
{
  size_t at = 0;
  while (at < length && head[at] && strchr(" \t\r\n", head[at]))
    at++;
  if (at == length || head[at] != '{')
    return HD_PROBE_NO;
  bool tree = holds(head, length, "\"head\"") && holds(head, length, "\"callFrame\"");
  /* The samples may stand before the tree and fill all that is seen. */
  bool samples = holds(head, length, "\"samples\"") && holds(head, length, "\"nodeId\"") &&
                 holds(head, length, "\"ordinal\"");
  if (tree)
    return holds(head, length, "\"selfSize\"") ? HD_PROBE_SURE : HD_PROBE_LIKELY;
  return samples ? HD_PROBE_LIKELY : HD_PROBE_NO;
}

/* --- a function */

static int hex_digit(char c)
{
  if (!isxdigit((unsigned char)c))
    return -1;
  return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The name of a file: modules are named by URL ("file:///srv/a%20b.mjs"), scripts by
 * path. Other URLs stay what they are. */
static bool file_of(struct hd_profile *profile, const json_t *url, uint32_t *file,
                    struct hd_error *error)
{
  static const char scheme[] = "file://";
  const char *text = json_string_value(url);
  size_t length = json_string_length(url), used = 0;
  if (!text || strncmp(text, scheme, sizeof scheme - 1) != 0)
    return hd_profile_string(profile, text ? text : "", length, file, error);
  HD_SCOPED_FREE char *path = hd_alloc(length);
  if (!path)
    return hd_fail_memory(error);
  for (size_t at = sizeof scheme - 1; at < length; at++) {
    int high = text[at] == '%' && length - at > 2 ? hex_digit(text[at + 1]) : -1;
    int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
    bool escape = low >= 0 && high + low > 0;
    path[used++] = escape ? (char)(high << 4 | low) : text[at];
    at += escape ? 2 : 0;
  }
  return hd_profile_string(profile, path, used, file, error);
}

/* Where the function begins: V8 does not say at which of its lines it allocated.
 * Lines count from 0 in the file, -1 is none. It is not kept as the start_line, too,
 * as a listing from there to the last line with memory would have one line. */
static uint32_t line_of(const json_t *number)
{
  json_int_t line = json_is_integer(number) ? json_integer_value(number) : -1;
  return line >= 0 && line < INT32_MAX ? (uint32_t)line + 1 : 0;
}

/* `call` may be anything, NULL, too. */
static bool add_function(struct hd_profile *profile, const json_t *call, uint32_t *location,
                         struct hd_error *error)
{
  struct hd_frame frame = {0};
  const json_t *name = json_object_get(call, "functionName");
  const char *text = json_string_value(name);
  size_t length = json_string_length(name);
  if (!length) {
    text = text ? "(anonymous)" : "(unknown)";
    length = strlen(text);
  }
  if (!hd_profile_string(profile, text, length, &frame.function, error) ||
      !file_of(profile, json_object_get(call, "url"), &frame.file, error))
    return false;
  frame.line = line_of(json_object_get(call, "lineNumber"));
  return hd_profile_add_location(profile, 0, 0, &frame, 1, false, location, error);
}

/* --- the tree */

struct level {
  const json_t *callees; /* NULL: none */
  size_t next;
  bool in_path;
};

struct v8 {
  struct hd_profile *profile;
  HD_VEC(struct level) levels; /* the nodes on the way to the present one */
  HD_VEC(uint32_t) path;       /* their locations, outermost first */
  HD_VEC(uint32_t) stack;      /* scratch */
  size_t nodes, usable;
};

static bool add_size(struct v8 *v8, double bytes, struct hd_error *error)
{
  struct hd_record record = {.weight = 1};
  double values[HD_MEASURES] = {[HD_INUSE_SPACE] = bytes};
  v8->stack.count = 0;
  if (!hd_vec_reserve(&v8->stack, v8->path.count))
    return hd_fail_memory(error);
  for (size_t i = v8->path.count; i > 0; i--)
    v8->stack.items[v8->stack.count++] = v8->path.items[i - 1];
  return hd_profile_add_stack(v8->profile, v8->stack.items, v8->stack.count, false, &record.stack,
                              error) &&
         hd_profile_add_record(v8->profile, record, values, error);
}

static bool is_root(const json_t *call)
{
  const char *name = json_string_value(json_object_get(call, "functionName"));
  return name && strcmp(name, "(root)") == 0;
}

/* What is wrong with a node is counted; its callees are good without it. */
static bool enter(struct v8 *v8, const json_t *node, struct hd_error *error)
{
  const json_t *call = json_object_get(node, "callFrame");
  const json_t *size = json_object_get(node, "selfSize");
  const json_t *callees = json_object_get(node, "children");
  struct level level = {.callees = callees, .in_path = v8->levels.count || !is_root(call)};
  double bytes = json_number_value(size);
  uint32_t location;
  v8->nodes++;
  bool sized = json_is_number(size) && isfinite(bytes) && bytes >= 0;
  bool good = sized && json_is_string(json_object_get(call, "functionName")) &&
              (!callees || json_is_array(callees));
  v8->usable += good;
  if (!good && !hd_reader_bad(v8->profile, error,
                              "node %zu of the tree lacks a usable functionName, selfSize or "
                              "children",
                              v8->nodes))
    return false;
  if (level.in_path && !add_function(v8->profile, call, &location, error))
    return false;
  if (level.in_path && !hd_vec_push(&v8->path, location))
    return hd_fail_memory(error);
  if (sized && bytes > 0 && !add_size(v8, bytes, error))
    return false;
  return hd_vec_push(&v8->levels, level) || hd_fail_memory(error);
}

static bool walk(struct v8 *v8, const json_t *head, struct hd_error *error)
{
  if (!enter(v8, head, error))
    return false;
  while (v8->levels.count) {
    struct level *level = &v8->levels.items[v8->levels.count - 1];
    if (level->next < json_array_size(level->callees)) {
      if (!enter(v8, json_array_get(level->callees, level->next++), error))
        return false;
      continue;
    }
    v8->path.count -= level->in_path;
    v8->levels.count--;
  }
  return true;
}

static bool read_tree(struct v8 *v8, const json_t *root, struct hd_error *error)
{
  const json_t *head = json_object_get(root, "head");
  if (!json_is_object(head))
    return hd_fail_input(error,
                         "the file has no \"head\", the root of the calls: it is no sampling "
                         "heap profile (a .heapsnapshot and a .cpuprofile are something "
                         "else); take one with node --heap-prof");
  v8->profile->meta.format = "v8";
  v8->profile->meta.kind = "heap";
  v8->profile->meta.recorder = "V8";
  hd_profile_declare(v8->profile, HD_INUSE_SPACE);
  if (!walk(v8, head, error))
    return false;
  return v8->usable || hd_fail_input(error,
                                     "none of the %zu calls can be used: each needs a "
                                     "callFrame with a functionName, and a selfSize",
                                     v8->nodes);
}

/* --- the file */

/* A call is two levels of the JSON text, and jansson goes down HD_JSON_DEPTH of
 * them: 1023 calls. V8 itself stops at 128 by default. */
_Static_assert(HD_JSON_DEPTH / 2 - 1 == 1023, "as the message has it");
static const char too_deep[] = "calls are nested deeper than 1023: heapdiff does not follow them "
                               "that far; sample with a smaller stack depth";

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct v8 v8 = {0};
  json_t *root;
  if (!hd_json_text_read(stream, false, too_deep, &root, error))
    return false;
  bool fine = hd_profile_create(&v8.profile, error) && read_tree(&v8, root, error);
  json_decref(root);
  hd_vec_deinit(&v8.levels);
  hd_vec_deinit(&v8.path);
  hd_vec_deinit(&v8.stack);
  if (!fine) {
    hd_profile_destroy(v8.profile);
    return false;
  }
  hd_profile_freeze(v8.profile);
  return sink->take(sink->context, v8.profile, error);
}

extern const struct hd_reader hd_reader_v8;
const struct hd_reader hd_reader_v8 = {
    .name = "v8",
    .summary = "V8's sampling heap profiles, of Node and Chrome (.heapprofile)",
    .carries = "inuse_space",
    .probe = probe,
    .read = read,
};
