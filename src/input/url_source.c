/* A URL, or HOST:PORT: what the service there gives, now or several times in turn. It is
 * fetched when it is named, once, and read from memory. */
#include "input/source.h"
#include "input/url_fetch.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
  /* As many descriptors as this are open at once. */
  MOST_OF_A_SERIES = 500,
  SLICE_MS = 250,
};

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool accepts(const char *argument)
{
  struct stat status;
  return hd_is_url(argument) || (hd_url_has_scheme(argument) && stat(argument, &status) != 0);
}

static bool add(const struct hd_source *self, struct hd_handles *handles, struct hd_answer *answer,
                const char *page, size_t number, struct hd_error *error)
{
  const char *name = number ? hd_arena_printf(&handles->arena, "%s #%zu", page, number)
                            : hd_arena_copy(&handles->arena, page, strlen(page));
  if (!name || !hd_vec_push(&handles->items, (struct hd_handle){self, name, 0, answer->fd + 1}))
    return hd_fail_memory(error);
  answer->fd = -1;
  return true;
}

static bool fetch(const struct hd_source *self, const char *url, size_t number,
                  struct hd_handles *handles, struct hd_error *error)
{
  struct hd_buffer page = HD_BUFFER_INIT;
  struct hd_answer answer;
  bool fine = hd_url_fetch(handles->http, url, handles->url_kind, &answer, &page, error) &&
              add(self, handles, &answer, hd_buffer_text(&page), number, error);
  hd_answer_close(&answer);
  hd_buffer_deinit(&page);
  return fine;
}

/* Until it is time for the next one; false: no more are wanted. */
static bool wait_until(const struct hd_handles *handles, int64_t when_ms, size_t number,
                       size_t count)
{
  const struct hd_url_options *urls = handles->urls;
  bool goes_on = true;
  for (int64_t left; goes_on && (left = when_ms - now_ms()) > 0;) {
    char what[96];
    snprintf(what, sizeof what, "waiting for snapshot %zu of %zu: %lld s", number, count,
             (long long)(left + 999) / 1000);
    if (handles->progress)
      goes_on = handles->progress(handles->progress_context, what, 0, 0);
    if (urls->stop && urls->stop(urls->stop_context))
      goes_on = false;
    if (goes_on)
      poll(NULL, 0, left < SLICE_MS ? (int)left : SLICE_MS);
  }
  if (handles->progress)
    handles->progress(handles->progress_context, NULL, 0, 0);
  return goes_on;
}

static bool count_of(const struct hd_url_options *urls, uint64_t *every_ms, size_t *count,
                     struct hd_error *error)
{
  *every_ms = urls->every_ms ? urls->every_ms : urls->for_ms;
  uint64_t steps = *every_ms && urls->for_ms ? urls->for_ms / *every_ms : *every_ms ? 1 : 0;
  if (*every_ms && !steps)
    return hd_fail_usage(error, "--for is shorter than --every: no second snapshot would come");
  if (steps >= MOST_OF_A_SERIES)
    return hd_fail_usage(error,
                         "that would be %llu snapshots, and %d at most are held in memory: "
                         "`heapdiff record` writes as many as you like",
                         (unsigned long long)steps + 1, MOST_OF_A_SERIES);
  *count = steps + 1;
  return true;
}

/* The first has to come; where a later one does not, the series has a gap. */
static bool fetch_all(const struct hd_source *self, const char *url, struct hd_handles *handles,
                      struct hd_error *error)
{
  uint64_t every_ms;
  size_t count;
  if (!count_of(handles->urls, &every_ms, &count, error) ||
      !fetch(self, url, count > 1, handles, error))
    return false;
  int64_t start = now_ms();
  for (size_t i = 1; i < count; i++) {
    struct hd_error own = HD_ERROR_INIT;
    if (!wait_until(handles, start + (int64_t)(every_ms * i), i + 1, count))
      break;
    if (fetch(self, url, i + 1, handles, &own))
      continue;
    if (own.kind == HD_ERROR_INTERNAL) {
      *error = own;
      return false;
    }
    if (hd_http_given_up(handles->http))
      break;
    if (!handles->gaps++)
      handles->first_gap = own;
  }
  return true;
}

static bool expand(const struct hd_source *self, const char *argument, struct hd_handles *handles,
                   struct hd_error *error)
{
  static const struct hd_url_options standard;
  if (!hd_is_url(argument))
    return hd_fail_usage(error, "'%.*s': snapshots are fetched by http and https alone",
                         (int)strcspn(argument, ":"), argument);
  if (!handles->urls)
    handles->urls = &standard;
  if (!handles->http && !hd_http_create(handles->urls, handles->progress, handles->progress_context,
                                        &handles->http, error))
    return false;
  return fetch_all(self, argument, handles, error);
}

static bool open_fetched(const struct hd_handle *handle, const struct hd_input_options *options,
                         struct hd_input **input, struct hd_error *error)
{
  return hd_input_open_fd(handle->fetched - 1, handle->name, options, input, error);
}

extern const struct hd_source hd_source_url;
const struct hd_source hd_source_url = {"URL", accepts, expand, open_fetched};
