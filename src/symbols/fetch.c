#include "symbols/fetch.h"

#include "base/alloc.h"
#include "symbols/elf_file.h"

#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  STANDARD_TIMEOUT_MS = 30000,
  /* Slower than this in every span of the time-out is a server that stalls: the
   * measure of the client's own DEBUGINFOD_TIMEOUT. */
  LEAST_BYTES = 100 << 10,
};

/* The functions of the client library that are used. */
struct client_library {
  void *handle;
  __typeof__(debuginfod_begin) *begin;
  __typeof__(debuginfod_end) *end;
  __typeof__(debuginfod_find_debuginfo) *find_debuginfo;
  __typeof__(debuginfod_find_executable) *find_executable;
  __typeof__(debuginfod_set_progressfn) *set_progressfn;
};

struct hd_fetch {
  struct client_library library;
  debuginfod_client *client; /* NULL until the first request */
  uint64_t timeout_ms;
  bool (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
  void *context;
  const char *what;    /* that is fetched, for people */
  int64_t deadline_ms; /* by when `span_end` bytes must be there */
  int64_t span_end;
  bool timed_out, given_up;
  char failure[HD_REASON]; /* why nothing is asked any more, "" none */
};

bool hd_fetch_create(struct hd_fetch **fetch, const struct hd_symbol_options *options)
{
  const char *urls = getenv(DEBUGINFOD_URLS_ENV_VAR);
  *fetch = NULL;
  if (!urls || !urls[strspn(urls, " ")])
    return true;
  struct hd_fetch *made = hd_alloc_zeroed(1, sizeof *made);
  if (!made)
    return false;
  made->timeout_ms = options->fetch_timeout_ms ? options->fetch_timeout_ms : STANDARD_TIMEOUT_MS;
  made->progress = options->progress;
  made->context = options->progress_context;
  *fetch = made;
  return true;
}

void hd_fetch_destroy(struct hd_fetch *fetch)
{
  if (!fetch)
    return;
  if (fetch->client)
    fetch->library.end(fetch->client);
  /* The library stays loaded: libcurl's threads and hooks do not survive dlclose. */
  hd_free(fetch);
}

void hd_fetch_forked(struct hd_fetch *fetch)
{
  if (!fetch)
    return;
  fetch->client = NULL;
  fetch->progress = NULL;
}

/* The client's callback gets nothing of ours; it is called in the thread that asks. */
static _Thread_local struct hd_fetch *asking;

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Called by the client at least once a second while it waits; anything but 0 ends
 * the request. Until a server has answered `done` is no number of bytes, but a
 * small one. */
static int on_progress(debuginfod_client *client, long done, long total)
{
  (void)client;
  struct hd_fetch *fetch = asking;
  int64_t now = now_ms();
  if (done >= fetch->span_end) {
    fetch->deadline_ms = now + (int64_t)fetch->timeout_ms;
    fetch->span_end = (int64_t)done + LEAST_BYTES;
  }
  fetch->timed_out |= now >= fetch->deadline_ms;
  if (fetch->progress && !fetch->given_up)
    fetch->given_up = !fetch->progress(fetch->context, fetch->what, total > 0 ? (uint64_t)done : 0,
                                       total > 0 ? (uint64_t)total : 0);
  return fetch->timed_out || fetch->given_up;
}

#define LOAD(name)                                                                                 \
  ((library->name = (__typeof__(library->name))dlsym(library->handle, "debuginfod_" #name)) != NULL)

static bool load(struct client_library *library)
{
  library->handle = dlopen(DEBUGINFOD_SONAME, RTLD_NOW | RTLD_LOCAL);
  return library->handle && LOAD(begin) && LOAD(end) && LOAD(find_debuginfo) &&
         LOAD(find_executable) && LOAD(set_progressfn);
}

static bool start(struct hd_fetch *fetch)
{
  if (fetch->client)
    return true;
  if (!load(&fetch->library)) {
    snprintf(fetch->failure, sizeof fetch->failure, "%s",
             "DEBUGINFOD_URLS is set, but the client library " DEBUGINFOD_SONAME
             " is not installed");
    return false;
  }
  fetch->client = fetch->library.begin();
  if (!fetch->client) {
    snprintf(fetch->failure, sizeof fetch->failure, "%s", "the debuginfod client does not start");
    return false;
  }
  fetch->library.set_progressfn(fetch->client, on_progress);
  return true;
}

/* Where the client keeps what it fetched: debuginfod_find_debuginfo(3). */
static bool client_cache(char path[PATH_MAX])
{
  const char *own = getenv(DEBUGINFOD_CACHE_PATH_ENV_VAR), *home = getenv("HOME");
  const char *cache = getenv("XDG_CACHE_HOME");
  int length = home ? snprintf(path, PATH_MAX, "%s/.debuginfod_client_cache", home) : 0;
  bool old = length > 0 && length < PATH_MAX && access(path, F_OK) == 0;
  if (own && own[0])
    length = snprintf(path, PATH_MAX, "%s", own);
  else if (cache && cache[0] && !old)
    length = snprintf(path, PATH_MAX, "%s/debuginfod_client", cache);
  else if (home && !old)
    length = snprintf(path, PATH_MAX, "%s/.cache/debuginfod_client", home);
  return length > 0 && length < PATH_MAX;
}

/* The client takes a request that was broken off for one whose file does not exist, and
 * remembers that for ten minutes, as an empty file: nobody is to be misled by it. */
static void forget_miss(const char *build_id, bool program)
{
  char directory[PATH_MAX], path[PATH_MAX];
  struct stat status;
  if (!client_cache(directory))
    return;
  int length = snprintf(path, sizeof path, "%s/%s/%s", directory, build_id,
                        program ? "executable" : "debuginfo");
  if (length > 0 && (size_t)length < sizeof path && lstat(path, &status) == 0 &&
      S_ISREG(status.st_mode) && status.st_size == 0)
    unlink(path);
}

static int request(struct hd_fetch *fetch, const char *build_id, bool program, char **path)
{
  const unsigned char *id = (const unsigned char *)build_id; /* length 0: it is text */
  fetch->what = program ? "fetching a program" : "fetching debug information";
  fetch->deadline_ms = now_ms() + (int64_t)fetch->timeout_ms;
  fetch->span_end = LEAST_BYTES;
  fetch->timed_out = fetch->given_up = false;
  asking = fetch;
  int result = program ? fetch->library.find_executable(fetch->client, id, 0, path)
                       : fetch->library.find_debuginfo(fetch->client, id, 0, path);
  asking = NULL;
  if (fetch->progress)
    fetch->progress(fetch->context, NULL, 0, 0);
  if (fetch->timed_out || fetch->given_up)
    forget_miss(build_id, program);
  return result;
}

/* Whether another file might fare better: the server is there, and has answered. */
static bool is_of_this_file(int result)
{
  return result == -ENOENT || result == -EIO || result == -EFBIG || result == -EPROTO ||
         result == -EACCES;
}

static void say_failure(struct hd_fetch *fetch, int result, char *reason)
{
  if (fetch->given_up)
    snprintf(fetch->failure, sizeof fetch->failure, "%s", "the debuginfod server was given up");
  else if (fetch->timed_out)
    snprintf(fetch->failure, sizeof fetch->failure,
             "the debuginfod server did not answer within %.3g s", (double)fetch->timeout_ms / 1e3);
  else if (!is_of_this_file(result))
    snprintf(fetch->failure, sizeof fetch->failure, "the debuginfod server cannot be asked: %s",
             strerror(-result));
  if (fetch->failure[0])
    snprintf(reason, HD_REASON, "%s", fetch->failure);
  else if (result == -ENOENT)
    snprintf(reason, HD_REASON, "the debuginfod server has none of this build-id");
  else
    snprintf(reason, HD_REASON, "the debuginfod server did not give it: %s", strerror(-result));
}

bool hd_fetch(struct hd_fetch *fetch, const char *build_id, bool program, char *path, char *reason)
{
  char *fetched = NULL;
  if (fetch->failure[0] || !start(fetch)) {
    snprintf(reason, HD_REASON, "%s", fetch->failure);
    return false;
  }
  int result = request(fetch, build_id, program, &fetched);
  if (result >= 0) {
    close(result); /* it is opened anew, as every other file is */
    int size = snprintf(path, PATH_MAX, "%s", fetched ? fetched : "");
    free(fetched);
    return size > 0 && size < PATH_MAX;
  }
  say_failure(fetch, result, reason);
  return false;
}
