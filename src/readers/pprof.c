#include "readers/pprof.h"
#include "readers/reader.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <string.h>

/* --- sample types ------------------------------------------------------------ */

/* What a profile is that has no measure of ours, told by the name of a sample type.
 * The first row that fits wins. */
static const struct kind {
  const char *type; /* as Go's runtime and its agents write it */
  const char *kind; /* for meta */
  const char *name; /* for people */
  const char *why;  /* it is refused */
} kinds[] = {
    {"cpu", "cpu", "a CPU profile", "it counts time"},
    {"wall", "wall", "a wall-clock profile", "it counts time"},
    {"contentions", "contention", "a mutex or block profile", "it counts waiting"},
    {"delay", "contention", "a mutex or block profile", "it counts waiting"},
    {"samples", "cpu", "a CPU profile", "it counts time"},
};

/* Go's names of what it counts, where they are not those of our measures. */
static const struct count {
  const char *type;
  enum hd_measure measure;
  const char *kind; /* where it is not the measure's */
} counts[] = {
    {"goroutine", HD_GOROUTINES, NULL},
    {"goroutineleak", HD_GOROUTINES, "goroutineleak"},
    {"threadcreate", HD_THREADS, NULL},
};

enum {
  KINDS = sizeof kinds / sizeof *kinds,
  COUNTS = sizeof counts / sizeof *counts,
  TYPES_NAMED = 4,  /* in a message */
  TYPE_LENGTH = 40, /* of a name in a message */
};

static bool is(struct hd_pprof_text text, const char *name)
{
  return text.length == strlen(name) && memcmp(text.text, name, text.length) == 0;
}

static bool type_texts(const struct hd_pprof_file *file, const struct hd_pprof_type *type,
                       struct hd_pprof_text *name, struct hd_pprof_text *unit,
                       struct hd_error *error)
{
  return hd_pprof_string(file, type->type, "a sample type's name", HD_PPROF_NOWHERE, name, error) &&
         hd_pprof_string(file, type->unit, "a sample type's unit", HD_PPROF_NOWHERE, unit, error);
}

static void append_plain(struct hd_buffer *out, struct hd_pprof_text text)
{
  for (size_t i = 0; i < text.length && i < TYPE_LENGTH; i++) {
    char c = text.text[i];
    hd_buffer_append(out, (unsigned char)c < ' ' || c == 0x7f ? "?" : &c, 1);
  }
}

/* "samples/count, cpu/nanoseconds" */
static bool list_types(const struct hd_pprof_file *file, struct hd_buffer *out,
                       struct hd_error *error)
{
  for (size_t i = 0; i < file->types.count; i++) {
    struct hd_pprof_text name, unit;
    if (!type_texts(file, &file->types.items[i], &name, &unit, error))
      return false;
    if (i == TYPES_NAMED) {
      hd_buffer_puts(out, ", ...");
      break;
    }
    hd_buffer_puts(out, i ? ", " : "");
    append_plain(out, name);
    hd_buffer_puts(out, "/");
    append_plain(out, unit);
  }
  return !out->failed || hd_fail_memory(error);
}

static bool measure_of(struct hd_pprof_text name, struct hd_pprof_text unit,
                       enum hd_measure *measure, struct hd_error *error)
{
  for (int i = 0; i < COUNTS; i++)
    if (is(name, counts[i].type)) {
      *measure = counts[i].measure;
      return true;
    }
  *measure = HD_MEASURES;
  if (!hd_measure_find(name.text, name.length, measure)) {
    *measure = HD_MEASURES;
    return true;
  }
  if (hd_measures[*measure].unit != HD_UNIT_BYTES || !unit.length || is(unit, "bytes") ||
      is(unit, "byte") || is(unit, "B"))
    return true;
  return hd_fail_input(error, "%s is not in bytes here: heapdiff cannot tell what it counts",
                       hd_measures[*measure].name);
}

/* measures[i] is what sample type i counts, HD_MEASURES where it is none of ours;
 * *found says whether one is. */
