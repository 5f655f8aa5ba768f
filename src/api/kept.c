#include "api/kept_state.h"

#include <stdlib.h>
#include <string.h>

/* --- life --------------------------------------------------------------------------- */

static void snapshot_deinit(struct kept_snapshot *snapshot)
{
  hd_tally_deinit(&snapshot->tally);
}

static void drop_snapshots(snapshot_list *list)
{
  for (size_t i = 0; i < list->count; i++)
    snapshot_deinit(&list->items[i]);
  hd_vec_deinit(list);
}

void hd_kept_set_destroy(struct hd_kept_set *kept)
{
  if (!kept)
    return;
  hd_ahead_destroy(kept);
  hd_kept_folds_drop(kept);
  drop_snapshots(&kept->snapshots);
  hd_folder_deinit(&kept->folder);
  hd_frames_deinit(&kept->frames);
  hd_filters_deinit(&kept->no_filters);
  hd_contexts_deinit(&kept->contexts);
  hd_vec_deinit(&kept->names);
  hd_pool_destroy(kept->pool);
  hd_free(kept);
}

/* --- reading ------------------------------------------------------------------------ */

/* The list as it was, from which what is still there moves to the new one. */
struct keeper {
  struct hd_session *session;
  struct hd_kept_set *kept;
  snapshot_list before;
  struct version *versions; /* of each chosen file, before it is read */
  size_t read;
};

