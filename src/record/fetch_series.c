/* Following a URL: when to fetch, what to do while the service is away, when to end. */
#include <heapdiff/record_url.h>

#include "model/measure.h"
#include "record/fetch_store.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
  FIRST_PAUSE_MS = 1000, /* after a failure; twice as long each time */
  LONGEST_PAUSE_MS = 60000,
  SLICE_MS = 250,
};

struct run {
  const struct hd_url_record_options *options;
  struct hd_url_record_result *result;
  struct hd_http *http;
  struct hd_output_directory directory;
  struct hd_store store;
  bool wants_goroutines, no_goroutines; /* the last time none came, and that was said */
  int64_t start_ms;
  /* The last moment's. */
  bool any;
  struct hd_fetched last[HD_STORED_KINDS]; /* their answers are closed */
  /* A gap. */
  int64_t away_since_ms; /* -1: the service is there */
  uint64_t pause_ms;
  uint64_t taken; /* moments, whether they could be written or not */
};

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_stopped(struct run *run)
{
  const struct hd_url_options *urls = &run->options->urls;
  if (urls->stop && urls->stop(urls->stop_context))
    run->result->stopped = true;
  return run->result->stopped;
}

static void tell(struct run *run, struct hd_url_event event)
{
  if (run->options->on_event)
    run->options->on_event(run->options->context, &event);
}

static void tell_error(struct run *run, int kind, const struct hd_error *error)
{
  char text[1400];
  hd_error_format(error, text, sizeof text);
  tell(run, (struct hd_url_event){.kind = kind, .text = text});
}

static void note_restart(struct run *run, const struct hd_fetched *fetched)
{
  const char *why = NULL;
  for (int i = 0; !why && i < HD_STORED_KINDS; i++)
    if ((fetched[i].has_heap && run->last[i].has_heap) ||
        (fetched[i].has_goroutines && run->last[i].has_goroutines))
      why = hd_fetched_restarted(&run->last[i], &fetched[i]);
  if (!why)
    return;
  run->result->restarts++;
  run->result->first = (struct hd_url_point){0, -1, -1};
  memset(run->last, 0, sizeof run->last);
  tell(run, (struct hd_url_event){.kind = HD_URL_RESTARTED, .text = why});
}

static void note_back(struct run *run)
{
  if (run->away_since_ms < 0)
    return;
  int64_t away = now_ms() - run->away_since_ms;
  uint64_t missed = (uint64_t)away / run->options->interval_ms;
  run->result->missed += missed;
  tell(run, (struct hd_url_event){.kind = HD_URL_BACK, .missed = missed, .gap_ns = away * 1000000});
  run->away_since_ms = -1;
  run->pause_ms = 0;
}

/* Only now: a service that is not there leaves an older recording where it is. */
static bool open_store(struct run *run, struct hd_error *error)
{
  if (!hd_output_directory_open(run->options->directory, &run->directory, error))
    return false;
  hd_store_init(&run->store, &run->directory, run->options->url, run->options->keep,
                run->options->keep_bytes);
  return !run->store.stem.failed || hd_fail_memory(error);
}

/* The file of the moment that was added last; NULL where none was since `before`. */
static const char *file_of_last(const struct run *run, uint64_t before)
{
  const struct hd_store *store = &run->store;
  if (store->moments.count + store->thinned == before)
    return NULL;
  const struct hd_stored *last = &store->moments.items[store->moments.count - 1];
  return last->names[0] ? last->names[0] : last->names[1];
}

/* Takes a moment's profiles into the results and onto the disk. */
static bool take(struct run *run, struct hd_fetched *fetched, struct hd_error *error)
{
  const struct hd_fetched *stored[HD_STORED_KINDS] = {NULL};
  struct hd_url_point point = {(now_ms() - run->start_ms) * 1000000, -1, -1};
  if (!run->any && !open_store(run, error))
    return false;
  note_back(run);
  if (run->any)
    note_restart(run, fetched);
  for (int i = 0; i < HD_STORED_KINDS; i++) {
    if (fetched[i].answer.fd < 0)
      continue;
    stored[i] = &fetched[i];
    point.heap = fetched[i].has_heap ? fetched[i].heap : point.heap;
    point.goroutines = fetched[i].has_goroutines ? fetched[i].goroutines : point.goroutines;
    run->last[i] = fetched[i];
  }
  struct hd_url_record_result *result = run->result;
  if (result->first.heap < 0 && result->first.goroutines < 0)
    result->first = point;
  result->first.heap = result->first.heap < 0 ? point.heap : result->first.heap;
  result->first.goroutines =
      result->first.goroutines < 0 ? point.goroutines : result->first.goroutines;
  result->last.elapsed_ns = point.elapsed_ns;
  result->last.heap = point.heap < 0 ? result->last.heap : point.heap;
  result->last.goroutines = point.goroutines < 0 ? result->last.goroutines : point.goroutines;
  run->any = true;
  run->taken++;
  uint64_t before = run->store.moments.count + run->store.thinned;
  if (!hd_store_add(&run->store, stored, error))
    return false;
  result->moments += run->store.moments.count + run->store.thinned - before;
  tell(run, (struct hd_url_event){
                .kind = HD_URL_SNAPSHOT, .point = point, .file = file_of_last(run, before)});
  return true;
}

/* The other profile of the same moment. That there is none at the first one is no fault:
 * not every service has goroutines. */