static bool find_measures(const struct hd_pprof_file *file, enum hd_measure *measures, bool *found,
                          struct hd_error *error)
{
  bool seen[HD_MEASURES] = {false};
  *found = false;
  if (!file->types.count)
    return hd_fail_input(error, "the profile has no sample types: it is empty or damaged; fetch it "
                                "again");
  for (size_t i = 0; i < file->types.count; i++) {
    struct hd_pprof_text name, unit;
    if (!type_texts(file, &file->types.items[i], &name, &unit, error) ||
        !measure_of(name, unit, &measures[i], error))
      return false;
    if (measures[i] == HD_MEASURES)
      continue;
    if (seen[measures[i]])
      return hd_fail_input(error, "two sample types are %s: the file is damaged",
                           hd_measures[measures[i]].name);
    seen[measures[i]] = *found = true;
  }
  return true;
}

/* The kind of a profile that has a measure of ours. */
static const char *kind_of_measures(const struct hd_pprof_file *file,
                                    const enum hd_measure *measures)
{
  const char *kind = NULL;
  for (size_t i = file->types.count; i-- > 0;) {
    struct hd_pprof_text name;
    if (measures[i] == HD_MEASURES ||
        !hd_pprof_string(file, file->types.items[i].type, "", HD_PPROF_NOWHERE, &name, NULL))
      continue;
    kind = hd_measures[measures[i]].kind;
    for (int k = 0; k < COUNTS; k++)
      if (counts[k].kind && is(name, counts[k].type))
        return counts[k].kind;
  }
  return kind;
}

static const struct kind *kind_of(const struct hd_pprof_file *file)
{
  for (int k = 0; k < KINDS; k++)
    for (size_t i = 0; i < file->types.count; i++) {
      struct hd_pprof_text name;
      if (hd_pprof_string(file, file->types.items[i].type, "", HD_PPROF_NOWHERE, &name, NULL) &&
          is(name, kinds[k].type))
        return &kinds[k];
    }
  return NULL;
}

static bool refuse(const struct hd_pprof_file *file, struct hd_error *error)
{
  struct hd_buffer types = HD_BUFFER_INIT;
  const struct kind *kind = kind_of(file);
  if (list_types(file, &types, error))
    hd_fail_input(error, "this is %s (%s): %s; heapdiff compares memory and goroutines: fetch "
                         "/debug/pprof/heap or /debug/pprof/goroutine",
                  kind ? kind->name : "a profile of something else", hd_buffer_text(&types),
                  kind ? kind->why : "it has no heap measure");
  hd_buffer_deinit(&types);
  return false;
}

/* --- meta data --------------------------------------------------------------- */

/* The mean sampling interval in bytes, where the period is that. */
static bool rate_of(const struct hd_pprof_file *file, uint64_t *rate, struct hd_error *error)
{
  struct hd_pprof_text type, unit;
  *rate = 0;
  if (file->period <= 0)
    return true;
  if (!hd_pprof_string(file, file->period_type.type, "the period's type", HD_PPROF_NOWHERE, &type,
                       error) ||
      !hd_pprof_string(file, file->period_type.unit, "the period's unit", HD_PPROF_NOWHERE, &unit,
                       error))
    return false;
  if (is(type, "space") && is(unit, "bytes"))
    *rate = (uint64_t)file->period;
  return true;
}

static bool fill_meta(const struct hd_pprof_file *file, struct hd_profile *profile,
                      const char *kind, struct hd_error *error)
{
  struct hd_meta *meta = &profile->meta;
  struct hd_pprof_text text;
  enum hd_measure measure;
  meta->format = "pprof";
  meta->kind = kind;
  meta->time_ns = file->time_ns;
  meta->duration_ns = file->duration_ns;
  if (!rate_of(file, &meta->rate, error) ||
      !hd_pprof_string(file, file->default_type, "default_sample_type", HD_PPROF_NOWHERE, &text,
                       error))
    return false;
  if (text.length && hd_measure_find(text.text, text.length, &measure))
    meta->default_measure = hd_measures[measure].name;
  if (!file->mappings.count)
    return true;
  if (!hd_pprof_string(file, file->mappings.items[0].filename, "a mapping's file name",
                       file->mapping_ids.places.items[0], &text, error))
    return false;
  if (text.length && !(meta->program = hd_profile_text(profile, text.text, text.length)))
    return hd_fail_memory(error);
  return true;
}

