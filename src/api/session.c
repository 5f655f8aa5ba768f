#include "api/kept.h"

#include "input/kept.h"
#include "input/remembered.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char default_directory[] = "heapdiff.data";

static bool copy_texts(struct hd_session *session, const char *const **list, size_t count)
{
  const char **copy = hd_arena_alloc(&session->arena, count * sizeof *copy);
  for (size_t i = 0; copy && i < count; i++) {
    copy[i] = hd_arena_copy(&session->arena, (*list)[i], strlen((*list)[i]));
    if (!copy[i])
      return false;
  }
  *list = copy;
  return copy != NULL;
}

struct hd_symbol_options hd_session_symbol_options(const struct hd_session *session)
{
  const struct hd_session_options *options = &session->options;
  return (struct hd_symbol_options){
      .debug_dirs = options->debug_dirs,
      .debug_dir_count = options->debug_dir_count,
      .sysroot = options->sysroot,
      .force = options->force_symbols,
      .cache = options->cache,
      .fetch_timeout_ms = options->fetch_timeout_ms,
      .progress = options->progress,
      .progress_context = options->progress_context,
  };
}

static bool copy_text(struct hd_session *session, const char **text)
{
  if (*text)
    *text = hd_arena_copy(&session->arena, *text, strlen(*text));
  return *text != NULL;
}

static bool take_urls(struct hd_session *session)
{
  struct hd_url_options *urls = &session->options.urls;
  urls->timeout_ms = session->options.fetch_timeout_ms;
  session->handles.urls = urls;
  session->handles.url_kind = hd_url_kind_of(session->options.measure);
  session->handles.progress = session->options.progress;
  session->handles.progress_context = session->options.progress_context;
  return (!urls->user || copy_text(session, &urls->user)) &&
         (!urls->ca_cert || copy_text(session, &urls->ca_cert)) &&
         copy_texts(session, &urls->headers, urls->header_count);
}

static bool init(struct hd_session *session, const struct hd_session_options *options,
                 struct hd_error *error)
{
  session->options = *options;
  session->input.max_inflated = options->max_inflated;
  session->input.partial = options->partial;
  if (!copy_texts(session, &session->options.debug_dirs, options->debug_dir_count) ||
      !copy_texts(session, &session->options.wrappers, options->wrapper_count))
    return hd_fail_memory(error);
  if (options->format) {
    session->reader = hd_reader_find(options->format);
    if (!session->reader)
      return hd_fail_usage(error, "there is no snapshot format '%s'", options->format);
  }
  enum hd_measure measure;
  if (options->measure && !hd_measure_choose(options->measure, &measure, error))
    return false;
  if (options->sysroot &&
      !(session->options.sysroot = hd_arena_copy(&session->arena, options->sysroot,
                                                 strlen(options->sysroot))))
    return hd_fail_memory(error);
  if (!take_urls(session))
    return hd_fail_memory(error);
  struct hd_symbol_options symbols = hd_session_symbol_options(session);
  return hd_symbolizer_create(&symbols, &session->symbolizer, error);
}

bool hd_session_create(const struct hd_session_options *options, hd_session **session,
                       struct hd_error *error)
{
  *session = hd_alloc_zeroed(1, sizeof **session);
  if (!*session)
    return hd_fail_memory(error);
  if (init(*session, options, error))
    return true;
  hd_session_destroy(*session);
  *session = NULL;
  return false;
}

void hd_session_destroy(hd_session *session)
{
  if (!session)
    return;
  hd_kept_set_destroy(session->kept);
  hd_symbolizer_destroy(session->symbolizer);
  for (size_t i = 0; i < session->helpers.count; i++)
    hd_symbolizer_destroy(session->helpers.items[i]);
  hd_vec_deinit(&session->helpers);
  hd_handles_deinit(&session->handles);
  hd_vec_deinit(&session->chosen);
  hd_vec_deinit(&session->notes);
  hd_vec_deinit(&session->remember);
  hd_arena_deinit(&session->arena);
  hd_free(session);
}

