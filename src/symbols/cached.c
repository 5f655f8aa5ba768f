/* hd_symbolize: from the cache what it has, from the files the rest. */
#include "symbols/elf_file.h"
#include "symbols/symbolizer.h"

#include <string.h>

struct question {
  struct hd_symbolizer *symbolizer;
  struct hd_cache_module *kept;
  const char *path, *build_id;
  enum hd_symbol_places places;
  bool alone; /* hd_symbolize_addresses: the build-id is the file's own */
  const uint64_t *offsets;
  size_t count;
  struct hd_symbol_batch *batch;
  struct hd_error *error;
  HD_VEC(struct hd_cache_hit) hits; /* as many as offsets; of the open ones void */
  size_t known;                     /* frames of them all */
  HD_VEC(size_t) open;              /* places in offsets of what the cache has not */
  HD_VEC(uint64_t) missing;         /* their offsets */
};

/* Of a long list, answers lie all over some megabytes: what comes soon is asked for early. */
enum { AHEAD = 12 };

static bool ask_cache(struct question *question)
{
  if (!hd_vec_reserve(&question->hits, question->count))
    return hd_fail_memory(question->error);
  for (size_t i = 0; i < question->count; i++) {
    struct hd_cache_hit *hit = &question->hits.items[i];
    uint64_t offset = question->offsets[i];
    if (i + AHEAD < question->count)
      hd_cache_file_expect(&question->kept->file, question->offsets[i + AHEAD]);
    if (hd_cache_find(question->kept, offset, hit))
      question->known += hit->count;
    else if (!hd_vec_push(&question->open, i) || !hd_vec_push(&question->missing, offset))
      return hd_fail_memory(question->error);
  }
  return true;
}

/* Only what the wanted file itself says, and all that it says. */
static bool is_keepable(const struct question *question)
{
  const struct hd_symbol_batch *batch = question->batch;
  bool same =
      question->alone ? strcmp(batch->found_build_id, question->build_id) == 0 : batch->verified;
  return batch->status == HD_SYMBOLS_DWARF && same && !batch->reason[0];
}

static bool resolve(const struct question *question)
{
  const uint64_t *places = question->missing.items;
  size_t count = question->missing.count;
  if (question->alone)
    return hd_symbolizer_resolve_addresses(question->symbolizer, question->path, places, count,
                                           false, question->batch, question->error);
  return hd_symbolizer_resolve(question->symbolizer, question->path, question->build_id,
                               question->places, places, count, question->batch, question->error);
}

static bool ask_files(struct question *question)
{
  struct hd_symbol_batch *batch = question->batch;
  if (question->count && !question->open.count) {
    batch->verified = true;
    batch->found_build_id =
        hd_arena_copy(&batch->arena, question->build_id, strlen(question->build_id));
    return batch->found_build_id || hd_fail_memory(question->error);
  }
  if (!resolve(question))
    return false;
  /* Want of memory for the names here comes up again where they are needed. */
  if (!is_keepable(question) || !hd_symbol_batch_show(batch))
    return true;
  for (size_t i = 0; i < question->missing.count; i++)
    hd_cache_add(question->kept, question->missing.items[i],
                 batch->frames + batch->answers[i].first, batch->answers[i].count);
  return true;
}

static void expect_frames(const struct question *question, size_t i)
{
  if (question->open.count || i + AHEAD >= question->count) /* hits of the open ones are void */
    return;
  const struct hd_cache_hit *later = &question->hits.items[i + AHEAD];
  if (later->file)
    __builtin_prefetch(&later->file->frames[later->first]);
}

