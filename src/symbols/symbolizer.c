#include "symbols/symbolizer.h"

#include "symbols/elf_check.h"
#include "symbols/isolated.h"
#include "symbols/module.h"
#include "symbols/packed_batch.h"
#include "symbols/search.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Open modules are kept between batches, up to this many. */
enum { MAX_MODULES = 64 };

struct hd_symbolizer {
  struct hd_search search;
  struct hd_cache cache;
  HD_VEC(struct hd_symbol_module *) modules;
  uint64_t clock;
};

const char *hd_symbol_status_name(enum hd_symbol_status status)
{
  switch (status) {
  case HD_SYMBOLS_DWARF: return "dwarf";
  case HD_SYMBOLS_TABLE: return "symbol table";
  case HD_SYMBOLS_NONE: return "no symbols";
  case HD_SYMBOLS_NO_FILE: return "no file";
  case HD_SYMBOLS_MISMATCH: return "build-id mismatch";
  case HD_SYMBOLS_BAD_FILE: return "bad file";
  case HD_SYMBOLS_NOT_A_FILE: return "not a file";
  }
  return "unknown";
}

bool hd_symbolizer_create(const struct hd_symbol_options *options,
                          struct hd_symbolizer **symbolizer, struct hd_error *error)
{
  *symbolizer = NULL;
  if (elf_version(EV_CURRENT) == EV_NONE)
    return hd_fail_internal(error, "libelf does not know the current ELF version");
  struct hd_symbolizer *made = hd_alloc_zeroed(1, sizeof *made);
  if (!made)
    return hd_fail_memory(error);
  if (!hd_search_init(&made->search, options, error)) {
    hd_free(made);
    return false;
  }
  hd_cache_init(&made->cache, options && options->cache);
  *symbolizer = made;
  return true;
}

static void drop_module(struct hd_symbolizer *symbolizer, size_t i)
{
  struct hd_symbol_module **items = symbolizer->modules.items;
  hd_symbol_module_close(items[i]);
  hd_free(items[i]);
  items[i] = items[--symbolizer->modules.count];
}

struct hd_cache *hd_symbolizer_cache(struct hd_symbolizer *symbolizer)
{
  return &symbolizer->cache;
}

void hd_symbolizer_keep(struct hd_symbolizer *symbolizer)
{
  hd_cache_write(&symbolizer->cache);
}

void hd_symbolizer_destroy(struct hd_symbolizer *symbolizer)
{
  if (!symbolizer)
    return;
  hd_symbolizer_keep(symbolizer);
  hd_cache_deinit(&symbolizer->cache);
  while (symbolizer->modules.count > 0)
    drop_module(symbolizer, symbolizer->modules.count - 1);
  hd_vec_deinit(&symbolizer->modules);
  hd_search_deinit(&symbolizer->search);
  hd_free(symbolizer);
}

static void drop_oldest(struct hd_symbolizer *symbolizer)
{
  size_t oldest = 0;
  for (size_t i = 1; i < symbolizer->modules.count; i++)
    if (symbolizer->modules.items[i]->used < symbolizer->modules.items[oldest]->used)
      oldest = i;
  drop_module(symbolizer, oldest);
}

/* One that is open already, unless its file has changed since. */
static struct hd_symbol_module *find_module(struct hd_symbolizer *symbolizer, const char *path,
                                            const char *build_id, bool debug_alone)
{
  for (size_t i = 0; i < symbolizer->modules.count; i++) {
    struct hd_symbol_module *module = symbolizer->modules.items[i];
    if (strcmp(module->path, path) != 0 || strcmp(module->build_id, build_id) != 0 ||
        module->debug_alone != debug_alone)
      continue;
    if (hd_symbol_module_current(module))
      return module;
    drop_module(symbolizer, i);
    return NULL;
  }
  return NULL;
}

struct job {
  struct hd_symbolizer *symbolizer;
  struct hd_symbol_module *module; /* NULL: none yet; the last of the symbolizer's if `fresh` */
  const char *path, *build_id;
  enum hd_symbol_places places;
  bool debug_alone, as_written;
  const uint64_t *offsets;
  size_t count;
  struct hd_symbol_batch *batch;
  struct hd_error *error;
  bool fine;
};

/* Lists the module before it is opened, so that it is closed whatever happens. */
static bool open_module(struct job *job)
{
  struct hd_symbolizer *symbolizer = job->symbolizer;
  if (symbolizer->modules.count >= MAX_MODULES)
    drop_oldest(symbolizer);
  struct hd_symbol_module *module = hd_alloc_zeroed(1, sizeof *module);
  if (!module || !hd_vec_push(&symbolizer->modules, module)) {
    hd_free(module);
    return hd_fail_memory(job->error);
  }
  job->module = module;
  return hd_symbol_module_open(module, &symbolizer->search, job->path, job->build_id,
                               job->debug_alone, job->error);
}

static const char *copy(struct hd_arena *arena, const char *text)
{
  return text ? hd_arena_copy(arena, text, strlen(text)) : "";
}

static bool describe(const struct hd_symbol_module *module, struct hd_symbol_batch *batch,
                     struct hd_error *error)
{
  batch->status = module->status;
  batch->verified = module->verified;
  batch->forced = module->forced;
  batch->file = copy(&batch->arena, module->program.path);
  batch->debug_file = copy(&batch->arena, module->debug.path);
  batch->found_build_id = copy(&batch->arena, module->found_build_id);
  batch->reason = copy(&batch->arena, module->reason);
  return (batch->file && batch->debug_file && batch->found_build_id && batch->reason) ||
         hd_fail_memory(error);
}

