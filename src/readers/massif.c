/* valgrind --tool=massif: one file is a series. A header, then a snapshot after the
 * other; those with a call tree become profiles (massif_tree.c), the others hold a
 * total and nothing to compare. Read line by line: one tree is held at a time.
 *
 * The layout is VG_(XT_massif_open)'s and VG_(XT_massif_print)'s, in valgrind's
 * coregrind/m_xtree.c. The same functions write the reports of --xtree-memory to
 * files named *.ms, a "snapshot" for each thing they count. */
#include "readers/massif.h"
#include "readers/reader.h"

#include <string.h>

#define XTREE "xtree.produce_report"

struct header {
  const char *desc, *command; /* NULL: not there */
  bool milliseconds;          /* else instructions or bytes allocated */
};

/* The lines before a snapshot's tree. */
struct snapshot {
  uint64_t number, time, heap, extra, stacks;
  unsigned have; /* bits: which of these were there */
};

enum { NUMBER = 1, TIME = 2, HEAP = 4, NEEDED = NUMBER | TIME | HEAP };

struct massif {
  struct hd_stream *stream;
  struct hd_sink *sink;
  struct hd_arena arena; /* of the header */
  struct header header;
  struct hd_massif_tree tree;
  size_t snapshots, taken;
};

static bool begins(const char *text, size_t length, const char *word)
{
  return length >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static int probe(const uint8_t *head, size_t length)
{
  static const char *const lines[] = {"\ncmd: ", "\ntime_unit: "};
  if (!begins((const char *)head, length, "desc: "))
    return HD_PROBE_NO;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!memmem(head, length, lines[i], strlen(lines[i])))
      return i ? HD_PROBE_LIKELY : HD_PROBE_NO; /* a command line can be long */
  return HD_PROBE_SURE;
}

/* --- the header */

static bool keep(struct massif *massif, const char *text, size_t length, const char **kept,
                 struct hd_error *error)
{
  *kept = hd_arena_copy(&massif->arena, text, length);
  return *kept || hd_fail_memory(error);
}

/* Up to and with "time_unit:". Arguments of the command may have newlines. */
static bool read_header(struct massif *massif, struct hd_error *error)
{
  struct header *header = &massif->header;
  const char *line;
  size_t length;
  for (;;) {
    if (!hd_massif_line(massif->stream, &line, &length, error))
      return false;
    int64_t number = (int64_t)massif->stream->line;
    if (!line)
      return hd_fail_line(error, number,
                          "the file ends in its header: valgrind has not written "
                          "it all; run the program again");
    if (header->desc && begins(line, length, "time_unit: ")) {
      header->milliseconds = length == strlen("time_unit: ms") && line[length - 1] == 's';
      break;
    }
    if (!header->desc && begins(line, length, "desc: ")) {
      if (!keep(massif, line + 6, length - 6, &header->desc, error))
        return false;
    } else if (header->desc && !header->command && begins(line, length, "cmd: ")) {
      if (!keep(massif, line + 5, length - 5, &header->command, error))
        return false;
    } else if (!header->desc || begins(line, length, "#-----")) {
      return hd_fail_line(error, number,
                          "a massif file begins with \"desc:\", \"cmd:\" and "
                          "\"time_unit:\": this is none, or it is damaged");
    }
  }
  return (header->desc && header->command) ||
         hd_fail_line(error, (int64_t)massif->stream->line,
                      "the header has no \"%s\" line: the file is damaged",
                      header->desc ? "cmd:" : "desc:");
}

static bool use_header(const struct massif *massif, struct hd_profile *profile,
                       struct hd_error *error)
{
  const struct header *header = &massif->header;
  struct hd_meta *meta = &profile->meta;
  meta->format = "massif";
  meta->kind = strstr(header->desc, "--pages-as-heap=yes") ? "pages" : "heap";
  meta->recorder = "valgrind massif";
  meta->rate = 1;
  return hd_valgrind_command(profile, header->command, strlen(header->command), error);
}

static bool peek(struct hd_stream *stream, struct hd_profile *profile, struct hd_error *error)
{
  struct massif massif = {.stream = stream};
  bool fine = read_header(&massif, error) && use_header(&massif, profile, error);
  hd_arena_deinit(&massif.arena);
  return fine;
}

/* --- snapshots */

static bool read_value(struct massif *massif, struct snapshot *snapshot, const char *line,
                       size_t length, struct hd_error *error)
{
  const struct {
    const char *key;
    uint64_t *value;
    unsigned bit;
  } keys[] = {
      {"snapshot=", &snapshot->number, NUMBER}, {"time=", &snapshot->time, TIME},
      {"mem_heap_B=", &snapshot->heap, HEAP},   {"mem_heap_extra_B=", &snapshot->extra, 8},
      {"mem_stacks_B=", &snapshot->stacks, 16},
  };
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (!begins(line, length, keys[i].key))
      continue;
    const char *at = line + strlen(keys[i].key);
    size_t left = length - strlen(keys[i].key);
    if (!hd_massif_number(&at, &left, keys[i].value) || left)
      return hd_fail_line(error, (int64_t)massif->stream->line,
                          "\"%s\" is not followed by a whole number: the file is damaged",
                          keys[i].key);
    if (snapshot->have & keys[i].bit)
      return hd_fail_line(error, (int64_t)massif->stream->line,
                          "\"%s\" comes twice in a snapshot: the file is damaged", keys[i].key);
    snapshot->have |= keys[i].bit;
    return true;
  }
  return memchr(line, '=', length) ||
         hd_fail_line(error, (int64_t)massif->stream->line,
                      "neither a comment nor \"name=value\": the file is damaged");
}