static struct version version_of(const struct hd_handle *handle)
{
  struct stat status;
  int result = handle->fetched ? fstat(handle->fetched - 1, &status) : stat(handle->name, &status);
  if (result != 0 || !S_ISREG(status.st_mode))
    return (struct version){0};
  return (struct version){true, status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static bool same_version(const struct version *a, const struct version *b)
{
  return a->known && b->known && a->device == b->device && a->inode == b->inode &&
         a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
         a->changed.tv_nsec == b->changed.tv_nsec;
}

static size_t index_of(const struct keeper *keeper, const struct hd_handle *handle)
{
  return (size_t)(handle - keeper->session->chosen.items);
}

/* Claims the snapshots of a file that has not changed. A file that is named twice was read
 * twice. */
static bool is_kept(void *context, const struct hd_handle *handle)
{
  struct keeper *keeper = context;
  size_t file = index_of(keeper, handle);
  uint64_t reading = 0;
  keeper->versions[file] = version_of(handle);
  for (size_t i = 0; i < keeper->before.count; i++) {
    struct kept_snapshot *old = &keeper->before.items[i];
    if (old->claim || (reading && old->reading != reading) ||
        strcmp(old->name, handle->name) != 0 ||
        !same_version(&old->version, &keeper->versions[file]))
      continue;
    reading = old->reading;
    old->claim = file + 1;
  }
  return reading != 0;
}

/* Moves them to the new list, which has room. */
static void retain(void *context, const struct hd_handle *handle)
{
  struct keeper *keeper = context;
  snapshot_list *list = &keeper->kept->snapshots;
  for (size_t i = 0; i < keeper->before.count; i++) {
    struct kept_snapshot *old = &keeper->before.items[i];
    if (!old->serial || old->claim != index_of(keeper, handle) + 1)
      continue;
    list->items[list->count] = *old;
    list->items[list->count++].claim = 0;
    *old = (struct kept_snapshot){0};
  }
}

/* Of a profile its values stay, its stacks in the tree of all. */
static bool keep(void *context, const struct hd_handle *handle, struct hd_profile *profile,
                 struct hd_point point, struct hd_error *error)
{
  struct keeper *keeper = context;
  struct hd_kept_set *kept = keeper->kept;
  size_t file = index_of(keeper, handle);
  struct hd_import import = {0};
  struct kept_snapshot made = {.facts = point, .serial = ++kept->serials};
  made.reading = kept->readings + file + 1;
  made.version = keeper->versions[file];
  made.name = hd_arena_copy(&keeper->session->arena, point.path, strlen(point.path));
  made.facts.path = made.name;
  bool fine = hd_pool_import(kept->pool, profile, hd_session_demangle, &import, error) &&
              hd_session_symbolize(keeper->session, kept->pool, error);
  if (fine && (!made.name || !hd_vec_reserve(&kept->snapshots, 1 + keeper->before.count) ||
               !hd_tally_make(&made.tally, &kept->contexts, kept->pool, profile, import.locations)))
    fine = hd_fail_memory(error);
  hd_import_deinit(&import);
  hd_profile_destroy(profile);
  if (!fine)
    return false;
  kept->snapshots.items[kept->snapshots.count++] = made;
  keeper->read++;
  return true;
}

/* Whether the list only became longer: then what was folded is still good. */
static bool goes_on(const struct hd_kept_set *kept, const uint64_t *was, size_t count)
{
  if (kept->snapshots.count < count)
    return false;
  for (size_t i = 0; i < count; i++)
    if (kept->snapshots.items[i].serial != was[i])
      return false;
  return true;
}

/* What is a wrapper is found out here, once for all folds. */
static bool know_frames(struct hd_kept_set *kept)
{
  for (uint32_t id = 1; id <= kept->pool->frames.count; id++)
    if (!hd_frame_flags(&kept->frames, id))
      return false;
  return true;
}

static bool read_new(struct hd_session *session, size_t *read, struct hd_error *error)
{
  struct hd_kept_set *kept = session->kept;
  struct keeper keeper = {.session = session, .kept = kept, .before = kept->snapshots};
  struct hd_keeper files = {keep, is_kept, retain, &keeper};
  size_t count = keeper.before.count;
  uint64_t *was = hd_alloc_zeroed(count, sizeof *was);
  for (size_t i = 0; was && i < count; i++)
    was[i] = keeper.before.items[i].serial;
  memset(&kept->snapshots, 0, sizeof kept->snapshots);
  keeper.versions = hd_alloc_zeroed(session->chosen.count + 1, sizeof *keeper.versions);
  bool fine = was && keeper.versions && hd_vec_reserve(&kept->snapshots, count);
  fine = fine ? hd_session_keep_files(session, &kept->first, &files, error) : hd_fail_memory(error);
  fine = fine && ((hd_contexts_order(&kept->contexts, NULL, 0) && know_frames(kept)) ||
                  hd_fail_memory(error));
  if (fine)
    hd_symbolizer_keep(session->symbolizer);
  if (!was || !goes_on(kept, was, count))
    hd_kept_folds_drop(kept);
  hd_free(was);
  drop_snapshots(&keeper.before);
  hd_free(keeper.versions);
  kept->readings += session->chosen.count;
  *read = keeper.read;
  return fine;
}

bool hd_session_keep(hd_session *session, struct hd_error *error)
{
  static const struct hd_filter_texts none = {NULL, NULL, NULL, NULL};
  size_t read;
  if (!session->kept) {
    session->kept = hd_alloc_zeroed(1, sizeof *session->kept);
    if (!session->kept || !hd_pool_create(&session->kept->pool, error) ||
        !hd_contexts_init(&session->kept->contexts)) {
      hd_kept_set_destroy(session->kept);
      session->kept = NULL;
      return hd_fail_memory(error);
    }
    if (!hd_filters_init(&session->kept->no_filters, session, &none, error))
      return false;
    session->kept->frames.pool = session->kept->pool;
    session->kept->frames.filters = &session->kept->no_filters;
    session->kept->folder.jobs = hd_session_jobs(session);
  }
  return read_new(session, &read, error) &&
         (session->kept->snapshots.count > 0 ||
          hd_fail_input(error, "there is no snapshot in what was named"));
}

bool hd_session_refresh(hd_session *session, size_t *read, struct hd_error *error)
{
  *read = 0;
  if (session->kept)
    hd_ahead_stop(session->kept);
  return hd_session_select_again(session, error) && read_new(session, read, error);
}

size_t hd_session_kept_count(const hd_session *session)
{
  return session->kept ? session->kept->snapshots.count : 0;
}

const char *hd_session_kept_path(const hd_session *session, size_t i)
{
  return session->kept->snapshots.items[i].name;
}

/* --- names, for completion -------------------------------------------------------------- */

static int by_text(const void *left, const void *right, void *context)
{
  const uint32_t *a = left, *b = right;
  return strcmp(hd_pool_text(context, *a), hd_pool_text(context, *b));
}

static void name_functions(struct hd_kept_set *kept)
{
  const struct hd_pool *pool = kept->pool;
  kept->names.count = 0;
  for (size_t i = 0; i < pool->frames.count; i++)
    if (pool->frames.items[i].function &&
        !hd_vec_push(&kept->names, pool->frames.items[i].function))
      break;
  if (kept->names.count > 1)
    qsort_r(kept->names.items, kept->names.count, sizeof *kept->names.items, by_text, kept->pool);
  size_t out = 0;
  for (size_t i = 0; i < kept->names.count; i++)
    if (!i || kept->names.items[i] != kept->names.items[i - 1])
      kept->names.items[out++] = kept->names.items[i];
  kept->names.count = out;
  kept->frames_named = pool->frames.count;
}

const char *hd_session_function(hd_session *session, size_t i)
{
  struct hd_kept_set *kept = session->kept;
  if (!kept)
    return NULL;
  if (kept->frames_named != kept->pool->frames.count)
    name_functions(kept);
  return i < kept->names.count ? hd_pool_text(kept->pool, kept->names.items[i]) : NULL;
}
