/* Which snapshots of a directory: its files are a set of series, told apart by
 * host, boot, pid, process start, program image, program and kind; the largest
 * series of the kind that is wanted is taken. Files that were named are taken as they
 * are. */
#include "api/session.h"

#include "base/buffer.h"
#include "input/file_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
  struct hd_handle handle;
  struct hd_profile *profile; /* its identity; the meta data alone count */
  uint32_t series;            /* in `series`, + 1 */
};

struct candidate_series {
  uint32_t group;
  size_t first;  /* of its candidates, in time order, once sorted */
  size_t count;
  bool wanted;   /* of the kind, the process and the program that are asked for */
  bool preferred;
  double size;   /* of the process, in bytes; or the time of the last snapshot */
};

struct chooser {
  struct hd_session *session;
  struct hd_error *error;
  HD_VEC(struct candidate) candidates;
  HD_VEC(struct candidate_series) series;
  size_t strangers, broken;
};

static bool same_text(const char *a, const char *b)
{
  return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Of formats that do not tell whose they are, the names of files may; and of two forms
 * without a time each is a series of its own, as they may be of the same moments. */
static bool same_stem(const struct candidate *a, const struct candidate *b)
{
  struct hd_file_name x = hd_file_name_read(a->handle.name);
  struct hd_file_name y = hd_file_name_read(b->handle.name);
  return x.length == y.length && memcmp(x.stem, y.stem, x.length) == 0;
}

static bool same_series(const struct candidate *a, const struct candidate *b)
{
  const struct hd_meta *x = &a->profile->meta, *y = &b->profile->meta;
  return a->handle.group == b->handle.group && x->pid == y->pid && x->start_ns == y->start_ns &&
         x->image_ns == y->image_ns && same_text(x->host, y->host) &&
         same_text(x->boot_id, y->boot_id) && same_text(x->program, y->program) &&
         same_text(x->kind, y->kind) &&
         (x->time_ns || x->mono_ns || (same_stem(a, b) && same_text(x->format, y->format)));
}

/* Reads who a file is; one that cannot be read is left out and counted. */
static bool add_candidate(struct chooser *chooser, const struct hd_handle *handle)
{
  struct hd_session *session = chooser->session;
  struct candidate candidate = {.handle = *handle};
  struct hd_error error = HD_ERROR_INIT;
  if (!hd_session_peek(session, handle, &candidate.profile, &error)) {
    if (error.kind == HD_ERROR_INTERNAL)
      return hd_fail_internal(chooser->error, "%s", error.text);
    char text[1400];
    hd_error_format(&error, text, sizeof text);
    hd_session_add_note(session, HD_NOTE_WARNING, "left-out", "left out: %s", text);
    chooser->broken++;
    return true;
  }
  if (!candidate.profile) {
    chooser->strangers++;
    return true;
  }
  if (hd_vec_push(&chooser->candidates, candidate))
    return true;
  hd_profile_destroy(candidate.profile);
  return hd_fail_memory(chooser->error);
}

static int64_t when(const struct hd_meta *meta)
{
  return meta->mono_ns ? meta->mono_ns : meta->time_ns;
}

static int by_series_and_time(const void *left, const void *right)
{
  const struct candidate *a = left, *b = right;
  const struct hd_meta *x = &a->profile->meta, *y = &b->profile->meta;
  if (a->series != b->series)
    return a->series < b->series ? -1 : 1;
  if (when(x) != when(y))
    return when(x) < when(y) ? -1 : 1;
  if (x->sequence != y->sequence)
    return x->sequence < y->sequence ? -1 : 1;
  /* Writers number their files: 9 comes before 10. */
  return strverscmp(a->handle.name, b->handle.name);
}

static bool group(struct chooser *chooser)
{
  struct candidate *items = chooser->candidates.items;
  size_t count = chooser->candidates.count;
  for (size_t i = 0; i < count; i++) {
    for (size_t j = i; j-- > 0 && !items[i].series;)
      if (same_series(&items[i], &items[j]))
        items[i].series = items[j].series;
    if (items[i].series)
      continue;
    struct candidate_series series = {.group = items[i].handle.group};
    if (!hd_vec_push(&chooser->series, series))
      return hd_fail_memory(chooser->error);
    items[i].series = (uint32_t)chooser->series.count;
  }
  if (count > 1)
    qsort(items, count, sizeof *items, by_series_and_time);
  for (size_t i = count; i-- > 0;) {
    struct candidate_series *series = &chooser->series.items[items[i].series - 1];
    series->first = i;
    series->count++;
  }
  return true;
}

static const char *kind_of(const struct chooser *chooser, const struct candidate_series *series)
{
  const char *kind = chooser->candidates.items[series->first].profile->meta.kind;
  return kind ? kind : "";
}

/* What a directory may hold beside what is compared: profiles of time. */
static bool is_known(const char *kind)
{
  static const char *const others[] = {"", "cpu", "wall", "contention", "other"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(kind, others[i]) == 0)
      return false;
  return true;
}

/* The kind that a measure is of; where none is asked for the heap, if the group has a
 * series of it, else what it has first. */
static const char *wanted_kind(const struct chooser *chooser, uint32_t group_id)
{
  const char *name = chooser->session->options.measure, *first = NULL;
  enum hd_measure measure;
  if (name && hd_measure_find(name, strlen(name), &measure))
    return hd_measures[measure].kind;
  for (size_t i = 0; i < chooser->series.count; i++) {
    const char *kind = kind_of(chooser, &chooser->series.items[i]);
    if (chooser->series.items[i].group != group_id)
      continue;
    if (strcmp(kind, "heap") == 0)
      return "heap";
    if (!first && is_known(kind))
      first = kind;
  }
  return first ? first : "heap";
}

/* By its path where that is given, else by its name. */
static bool is_of_program(const struct chooser *chooser, const struct candidate_series *series,
                          const char *program)
{
  const struct hd_meta *meta = &chooser->candidates.items[series->first].profile->meta;
  const char *path = meta->program ? meta->program : "";
  return same_text(strchr(program, '/') ? path : hd_base_name(path), program);
}

static bool is_wanted(const struct chooser *chooser, const struct candidate_series *series)
{
  const struct hd_meta *meta = &chooser->candidates.items[series->first].profile->meta;
  const struct hd_session_options *options = &chooser->session->options;
  return strcmp(kind_of(chooser, series), wanted_kind(chooser, series->group)) == 0 &&
         (!options->pid || meta->pid == options->pid) &&
         (!options->program || is_of_program(chooser, series, options->program));
}

static bool take_total(void *context, struct hd_profile *profile, struct hd_error *error)
{
  double *total = context;
  (void)error;
  *total = 0;
  for (int i = HD_MEASURES; i-- > 0;)
    if (profile->has[i] && hd_measures[i].merge == HD_MERGE_SUM)
      *total = hd_profile_total(profile, (enum hd_measure)i);
  hd_profile_destroy(profile);
  return true;
}

/* What a series is ranked by: when its last snapshot was taken, where the newest is wanted.
 * Else how large its process was: its peak RSS, which the last snapshot's first line
 * tells (many programs free everything before they end); where that is unknown,
 * what its last snapshot holds, -1 where that is damaged. */
static bool measure(struct chooser *chooser, struct candidate_series *series)
{
  const struct candidate *last = &chooser->candidates.items[series->first + series->count - 1];
  const struct hd_meta *meta = &last->profile->meta;
  struct hd_error own = HD_ERROR_INIT;
  struct hd_sink sink = {take_total, &series->size};
  if (chooser->session->options.newest) {
    series->size = (double)meta->time_ns;
    return true;
  }
  series->size = (double)(meta->rss_peak >= 0 ? meta->rss_peak : meta->rss);
  if (series->size >= 0 || hd_session_read(chooser->session, &last->handle, &sink, &own))
    return true;
  return own.kind != HD_ERROR_INTERNAL || hd_fail_internal(chooser->error, "%s", own.text);
}

/* The series of a group that are wanted, of these those that are preferred, of these the
 * largest first; among equals the longer one. */
static int by_size(const void *left, const void *right)
{
  const struct candidate_series *a = left, *b = right;
  if (a->group != b->group)
    return a->group < b->group ? -1 : 1;
  if (a->wanted != b->wanted)
    return a->wanted ? -1 : 1;
  if (a->preferred != b->preferred)
    return a->preferred ? -1 : 1;
  if (a->size < b->size || a->size > b->size)
    return a->size < b->size ? 1 : -1;
  return a->count != b->count ? (a->count < b->count) - (a->count > b->count)
                              : (a->first > b->first) - (a->first < b->first);
}

static bool rank(struct chooser *chooser)
{
  struct candidate_series *series = chooser->series.items;
  size_t count = chooser->series.count;
  const char *preferred = chooser->session->options.preferred_program;
  for (size_t i = 0; i < count; i++) {
    series[i].preferred = preferred && is_of_program(chooser, &series[i], preferred);
    series[i].wanted = is_wanted(chooser, &series[i]);
    if (series[i].wanted && count > 1 && !measure(chooser, &series[i]))
      return false;
  }
  if (count > 1)
    qsort(series, count, sizeof *series, by_size);
  return true;
}

/* "leaky 4242 (6 snapshots)" */
static void name_series(struct hd_buffer *out, const struct chooser *chooser,
                        const struct candidate_series *series)
{
  const struct hd_meta *meta = &chooser->candidates.items[series->first].profile->meta;
  const char *unnamed = meta->format ? meta->format : "?";
  const char *program = meta->program && meta->program[0] ? hd_base_name(meta->program) : unnamed;
  hd_buffer_puts(out, program);
  if (meta->pid)
    hd_buffer_printf(out, " %" PRId64, meta->pid);
  hd_buffer_printf(out, " (%zu snapshot%s)", series->count, series->count > 1 ? "s" : "");
}

/* One line that says what else is there; the largest by name. */
static void note_others(struct chooser *chooser, size_t best)
{
  enum { NAMED = 4 };
  struct hd_buffer text = HD_BUFFER_INIT;
  size_t others = 0;
  name_series(&text, chooser, &chooser->series.items[best]);
  hd_buffer_printf(&text, " is shown, %s",
                   chooser->series.items[best].preferred ? "as the base is of that program"
                   : chooser->session->options.newest    ? "the newest"
                                                         : "the largest");
  for (size_t i = best + 1; i < chooser->series.count; i++) {
    const struct candidate_series *series = &chooser->series.items[i];
    if (series->group != chooser->series.items[best].group || !series->wanted)
      break;
    if (others++ >= NAMED)
      continue;
    hd_buffer_puts(&text, others > 1
                              ? ", "
                              : "; --program, --pid, or naming its files, chooses another: ");
    name_series(&text, chooser, series);
  }
  if (others > NAMED)
    hd_buffer_printf(&text, " and %zu more", others - NAMED);
  if (others && !text.failed)
    hd_session_add_note(chooser->session, HD_NOTE_INFO, "other-series", "%s", text.data);
  chooser->session->notes_lost |= text.failed;
  hd_buffer_deinit(&text);
}

/* What else a directory holds, and how to have it. */
static void note_kinds(struct chooser *chooser, uint32_t group_id)
{
  const char *wanted = wanted_kind(chooser, group_id);
  for (size_t i = 0; i < chooser->series.count; i++) {
    const char *kind = kind_of(chooser, &chooser->series.items[i]);
    if (chooser->series.items[i].group != group_id || strcmp(kind, wanted) == 0)
      continue;
    for (int m = 0; m < HD_MEASURES; m++)
      if (strcmp(hd_measures[m].kind, kind) == 0) {
        hd_session_add_note(chooser->session, HD_NOTE_INFO, "other-kinds",
                            "the directory has %s snapshots, too: --measure %s compares those",
                            kind, hd_measures[m].name);
        break;
      }
  }
}

static bool nothing_wanted(struct chooser *chooser, uint32_t group_id)
{
  int64_t pid = chooser->session->options.pid;
  const char *program = chooser->session->options.program;
  const char *kind = wanted_kind(chooser, group_id);
  const char *name = "";
  for (size_t i = 0; i < chooser->session->handles.items.count; i++)
    if (chooser->session->handles.items.items[i].group == group_id)
      name = chooser->session->handles.items.items[i].name;
  int length = (int)(hd_base_name(name) - name);
  if (pid)
    return hd_fail_input(chooser->error, "%.*s: no %s snapshot of process %" PRId64, length, name,
                         kind, pid);
  if (program)
    return hd_fail_input(chooser->error, "%.*s: no %s snapshot of the program %s; `heapdiff info` "
                                         "shows whose there are", length, name, kind, program);
  return hd_fail_input(chooser->error, "%.*s: there is no %s snapshot in this directory", length,
                       name, kind);
}

/* The first series of a group in their order; the count where it has none. */
static size_t first_of(const struct chooser *chooser, uint32_t group_id)
{
  size_t i = 0;
  while (i < chooser->series.count && chooser->series.items[i].group != group_id)
    i++;
  return i;
}

static bool choose_groups(struct chooser *chooser)
{
  struct hd_session *session = chooser->session;
  uint32_t done = 0;
  bool alone = session->named == 1;
  if (!rank(chooser))
    return false;
  if (!alone && session->handles.groups)
    hd_session_add_note(session, HD_NOTE_INFO, "several-sets",
                        "of each directory the last snapshot is taken, as more than one set is "
                        "named");
  for (size_t i = 0; i < session->handles.items.count; i++) {
    const struct hd_handle *handle = &session->handles.items.items[i];
    if (!handle->group) {
      if (!hd_vec_push(&session->chosen, *handle))
        return hd_fail_memory(chooser->error);
      continue;
    }
    if (handle->group == done)
      continue;
    done = handle->group;
    size_t best = first_of(chooser, done);
    if (best == chooser->series.count || !chooser->series.items[best].wanted)
      return nothing_wanted(chooser, done);
    note_others(chooser, best);
    note_kinds(chooser, done);
    const struct candidate_series *series = &chooser->series.items[best];
    /* Beside others a recording stands for how it ended. */
    for (size_t n = alone ? 0 : series->count - 1; n < series->count; n++)
      if (!hd_vec_push(&session->chosen, chooser->candidates.items[series->first + n].handle))
        return hd_fail_memory(chooser->error);
  }
  return true;
}

bool hd_session_choose(struct hd_session *session, struct hd_error *error)
{
  struct chooser chooser = {.session = session, .error = error};
  bool fine = true;
  for (size_t i = 0; fine && i < session->handles.items.count; i++)
    if (session->handles.items.items[i].group)
      fine = add_candidate(&chooser, &session->handles.items.items[i]);
  if (fine && chooser.strangers)
    hd_session_add_note(session, HD_NOTE_INFO, "strangers",
                        "%zu file%s in the directory %s no heap snapshot", chooser.strangers,
                        chooser.strangers > 1 ? "s" : "", chooser.strangers > 1 ? "are" : "is");
  fine = fine && group(&chooser) && choose_groups(&chooser);
  for (size_t i = 0; i < chooser.candidates.count; i++)
    hd_profile_destroy(chooser.candidates.items[i].profile);
  hd_vec_deinit(&chooser.candidates);
  hd_vec_deinit(&chooser.series);
  return fine;
}
