/* Locations without symbols go to the symbolizer, a batch a module. */
#include "api/session.h"

#include "analysis/wrappers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *hd_session_demangle(struct hd_arena *arena, const char *name)
{
  return hd_demangle(arena, name, false);
}

struct waiting {
  uint32_t module, location;
};

static int by_module(const void *left, const void *right)
{
  const struct waiting *a = left, *b = right;
  if (a->module != b->module)
    return a->module < b->module ? -1 : 1;
  return (a->location > b->location) - (a->location < b->location);
}

static bool settle_bare(struct hd_pool *pool, const struct waiting *waiting, size_t count,
                        struct hd_error *error)
{
  for (size_t i = 0; i < count; i++)
    if (!hd_pool_resolve(pool, waiting[i].location, NULL, 0, error))
      return false;
  return true;
}

/* Inlined chains are short; the few that are longer lose their outermost. */
enum { MAX_CHAIN = 256 };

static bool settle_one(struct hd_pool *pool, uint32_t location, const struct hd_symbol_batch *batch,
                       struct hd_symbol_answer answer, struct hd_error *error)
{
  struct hd_resolved_frame frames[MAX_CHAIN];
  size_t count = answer.count < MAX_CHAIN ? answer.count : MAX_CHAIN;
  for (size_t i = 0; i < count; i++) {
    const struct hd_symbol_frame *from = &batch->frames[answer.first + i];
    frames[i] = (struct hd_resolved_frame){from->shown, from->function, from->file, from->line,
                                           from->start_line};
  }
  return hd_pool_resolve(pool, location, frames, count, error);
}

/* What the symbolizer said of the module, kept for notes and `info`. */
static bool keep_status(struct hd_session *session, struct hd_pool_module *module,
                        const struct hd_symbol_batch *batch, struct hd_error *error)
{
  module->asked = true;
  module->verified = batch->verified;
  module->mismatch = batch->status == HD_SYMBOLS_MISMATCH;
  module->forced = batch->forced;
  module->status = hd_symbol_status_name(batch->status);
  module->reason = hd_arena_copy(&session->arena, batch->reason, strlen(batch->reason));
  return module->reason || hd_fail_memory(error);
}

static bool settle_module(struct hd_session *session, struct hd_pool *pool,
                          const struct waiting *waiting, struct hd_symbol_job *job,
                          struct hd_error *error)
{
  struct hd_pool_module *module = &pool->modules.items[waiting->module - 1];
  if (!keep_status(session, module, &job->batch, error))
    return false;
  if (!hd_symbol_batch_show(&job->batch))
    return hd_fail_memory(error);
  for (size_t i = 0; i < job->count; i++)
    if (!settle_one(pool, waiting[i].location, &job->batch, job->batch.answers[i], error))
      return false;
  return true;
}

/* The addresses of one module, as its job. */
static bool ask_module(const struct hd_pool *pool, const struct waiting *waiting, size_t count,
                       struct hd_symbol_job *job)
{
  const struct hd_pool_module *module = &pool->modules.items[waiting->module - 1];
  *job = (struct hd_symbol_job){.path = hd_pool_text(pool, module->path),
                                .build_id = hd_pool_text(pool, module->build_id),
                                .places = module->by_address ? HD_LINKED_ADDRESSES
                                                             : HD_FILE_OFFSETS,
                                .offsets = hd_alloc(count * sizeof *job->offsets),
                                .count = count};
  for (size_t i = 0; job->offsets && i < count; i++)
    job->offsets[i] = pool->locations.items[waiting[i].location - 1].offset;
  return job->offsets != NULL;
}

static bool settle_modules(struct hd_session *session, struct hd_pool *pool,
                           const struct waiting *waiting, size_t count, struct hd_error *error)
{
  HD_VEC(struct hd_symbol_job) jobs = {0};
  bool fine = true;
  for (size_t i = 0, end; fine && i < count; i = end) {
    struct hd_symbol_job job;
    for (end = i; end < count && waiting[end].module == waiting[i].module;)
      end++;
    fine = ask_module(pool, waiting + i, end - i, &job) && hd_vec_push(&jobs, job);
    if (!fine) {
      hd_free(job.offsets);
      hd_fail_memory(error);
    }
  }
  fine = fine && hd_session_run_jobs(session, jobs.items, jobs.count, error);
  for (size_t i = 0; i < jobs.count; i++) {
    struct hd_symbol_job *job = &jobs.items[i];
    fine = fine && settle_module(session, pool, waiting, job, error);
    waiting += job->count;
    if (job->fine)
      hd_symbol_batch_deinit(&job->batch);
    hd_free(job->offsets);
  }
  hd_vec_deinit(&jobs);
  return fine;
}