/* Puts what was known before what was found, in one batch. */
static bool join(struct question *question)
{
  struct hd_symbol_batch *batch = question->batch;
  size_t known = question->known, count = known + batch->frame_count, at = 0, next = 0;
  if (count > UINT32_MAX)
    return hd_fail_internal(question->error, "too many frames in one batch");
  struct hd_symbol_answer *answers =
      hd_arena_alloc(&batch->arena, question->count * sizeof *answers);
  struct hd_symbol_frame *frames = hd_arena_alloc(&batch->arena, count * sizeof *frames);
  if (!answers || !frames)
    return hd_fail_memory(question->error);
  for (size_t i = 0; i < question->count; i++) {
    if (next < question->open.count && question->open.items[next] == i) {
      answers[i] = batch->answers[next++];
      answers[i].first += (uint32_t)known;
      continue;
    }
    const struct hd_cache_hit *hit = &question->hits.items[i];
    expect_frames(question, i);
    answers[i] = (struct hd_symbol_answer){(uint32_t)at, hit->count};
    for (uint32_t k = 0; k < hit->count; k++)
      frames[at++] = hd_cache_frame(hit, k);
  }
  if (batch->frame_count)
    memcpy(frames + known, batch->frames, batch->frame_count * sizeof *frames);
  batch->answers = answers;
  batch->frames = frames;
  batch->frame_count = count;
  return true;
}

static bool answer(struct question *question)
{
  if (!ask_cache(question) || !ask_files(question))
    return false;
  if (question->open.count == question->count || join(question))
    return true;
  hd_symbol_batch_deinit(question->batch);
  return false;
}

static const struct hd_symbol_batch empty = {.status = HD_SYMBOLS_DWARF,
                                             .file = "",
                                             .debug_file = "",
                                             .found_build_id = "",
                                             .reason = "",
                                             .arena = HD_ARENA_INIT};

static bool ask(struct question question)
{
  *question.batch = empty;
  bool fine = answer(&question);
  hd_vec_deinit(&question.hits);
  hd_vec_deinit(&question.open);
  hd_vec_deinit(&question.missing);
  return fine;
}

bool hd_symbolize(struct hd_symbolizer *symbolizer, const char *path, const char *build_id,
                  enum hd_symbol_places places, const uint64_t *offsets, size_t count,
                  struct hd_symbol_batch *batch, struct hd_error *error)
{
  struct hd_cache_module *kept = hd_cache_module(hd_symbolizer_cache(symbolizer), build_id, places);
  if (!kept)
    return hd_symbolizer_resolve(symbolizer, path, build_id, places, offsets, count, batch, error);
  return ask((struct question){.symbolizer = symbolizer,
                               .kept = kept,
                               .path = path,
                               .build_id = build_id,
                               .places = places,
                               .offsets = offsets,
                               .count = count,
                               .batch = batch,
                               .error = error});
}

/* "" where it cannot be told. */
static void build_id_of(const char *path, char build_id[HD_BUILD_ID_TEXT])
{
  struct hd_elf_file file = HD_ELF_FILE_INIT;
  char reason[HD_REASON];
  build_id[0] = '\0';
  if (hd_elf_open(path, false, &file, reason) != HD_ELF_OPENED)
    return;
  memcpy(build_id, file.build_id, sizeof file.build_id);
  hd_elf_close(&file);
}

bool hd_symbolize_addresses(struct hd_symbolizer *symbolizer, const char *path,
                            const uint64_t *addresses, size_t count, bool as_written,
                            struct hd_symbol_batch *batch, struct hd_error *error)
{
  char build_id[HD_BUILD_ID_TEXT];
  struct hd_cache_module *kept = NULL;
  /* What is kept are linkage names; names as written are another answer. */
  if (!as_written) {
    build_id_of(path, build_id);
    kept = hd_cache_module(hd_symbolizer_cache(symbolizer), build_id, HD_LINKED_ADDRESSES);
  }
  if (!kept)
    return hd_symbolizer_resolve_addresses(symbolizer, path, addresses, count, as_written, batch,
                                           error);
  return ask((struct question){.symbolizer = symbolizer,
                               .kept = kept,
                               .path = path,
                               .build_id = build_id,
                               .places = HD_LINKED_ADDRESSES,
                               .alone = true,
                               .offsets = addresses,
                               .count = count,
                               .batch = batch,
                               .error = error});
}