static void fetch_goroutines(struct run *run, struct hd_fetched *fetched)
{
  struct hd_error own = HD_ERROR_INIT;
  if (!run->wants_goroutines)
    return;
  if (hd_fetch_snapshot(run->http, run->options->url, HD_URL_GOROUTINE, fetched, &own)) {
    run->no_goroutines = false;
    return;
  }
  bool none = fetched->answer.status == 404 && !run->any;
  hd_answer_close(&fetched->answer);
  run->wants_goroutines = !none;
  if (!none && !run->no_goroutines && !is_stopped(run))
    tell_error(run, HD_URL_INCOMPLETE, &own);
  run->no_goroutines = true;
}

/* One moment. *came: the service gave its heap, or the one profile that is wanted. Only at the
 * first one that it did not is an error; later whatever it was may pass, want of memory as well. */
static bool fetch_moment(struct run *run, bool *came, struct hd_error *error)
{
  struct hd_fetched fetched[HD_STORED_KINDS] = {{.answer = {.fd = -1}}, {.answer = {.fd = -1}}};
  struct hd_error own = HD_ERROR_INIT;
  bool fine = true;
  *came = hd_fetch_snapshot(run->http, run->options->url, hd_url_kind_of(run->options->measure),
                            &fetched[0], &own);
  if (*came) {
    fetch_goroutines(run, &fetched[1]);
    fine = take(run, fetched, error);
  } else if (!is_stopped(run) || !run->any) {
    if (!run->any) {
      *error = own;
      fine = false;
    } else if (run->away_since_ms < 0) {
      run->away_since_ms = now_ms();
      run->result->gaps++;
      tell_error(run, HD_URL_AWAY, &own);
    }
  }
  for (int i = 0; i < HD_STORED_KINDS; i++) {
    hd_answer_close(&fetched[i].answer);
    run->last[i].answer.fd = -1;
  }
  return fine;
}

static bool wait_until(struct run *run, int64_t when_ms)
{
  for (int64_t left; !is_stopped(run) && (left = when_ms - now_ms()) > 0;)
    poll(NULL, 0, left < SLICE_MS ? (int)left : SLICE_MS);
  return !run->result->stopped;
}

/* The next moment: of the regular ones, or after a pause where the service is away. Those
 * that passed while a slow one was fetched are left out. */
static int64_t next_ms(struct run *run, bool came)
{
  int64_t now = now_ms(), interval = (int64_t)run->options->interval_ms;
  int64_t regular = run->start_ms + ((now - run->start_ms) / interval + 1) * interval;
  if (came)
    return regular;
  run->pause_ms = run->pause_ms ? run->pause_ms * 2 : FIRST_PAUSE_MS;
  if (run->pause_ms > LONGEST_PAUSE_MS)
    run->pause_ms = LONGEST_PAUSE_MS;
  return now + (int64_t)run->pause_ms;
}

static bool follow(struct run *run, struct hd_error *error)
{
  const struct hd_url_record_options *options = run->options;
  run->start_ms = now_ms();
  int64_t end_ms = options->for_ms ? run->start_ms + (int64_t)options->for_ms : INT64_MAX;
  for (;;) {
    bool came;
    if (!fetch_moment(run, &came, error))
      return false;
    int64_t next = next_ms(run, came);
    if ((options->count && run->taken >= options->count) || next > end_ms || !wait_until(run, next))
      break;
  }
  if (run->away_since_ms >= 0)
    run->result->missed += (uint64_t)(now_ms() - run->away_since_ms) / options->interval_ms;
  return true;
}

static void fill_result(const struct run *run)
{
  struct hd_url_record_result *result = run->result;
  result->thinned = run->store.thinned;
  result->failed = run->store.failed;
  result->failed_errno = run->store.failed_errno;
  snprintf(result->moved_to, sizeof result->moved_to, "%s", run->directory.moved_to);
  result->unchecked = run->options->urls.insecure && hd_url_is_https(run->options->url);
  snprintf(result->directory, sizeof result->directory, "%s", run->directory.name);
}

static bool check(const struct hd_url_record_options *options, struct hd_error *error)
{
  enum hd_measure measure;
  if (options->measure && !hd_measure_choose(options->measure, &measure, error))
    return false;
  if (!hd_is_url(options->url))
    return hd_fail_usage(error, "'%s' is no URL of http or https, nor HOST:PORT", options->url);
  if (!options->interval_ms)
    return hd_fail_usage(error, "an interval of 0 would ask the service without a pause");
  return options->keep != 1 ||
         hd_fail_usage(error, "--keep takes 2 or more, as the first and the last snapshot are "
                              "always kept, or 0 for all");
}

bool hd_record_url(const struct hd_url_record_options *options, struct hd_url_record_result *result,
                   struct hd_error *error)
{
  struct run run = {.options = options,
                    .result = result,
                    .directory = HD_OUTPUT_DIRECTORY_INIT,
                    .wants_goroutines = !options->measure && hd_url_is_bare(options->url),
                    .away_since_ms = -1};
  *result = (struct hd_url_record_result){.first = {0, -1, -1}, .last = {0, -1, -1}};
  bool fine = check(options, error) &&
              hd_http_create(&options->urls, NULL, NULL, &run.http, error) && follow(&run, error);
  fill_result(&run);
  hd_store_deinit(&run.store);
  hd_output_directory_close(&run.directory);
  hd_http_destroy(run.http);
  return fine;
}