/* Up to and with "heap_tree="; *kind is NULL at the end of the file. */
static bool read_snapshot(struct massif *massif, struct snapshot *snapshot, const char **kind,
                          struct hd_error *error)
{
  static const char *const kinds[] = {"empty", "detailed", "peak"};
  static const char tree[] = "heap_tree=";
  const char *line;
  size_t length, lines = 0;
  *kind = NULL;
  *snapshot = (struct snapshot){0};
  for (;; lines++) {
    if (!hd_massif_line(massif->stream, &line, &length, error))
      return false;
    int64_t number = (int64_t)massif->stream->line;
    if (!line)
      return !lines ||
             hd_stream_cut(massif->stream, error, number, -1, "the file ends inside a snapshot",
                           "valgrind has not finished it, or it was cut off; get it again");
    if (begins(line, length, tree))
      break;
    if (length && line[0] != '#' && !read_value(massif, snapshot, line, length, error))
      return false;
  }
  int64_t number = (int64_t)massif->stream->line;
  if ((snapshot->have & NEEDED) != NEEDED || snapshot->number > INT32_MAX)
    return hd_fail_line(error, number,
                        "the snapshot has no usable number, time or mem_heap_B: "
                        "the file is damaged");
  line += strlen(tree);
  length -= strlen(tree);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (length == strlen(kinds[i]) && memcmp(line, kinds[i], length) == 0)
      *kind = kinds[i];
  return *kind || hd_fail_line(error, number,
                               "heap_tree is none of empty, detailed and peak: the "
                               "file is damaged");
}

static void use_snapshot(struct massif *massif, const struct snapshot *snapshot, const char *kind,
                         struct hd_profile *profile)
{
  enum { NS_A_MS = 1000000 };
  struct hd_meta *meta = &profile->meta;
  double bytes = (double)snapshot->heap + (double)snapshot->extra + (double)snapshot->stacks;
  meta->sequence = (int64_t)snapshot->number;
  /* Begins at 0, which would be an unknown time: all are a nanosecond later. */
  if (massif->header.milliseconds && snapshot->time < INT64_MAX / NS_A_MS)
    meta->mono_ns = (int64_t)snapshot->time * NS_A_MS + 1;
  else if (!massif->header.milliseconds && snapshot->time <= INT64_MAX)
    meta->progress = (int64_t)snapshot->time;
  if (strcmp(kind, "peak") == 0)
    meta->reason = "peak";
  if (begins(massif->tree.root, strlen(massif->tree.root), "(page allocation syscalls)"))
    meta->kind = "pages";
  double threshold = bytes * massif->tree.threshold / 100;
  meta->threshold = threshold < HD_MAX_SUM ? (int64_t)threshold : 0;
}

/* Of a report of --xtree-memory only the first part counts bytes in use. */
static bool is_in_use(const struct massif *massif)
{
  const char *root = massif->tree.root;
  return !begins(massif->header.desc, strlen(massif->header.desc), XTREE) ||
         begins(root, strlen(root), "curB ");
}

static bool fill(struct massif *massif, const struct snapshot *snapshot, const char *kind,
                 struct hd_profile *profile, struct hd_error *error)
{
  hd_profile_declare(profile, HD_INUSE_SPACE);
  if (!use_header(massif, profile, error) ||
      !hd_massif_tree_read(&massif->tree, massif->stream, profile, error))
    return false;
  if (massif->tree.total != snapshot->heap)
    return hd_fail_line(error, (int64_t)massif->stream->line,
                        "the call tree that ends here and its snapshot's mem_heap_B do not agree: "
                        "the file is damaged");
  use_snapshot(massif, snapshot, kind, profile);
  return true;
}

static bool take_tree(struct massif *massif, const struct snapshot *snapshot, const char *kind,
                      struct hd_error *error)
{
  struct hd_profile *profile;
  if (!hd_profile_create(&profile, error))
    return false;
  if (!fill(massif, snapshot, kind, profile, error)) {
    hd_profile_destroy(profile);
    return massif->tree.ended;
  }
  if (!is_in_use(massif)) {
    hd_profile_destroy(profile);
    return true;
  }
  hd_profile_freeze(profile);
  massif->taken++;
  return massif->sink->take(massif->sink->context, profile, error);
}

static bool read_snapshots(struct massif *massif, struct hd_error *error)
{
  struct snapshot snapshot;
  const char *kind;
  for (;;) {
    if (!read_snapshot(massif, &snapshot, &kind, error))
      return false;
    if (!kind)
      break;
    massif->snapshots++;
    if (strcmp(kind, "empty") != 0 && !take_tree(massif, &snapshot, kind, error))
      return false;
  }
  if (!massif->snapshots)
    return hd_fail_line(error, (int64_t)massif->stream->line,
                        "the file has a header and no snapshot: the program has not ended yet, or "
                        "valgrind was killed");
  return massif->taken || hd_fail_line(error, (int64_t)massif->stream->line,
                                       "none of the %zu snapshots has a call tree: record with "
                                       "valgrind --tool=massif --detailed-freq=1",
                                       massif->snapshots);
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct massif massif = {.stream = stream, .sink = sink};
  bool fine = read_header(&massif, error) && read_snapshots(&massif, error);
  hd_massif_tree_deinit(&massif.tree);
  hd_arena_deinit(&massif.arena);
  return fine;
}

extern const struct hd_reader hd_reader_massif;
const struct hd_reader hd_reader_massif = {
    .name = "massif",
    .summary = "valgrind --tool=massif: a file is a whole series",
    .carries = "inuse_space",
    .probe = probe,
    .peek = peek,
    .read = read,
};
