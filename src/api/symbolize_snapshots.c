/* `symbolize`: snapshots that need their programs no more. */
#include "api/session.h"
#include "api/write_snapshot.h"

#include "input/numbered.h"

#include <heapdiff/symbolize.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct work {
  struct hd_session *session;
  const struct hd_symbolize_options *options;
  struct hd_symbolize_result *result;
  struct hd_pool *pool;    /* of all snapshots: what one has looked up the next one has */
  struct hd_strings names; /* of the files in the new directory */
  const struct hd_handle *handle;
  struct hd_profile *profile; /* the last one of the file at hand */
  size_t profiles;
};

static bool keep_last(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct work *work = context;
  (void)error;
  hd_profile_destroy(work->profile);
  work->profile = profile;
  work->profiles++;
  return true;
}

/* --- where to --------------------------------------------------------------------- */

static const struct hd_writer *writer_of(const struct hd_profile *profile)
{
  bool pprof = profile->meta.format && strcmp(profile->meta.format, "pprof") == 0;
  return hd_writer_find(pprof ? "pprof" : "native");
}

static bool keeps_format(const struct hd_profile *profile)
{
  return profile->meta.format && strcmp(profile->meta.format, writer_of(profile)->name) == 0;
}

static bool in_place(struct work *work, char path[PATH_MAX], struct hd_error *error)
{
  const char *name = work->handle->name;
  int64_t number;
  if (strcmp(name, "-") == 0 || work->handle->fetched)
    return hd_fail_usage(error, "%s has no place: name a directory with --output",
                         work->handle->fetched ? name : "standard input");
  if (hd_handle_number(work->handle, &number) || !keeps_format(work->profile))
    return hd_fail_usage(error,
                         "%s: this is no file of heapdiff's own format or of pprof's, which alone "
                         "are replaced: name a directory with --output",
                         name);
  int length = snprintf(path, PATH_MAX, "%s", name);
  return (length >= 0 && length < PATH_MAX) || hd_fail_usage(error, "%s: too long a name", name);
}