static bool add_comments(struct hd_pprof_file *file, struct hd_profile *profile,
                         struct hd_error *error)
{
  for (size_t i = 0; i < file->comments.count; i++) {
    uint32_t id;
    if (!hd_pprof_intern(file, profile, file->comments.items[i], "a comment", HD_PPROF_NOWHERE, &id,
                         error) ||
        !hd_profile_add_comment(profile, id, error))
      return false;
  }
  return true;
}

/* --- the reader -------------------------------------------------------------- */

static bool fill(struct hd_pprof_file *file, struct hd_profile *profile,
                 const struct hd_parts *parts, struct hd_error *error)
{
  enum hd_measure measures[HD_PPROF_MAX_SAMPLE_TYPES];
  bool found;
  if (!find_measures(file, measures, &found, error))
    return false;
  if (!found)
    return refuse(file, error);
  for (size_t i = 0; i < file->types.count; i++)
    if (measures[i] != HD_MEASURES)
      hd_profile_declare(profile, measures[i]);
  return fill_meta(file, profile, kind_of_measures(file, measures), error) &&
         add_comments(file, profile, error) &&
         hd_pprof_frames(file, profile, error) &&
         (!parts || parts->begin(parts->context, profile, error)) &&
         hd_pprof_samples(file, profile, measures, parts, error);
}

/* All of the stream in one window, scanned. */
static bool load(struct hd_stream *stream, struct hd_pprof_file *file, struct hd_error *error)
{
  *file = (struct hd_pprof_file){0};
  if (!hd_stream_slurp(stream, error))
    return false;
  if (!stream->length)
    return hd_fail_input(error, "the file is empty: fetch the profile again");
  if (!hd_pprof_scan(file, stream->data, stream->length, error))
    return false;
  file->stream = stream;
  return true;
}

static bool read_parts(struct hd_stream *stream, const struct hd_parts *parts,
                       struct hd_sink *sink, struct hd_error *error)
{
  struct hd_pprof_file file;
  struct hd_profile *profile = NULL;
  bool done = load(stream, &file, error) && hd_profile_create(&profile, error) &&
              fill(&file, profile, parts, error);
  hd_pprof_file_deinit(&file);
  if (!done) {
    hd_profile_destroy(profile);
    return false;
  }
  hd_profile_freeze(profile);
  return sink->take(sink->context, profile, error);
}

static bool read_pprof(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  return read_parts(stream, NULL, sink, error);
}

/* Only what tells series apart: no samples are read, and a profile that is not of
 * the heap is no failure, so that a directory can be sorted out. */
static bool peek_pprof(struct hd_stream *stream, struct hd_profile *profile, struct hd_error *error)
{
  struct hd_pprof_file file;
  enum hd_measure measures[HD_PPROF_MAX_SAMPLE_TYPES];
  bool found = false;
  bool done = load(stream, &file, error) && find_measures(&file, measures, &found, error);
  if (done) {
    const struct kind *kind = found ? NULL : kind_of(&file);
    const char *name = found  ? kind_of_measures(&file, measures)
                       : kind ? kind->kind
                              : "other";
    done = fill_meta(&file, profile, name, error);
  }
  hd_pprof_file_deinit(&file);
  return done;
}

const struct hd_reader hd_reader_pprof = {
    .name = "pprof",
    .summary = "profile.proto: heaps of Go, Rust, Parca, Pyroscope, tcmalloc; goroutines, threads",
    .carries = "inuse, alloc | goroutines | threads",
    .probe = hd_pprof_probe,
    .peek = peek_pprof,
    .read = read_pprof,
    .read_parts = read_parts,
};
