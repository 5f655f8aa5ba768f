#include "record/fetch_snapshot.h"

#include "input/open.h"
#include "readers/reader.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void copy_text(char *out, size_t size, const char *text)
{
  snprintf(out, size, "%s", text ? text : "");
}

/* The build-id of the module that is the program. */
static void take_build(struct hd_fetched *fetched, const struct hd_profile *profile)
{
  for (size_t i = 0; i < profile->modules.count; i++) {
    const struct hd_module *module = &profile->modules.items[i];
    if (strcmp(hd_strings_text(&profile->strings, module->path), fetched->program) == 0) {
      copy_text(fetched->build_id, sizeof fetched->build_id,
                hd_strings_text(&profile->strings, module->build_id));
      return;
    }
  }
}

/* Of a file with several profiles the last. */
static bool take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct hd_fetched *fetched = context;
  (void)error;
  fetched->has_heap = profile->has[HD_INUSE_SPACE];
  fetched->has_goroutines = profile->has[HD_GOROUTINES];
  fetched->heap = fetched->has_heap ? (int64_t)hd_profile_total(profile, HD_INUSE_SPACE) : -1;
  fetched->goroutines =
      fetched->has_goroutines ? (int64_t)hd_profile_total(profile, HD_GOROUTINES) : -1;
  fetched->allocated =
      profile->has[HD_ALLOC_OBJECTS] ? hd_profile_total(profile, HD_ALLOC_OBJECTS) : -1;
  copy_text(fetched->program, sizeof fetched->program, profile->meta.program);
  take_build(fetched, profile);
  hd_profile_destroy(profile);
  return true;
}

static bool read_body(struct hd_fetched *fetched, const char *page, struct hd_error *error)
{
  const struct hd_reader *reader = NULL;
  struct hd_input *input;
  struct hd_sink sink = {take, fetched};
  if (!hd_input_open_fd(fetched->answer.fd, page, NULL, &input, error))
    return false;
  struct hd_stream *stream = hd_input_stream(input);
  fetched->compressed = hd_input_compressed(input);
  bool fine = hd_stream_peek(stream, HD_PROBE_BYTES, error);
  if (fine)
    reader = hd_reader_probe(stream->data, stream->length);
  fine = fine && (reader || hd_reader_search(stream, &reader, error));
  if (fine && !reader)
    fine = hd_fail_input(error, "what came is no heap snapshot in a format that heapdiff knows; "
                                "heapdiff-formats(7) lists them");
  fine = fine && reader->read(stream, &sink, error) &&
         (fetched->has_heap || fetched->has_goroutines ||
          hd_fail_input(error, "it holds neither a heap nor goroutines"));
  hd_input_close(input);
  return fine || hd_error_in(error, page);
}

bool hd_fetch_snapshot(struct hd_http *http, const char *url, enum hd_url_kind kind,
                       struct hd_fetched *fetched, struct hd_error *error)
{
  struct hd_buffer page = HD_BUFFER_INIT;
  struct timespec now;
  *fetched = (struct hd_fetched){.heap = -1, .goroutines = -1, .allocated = -1};
  bool fine = hd_url_fetch(http, url, kind, &fetched->answer, &page, error);
  clock_gettime(CLOCK_REALTIME, &now);
  fetched->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  fine = fine && read_body(fetched, hd_buffer_text(&page), error);
  hd_buffer_deinit(&page);
  return fine;
}

const char *hd_fetched_restarted(const struct hd_fetched *before, const struct hd_fetched *now)
{
  if (strcmp(before->program, now->program) != 0)
    return "another program answers, or the same from another place";
  if (before->build_id[0] && now->build_id[0] && strcmp(before->build_id, now->build_id) != 0)
    return "its build is another one";
  /* What was sampled since the start of a process only rises. */
  if (before->allocated >= 0 && now->allocated >= 0 && now->allocated < before->allocated)
    return "it has allocated less than before";
  return NULL;
}