static bool same_file(const char *a, const char *b)
{
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool in_directory(struct work *work, char path[PATH_MAX], struct hd_error *error)
{
  const char *from = work->handle->name;
  const char *base = strcmp(from, "-") == 0 ? "stdin" : hd_base_name(from);
  const char *folder = work->options->directory, *end = folder + strlen(folder);
  const char *slash = end > folder && end[-1] == '/' ? "" : "/";
  int length = snprintf(path, PATH_MAX, "%s%s%s%s", folder, slash, base,
                        keeps_format(work->profile) ? "" : ".heapdiff");
  if (length < 0 || length >= PATH_MAX)
    return hd_fail_usage(error, "%s: too long a name", from);
  if (same_file(path, from))
    return hd_fail_usage(error, "%s lies in %s already: --in-place replaces it", from, folder);
  uint32_t id;
  size_t known = work->names.items.count;
  if (!hd_strings_intern(&work->names, path, (size_t)length, &id))
    return hd_fail_memory(error);
  return work->names.items.count > known ||
         hd_fail_usage(error, "two snapshots would be %s: symbolize them one by one", path);
}

/* As it was: by the content, whatever the name says. */
static bool was_compressed(const struct work *work)
{
  struct hd_input *input = NULL;
  const struct hd_handle *handle = work->handle;
  bool compressed = strcmp(handle->name, "-") != 0 && keeps_format(work->profile) &&
                    handle->source->open(handle, &work->session->input, &input, NULL) &&
                    hd_input_compressed(input);
  hd_input_close(input);
  return compressed;
}

/* --- one snapshot ----------------------------------------------------------------- */

static bool write_out(struct work *work, struct hd_error *error)
{
  char path[PATH_MAX];
  struct hd_buffer lost = HD_BUFFER_INIT;
  if (!(work->options->directory ? in_directory(work, path, error) : in_place(work, path, error)))
    return false;
  struct hd_snapshot_target target = {
      .writer = writer_of(work->profile), .compress = was_compressed(work), .path = path,
      .replaces = !work->options->directory};
  bool fine = hd_write_snapshot(work->profile, &target, &lost, error);
  if (fine && lost.length)
    hd_session_add_note(work->session, HD_NOTE_INFO, "not-converted", "%s has no place for: %s",
                        path, lost.data);
  hd_buffer_deinit(&lost);
  work->result->snapshots += fine;
  return fine;
}

/* Asked where nothing is half done. */
static bool is_stopped(struct work *work)
{
  const struct hd_symbolize_options *options = work->options;
  work->result->stopped |= options->stop && options->stop(options->context);
  return work->result->stopped;
}

static bool do_one(struct work *work, struct hd_error *error)
{
  struct hd_session *session = work->session;
  struct hd_sink sink = {keep_last, work};
  work->profiles = 0;
  if (!hd_session_read_chosen(session, work->handle, &sink, error))
    return false;
  if (!work->profile)
    return true; /* left out, and said */
  if (work->profiles > 1)
    hd_session_add_note(session, HD_NOTE_WARNING, "several-snapshots",
                        "%s holds %zu snapshots: the last one is written, FILE@N chooses another",
                        work->handle->name, work->profiles);
  bool fine = hd_session_name_profile(session, work->pool, work->profile, error);
  if (fine && !is_stopped(work))
    fine = write_out(work, error);
  hd_profile_destroy(work->profile);
  work->profile = NULL;
  return fine;
}

/* Of a directory, what is a snapshot, and of the process that was asked for. */
static bool is_wanted(struct work *work, bool *wanted, struct hd_error *error)
{
  struct hd_session *session = work->session;
  struct hd_profile *profile = NULL;
  struct hd_error own = HD_ERROR_INIT;
  *wanted = true;
  if (!work->handle->group)
    return true;
  /* One that cannot be read is left out, and said, when it is read whole. */
  if (!hd_session_peek(session, work->handle, &profile, &own))
    return own.kind != HD_ERROR_INTERNAL || hd_fail_internal(error, "%s", own.text);
  int64_t pid = session->options.pid;
  *wanted = profile && (!pid || profile->meta.pid == pid);
  hd_profile_destroy(profile);
  return true;
}

/* --- the whole -------------------------------------------------------------------- */

static bool make_directory(const char *path, struct hd_error *error)
{
  if (!path || mkdir(path, 0777) == 0 || errno == EEXIST)
    return true;
  hd_fail_internal(error, "cannot make the directory: %s", strerror(errno));
  return hd_error_in(error, path);
}

static void count_addresses(const struct hd_pool *pool, struct hd_symbolize_result *result)
{
  result->addresses = pool->locations.count;
  for (size_t i = 0; i < pool->locations.count; i++)
    result->named += pool->locations.items[i].symbolized;
}

static bool do_all(struct work *work, struct hd_error *error)
{
  const struct hd_handles *handles = &work->session->handles;
  for (size_t i = 0; i < handles->items.count; i++) {
    bool wanted;
    work->handle = &handles->items.items[i];
    if (is_stopped(work))
      return true;
    if (!is_wanted(work, &wanted, error) || (wanted && !do_one(work, error)))
      return false;
  }
  return work->result->stopped || work->result->snapshots > 0 ||
         hd_fail_input(error, "there is no snapshot in what was named");
}

bool hd_symbolize_snapshots(hd_session *session, const char *const *paths, size_t count,
                            const struct hd_symbolize_options *options,
                            struct hd_symbolize_result *result, struct hd_error *error)
{
  struct work work = {.session = session, .options = options, .result = result};
  *result = (struct hd_symbolize_result){.snapshots = 0};
  bool fine = hd_pool_create(&work.pool, error) &&
              hd_session_expand(session, paths, count, error) &&
              make_directory(options->directory, error) && do_all(&work, error);
  if (work.pool) {
    hd_session_note_symbols(session, work.pool, true);
    count_addresses(work.pool, result);
  }
  hd_profile_destroy(work.profile);
  hd_strings_deinit(&work.names);
  hd_pool_destroy(work.pool);
  return fine;
}