void hd_session_add_note(struct hd_session *session, enum hd_note_level level, const char *code,
                         const char *format, ...)
{
  char text[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  for (size_t i = 0; i < session->notes.count; i++)
    if (strcmp(session->notes.items[i].text, text) == 0)
      return;
  const char *kept = hd_arena_copy(&session->arena, text, strlen(text));
  if (!kept || !hd_vec_push(&session->notes, (struct hd_note){level, code, kept}))
    session->notes_lost = true;
}

void hd_session_say(const struct hd_session *session, const char *doing, const char *what)
{
  char text[256];
  if (!session->options.progress)
    return;
  snprintf(text, sizeof text, "%s %s", doing, hd_base_name(what));
  session->options.progress(session->options.progress_context, text, 0, 0);
}

size_t hd_session_note_count(const hd_session *session)
{
  return session->notes.count;
}

struct hd_note hd_session_note(const hd_session *session, size_t i)
{
  return session->notes.items[i];
}

bool hd_session_give_notes(const struct hd_session *session, struct hd_view *view,
                           struct hd_error *error)
{
  for (size_t i = 0; i < session->notes.count; i++) {
    const struct hd_note *note = &session->notes.items[i];
    const char *level = note->level == HD_NOTE_WARNING ? "warning" : "info";
    if (!hd_view_add_note(view, level, note->code, note->text, error))
      return false;
  }
  return !session->notes_lost || hd_fail_memory(error);
}

/* With nothing named: what was named last here, else heapdiff.data/. */
static bool default_paths(struct hd_session *session, struct hd_remembered *remembered,
                          struct hd_error *error)
{
  if (hd_recall(&session->arena, remembered)) {
    hd_session_add_note(session, HD_NOTE_INFO, "remembered",
                        remembered->count > 1
                            ? "no snapshot is named: taking %s and %zu more, as last time here"
                            : "no snapshot is named: taking %s, as last time here",
                        remembered->paths[0], remembered->count - 1);
    return true;
  }
  static const char *fallback[] = {default_directory};
  if (access(default_directory, F_OK) != 0)
    return hd_fail_usage(error, "no snapshot is named, and there is no %s/ here: record a program "
                                "with `heapdiff record -- PROGRAM`, or name two snapshots",
                         default_directory);
  *remembered = (struct hd_remembered){fallback, 1, 0};
  hd_session_add_note(session, HD_NOTE_INFO, "default", "no snapshot is named: taking %s/",
                      default_directory);
  return true;
}

static bool expand_one(struct hd_session *session, const char *path, struct hd_error *error)
{
  size_t first = session->handles.items.count;
  if (!hd_source_expand(path, &session->handles, error))
    return false;
  const struct hd_handle *handles = session->handles.items.items;
  size_t count = session->handles.items.count;
  bool fetched = first < count && handles[first].fetched;
  for (size_t i = first; fetched && i < count; i++) {
    struct hd_handle *handle = &session->handles.items.items[i];
    handle->name = hd_arena_copy(&session->arena, handle->name, strlen(handle->name));
    if (!handle->name || !hd_vec_push(&session->remember, (struct hd_named){NULL, i}))
      return hd_fail_memory(error);
  }
  const char *copy = fetched ? NULL : hd_arena_copy(&session->arena, path, strlen(path));
  return fetched || (copy && hd_vec_push(&session->remember, (struct hd_named){copy, 0})) ||
         hd_fail_memory(error);
}

static void note_fetched(struct hd_session *session)
{
  const struct hd_handles *handles = &session->handles;
  char text[1400];
  if (handles->gaps) {
    hd_error_format(&handles->first_gap, text, sizeof text);
    hd_session_add_note(session, HD_NOTE_WARNING, "gaps",
                        "%zu snapshot%s of the series could not be fetched; the first: %s",
                        handles->gaps, handles->gaps > 1 ? "s" : "", text);
  }
  for (size_t i = 0; session->options.urls.insecure && i < handles->items.count; i++)
    if (handles->items.items[i].fetched && hd_url_is_https(handles->items.items[i].name)) {
      hd_session_add_note(session, HD_NOTE_WARNING, "insecure",
                          "--insecure: nobody has checked that %s is who it says: what it sent may "
                          "be forged, and passwords and tokens were sent to whoever it is",
                          handles->items.items[i].name);
      break;
    }
}

bool hd_session_expand(struct hd_session *session, const char *const *paths, size_t count,
                       struct hd_error *error)
{
  struct hd_remembered recalled = {0};
  if (!count) {
    if (!default_paths(session, &recalled, error))
      return false;
    paths = recalled.paths;
    count = recalled.count;
    if (!session->options.pid)
      session->options.pid = recalled.pid;
  }
  session->named = count;
  for (size_t i = 0; i < count; i++)
    if (!expand_one(session, paths[i], error))
      return false;
  note_fetched(session);
  return true;
}

bool hd_session_select(hd_session *session, const char *const *paths, size_t count,
                       struct hd_error *error)
{
  return hd_session_expand(session, paths, count, error) && hd_session_choose(session, error);
}

/* The handles of the same words, in their order: what a URL gave stays as it was. */
static bool expand_again(const struct hd_session *session, struct hd_handles *now,
                         struct hd_error *error)
{
  for (size_t i = 0; i < session->remember.count; i++) {
    const struct hd_named *named = &session->remember.items[i];
    if (named->path ? !hd_source_expand(named->path, now, error)
                    : !hd_vec_push(&now->items, session->handles.items.items[named->handle]) &&
                          !hd_fail_memory(error))
      return false;
  }
  return true;
}

/* All but what was fetched: the other list has that, too. */
static void forget_handles(struct hd_handles *handles)
{
  hd_vec_deinit(&handles->items);
  hd_arena_deinit(&handles->arena);
}

bool hd_session_select_again(struct hd_session *session, struct hd_error *error)
{
  struct hd_handles *before = &session->handles, now = *before;
  memset(&now.items, 0, sizeof now.items);
  memset(&now.arena, 0, sizeof now.arena);
  bool fine = expand_again(session, &now, error);
  before->http = now.http;
  forget_handles(fine ? before : &now);
  if (!fine)
    return false;
  *before = now;
  for (size_t i = 0, at = 0; i < session->remember.count; i++) {
    struct hd_named *named = &session->remember.items[i];
    while (!named->path && !now.items.items[at].fetched)
      at++;
    if (!named->path)
      named->handle = at++;
  }
  session->chosen.count = 0;
  return hd_session_choose(session, error);
}

void hd_session_remember(hd_session *session)
{
  struct hd_kept kept = {0};
  HD_VEC(const char *) paths = {0};
  bool fine = true;
  for (size_t i = 0; fine && i < session->remember.count; i++) {
    const struct hd_named *named = &session->remember.items[i];
    const char *path = named->path;
    if (!path && hd_keep(&kept, &session->handles.items.items[named->handle]))
      path = kept.paths.items[kept.paths.count - 1];
    fine = path && hd_vec_push(&paths, path);
  }
  if (fine && paths.count)
    hd_remember(paths.items, paths.count, session->options.pid);
  if (kept.paths.count)
    hd_kept_settle(&kept);
  hd_vec_deinit(&paths);
  hd_kept_deinit(&kept);
}

void hd_remember_paths(const char *const *paths, size_t count)
{
  hd_remember(paths, count, 0);
}