bool hd_session_symbolize(struct hd_session *session, struct hd_pool *pool,
                          struct hd_error *error)
{
  HD_VEC(struct waiting) waiting = {0};
  bool fine = true;
  for (size_t i = 0; fine && i < pool->locations.count; i++)
    if (!pool->locations.items[i].settled) {
      struct waiting item = {pool->locations.items[i].module, (uint32_t)i + 1};
      fine = hd_vec_push(&waiting, item) || hd_fail_memory(error);
    }
  if (waiting.count > 1)
    qsort(waiting.items, waiting.count, sizeof *waiting.items, by_module);
  size_t bare = 0; /* those of no module come first */
  while (bare < waiting.count && (!waiting.items[bare].module || session->options.no_symbols))
    bare++;
  fine = fine && settle_bare(pool, waiting.items, bare, error) &&
         settle_modules(session, pool, waiting.items + bare, waiting.count - bare, error);
  hd_vec_deinit(&waiting);
  return fine;
}

/* Where most addresses have a name alone, what is missing are all lines and inlined calls. */
static void note_no_lines(struct hd_session *session, const struct hd_pool *pool)
{
  uint64_t all = 0, bare = 0;
  const struct hd_pool_module *worst = NULL;
  const char *table = hd_symbol_status_name(HD_SYMBOLS_TABLE);
  for (size_t i = 0; i < pool->modules.count; i++) {
    const struct hd_pool_module *module = &pool->modules.items[i];
    if (hd_wrapper_module(hd_pool_text(pool, module->path)))
      continue;
    all += module->wanted;
    if (!module->status || strcmp(module->status, table) != 0)
      continue;
    bare += module->resolved;
    if (!worst || module->resolved > worst->resolved)
      worst = module;
  }
  if (worst && 2 * bare > all)
    hd_session_add_note(session, HD_NOTE_INFO, "no-lines",
                        "%s %s; compiled with -g, or with its debug package (--debug-dir, "
                        "DEBUGINFOD_URLS), it has them",
                        hd_pool_text(pool, worst->path), worst->reason);
}

void hd_session_note_symbols(struct hd_session *session, const struct hd_pool *pool,
                             bool unnamed)
{
  uint64_t bare = 0, all = 0;
  size_t unverified = 0;
  const struct hd_pool_module *worst = NULL, *first = NULL;
  for (size_t i = 0; i < pool->modules.count; i++) {
    const struct hd_pool_module *module = &pool->modules.items[i];
    const char *path = hd_pool_text(pool, module->path);
    if (module->mismatch)
      hd_session_add_note(session, HD_NOTE_WARNING, "build-id-mismatch", "%s: %s", path,
                          module->reason);
    else if (module->forced)
      hd_session_add_note(session, HD_NOTE_WARNING, "forced-symbols",
                          "%s %s: --force-symbols uses it all the same, its names and lines may be "
                          "wrong", path, module->reason);
    else if (module->asked && !module->verified && module->resolved && !unverified++)
      first = module;
    /* Nobody's call site lies in the C library: its missing names are no loss. */
    if (hd_wrapper_module(path))
      continue;
    all += module->wanted;
    uint32_t missing = module->wanted - module->resolved;
    if (missing && (!worst || missing > worst->wanted - worst->resolved))
      worst = module;
    bare += missing;
  }
  if (first)
    hd_session_add_note(session, HD_NOTE_INFO, "unverified",
                        unverified == 1 ? "the snapshots give no build-id for %s: its symbols are by "
                                          "path alone, unverified"
                                        : "the snapshots give no build-id for %s and %zu more: their "
                                          "symbols are by path alone, unverified",
                        hd_pool_text(pool, first->path), unverified - 1);
  if (session->options.no_symbols)
    return;
  note_no_lines(session, pool);
  if (!bare || !unnamed)
    return;
  hd_session_add_note(session, HD_NOTE_INFO, "no-symbols",
                      "%" PRIu64 " of %" PRIu64 " addresses have no name, most of them in %s%s%s; "
                      "`heapdiff info` says why for each module", bare, all,
                      hd_base_name(hd_pool_text(pool, worst->path)),
                      worst->reason[0] ? ": " : "", worst->reason);
}