/* libdw and libelf have globals that opening a file writes: one file at a time, whatever
 * the thread. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static bool find_or_open(struct job *job)
{
  job->module = find_module(job->symbolizer, job->path, job->build_id,
                            job->debug_alone);
  return job->module || open_module(job);
}

static bool answer_nothing(struct job *job)
{
  struct hd_symbol_batch *batch = job->batch;
  batch->answers = hd_arena_alloc(&batch->arena, job->count * sizeof *batch->answers);
  if (!batch->answers)
    return hd_fail_memory(job->error);
  if (job->count)
    memset(batch->answers, 0, job->count * sizeof *batch->answers);
  return true;
}

static bool run(struct job *job)
{
  struct hd_symbol_batch *batch = job->batch;
  job->module->used = ++job->symbolizer->clock;
  if (!answer_nothing(job) || !describe(job->module, batch, job->error))
    return false;
  return !hd_symbol_module_usable(job->module) ||
         hd_symbol_module_resolve(job->module, job->places, job->offsets, job->count,
                                  job->as_written, batch, job->error);
}

static void open_guarded(void *context)
{
  struct job *job = context;
  job->fine = find_or_open(job);
}

static void run_guarded(void *context)
{
  struct job *job = context;
  job->fine = run(job);
}

/* A step that libdw cannot end the process in: want of memory is its failure. */
static bool guarded(struct job *job, void (*step)(void *))
{
  if (hd_dwarf_guarded(step, job))
    return job->fine;
  job->fine = false;
  return hd_fail_memory(job->error);
}

/* Only what is of use is kept: a file that was missing may come. */
static void forget(struct hd_symbolizer *symbolizer, const struct hd_symbol_module *module)
{
  for (size_t i = 0; i < symbolizer->modules.count; i++) {
    if (symbolizer->modules.items[i] != module)
      continue;
    drop_module(symbolizer, i);
    return;
  }
}

/* --- files that are not trusted: opening them and all the rest is done by a child */

static bool work_alone(void *context, struct hd_buffer *answer)
{
  struct job *job = context;
  hd_fetch_forked(job->symbolizer->search.fetch);
  return guarded(job, open_guarded) && guarded(job, run_guarded) &&
         hd_batch_pack(job->batch, job->count, answer);
}

static bool leave_out(struct job *job, const char *reason)
{
  hd_symbol_batch_deinit(job->batch);
  job->batch->status = HD_SYMBOLS_BAD_FILE;
  job->batch->reason = copy(&job->batch->arena, reason);
  return answer_nothing(job) && (job->batch->reason || hd_fail_memory(job->error));
}

static bool take_answer(struct job *job, struct hd_isolated *child)
{
  struct hd_buffer answer;
  char reason[HD_REASON];
  bool fine = hd_isolated_finish(child, &answer, reason), whole = fine;
  if (fine)
    fine = hd_batch_unpack(job->batch, job->count, &answer, &whole) || hd_fail_memory(job->error);
  else if (!reason[0])
    hd_fail_memory(job->error);
  else
    fine = leave_out(job, reason);
  hd_buffer_deinit(&answer);
  if (fine && !reason[0] && !whole)
    return leave_out(job, "confused the ELF library: its symbols are left out");
  return fine;
}

static bool symbolize(struct job job)
{
  struct hd_symbolizer *symbolizer = job.symbolizer;
  struct hd_symbol_batch *batch = job.batch;
  struct hd_error *error = job.error;
  *batch = (struct hd_symbol_batch){.file = "", .debug_file = "", .found_build_id = "",
                                    .reason = "", .arena = HD_ARENA_INIT};
  if (job.count > SIZE_MAX / sizeof *batch->answers)
    return hd_fail_memory(error);
  struct hd_isolated child;
  pthread_mutex_lock(&opening);
  hd_doubt_begin();
  bool opened = guarded(&job, open_guarded), doubted = hd_doubt_end() && opened;
  if (doubted) {
    forget(symbolizer, job.module);
    job.module = NULL;
    hd_isolated_start(&child, work_alone, &job); /* with the lock, which the child needs */
  }
  pthread_mutex_unlock(&opening);
  if (doubted)
    job.fine = take_answer(&job, &child);
  else if (opened)
    guarded(&job, run_guarded);
  if (job.module && (!job.fine || !hd_symbol_module_usable(job.module)))
    forget(symbolizer, job.module);
  if (!job.fine)
    hd_symbol_batch_deinit(batch);
  return job.fine;
}

bool hd_symbolizer_resolve(struct hd_symbolizer *symbolizer, const char *path,
                           const char *build_id, enum hd_symbol_places places,
                           const uint64_t *offsets, size_t count, struct hd_symbol_batch *batch,
                           struct hd_error *error)
{
  return symbolize((struct job){.symbolizer = symbolizer, .path = path, .build_id = build_id,
                                .places = places, .offsets = offsets, .count = count,
                                .batch = batch, .error = error});
}

bool hd_symbolizer_resolve_addresses(struct hd_symbolizer *symbolizer, const char *path,
                                     const uint64_t *addresses, size_t count, bool as_written,
                                     struct hd_symbol_batch *batch, struct hd_error *error)
{
  return symbolize((struct job){.symbolizer = symbolizer, .path = path, .build_id = "",
                                .places = HD_LINKED_ADDRESSES, .offsets = addresses,
                                .debug_alone = true, .as_written = as_written, .count = count, .batch = batch,
                                .error = error});
}

void hd_symbol_batch_deinit(struct hd_symbol_batch *batch)
{
  hd_arena_deinit(&batch->arena);
  *batch = (struct hd_symbol_batch){.file = "", .debug_file = "", .found_build_id = "",
                                    .reason = "", .arena = HD_ARENA_INIT};
}
