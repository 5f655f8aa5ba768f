#include "symbols/packed_batch.h"

#include "symbols/cache_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* What comes before the answers, which are packed as a cache file has them, by their place
 * in the batch. */
struct facts {
  uint32_t status;
  uint8_t verified, forced;
  char file[PATH_MAX], debug_file[PATH_MAX];
  char found_build_id[HD_BUILD_ID_TEXT], reason[2 * HD_REASON];
  _Alignas(uint64_t) char end[8];
};

_Static_assert(sizeof(struct facts) % sizeof(uint64_t) == 0, "the answers are aligned");

bool hd_batch_pack(const struct hd_symbol_batch *batch, size_t count, struct hd_buffer *out)
{
  struct facts facts;
  memset(&facts, 0, sizeof facts); /* what is between its members goes out, too */
  facts.status = batch->status;
  facts.verified = batch->verified;
  facts.forced = batch->forced;
  snprintf(facts.file, sizeof facts.file, "%s", batch->file);
  snprintf(facts.debug_file, sizeof facts.debug_file, "%s", batch->debug_file);
  snprintf(facts.found_build_id, sizeof facts.found_build_id, "%s", batch->found_build_id);
  snprintf(facts.reason, sizeof facts.reason, "%s", batch->reason);
  hd_buffer_append(out, (const char *)&facts, sizeof facts);
  struct hd_cache_set set = {.answers = {NULL, 0, 0}};
  bool fine = true;
  for (size_t i = 0; fine && i < count; i++)
    fine =
        hd_cache_set_add(&set, i, batch->frames + batch->answers[i].first, batch->answers[i].count);
  if (fine)
    hd_cache_file_make(&set, "", out);
  hd_cache_set_deinit(&set);
  return fine && !out->failed;
}

static const char *keep(struct hd_arena *arena, char *text, size_t size)
{
  text[size - 1] = '\0';
  return hd_arena_copy(arena, text, strlen(text));
}

static bool take_facts(struct hd_symbol_batch *batch, struct facts *facts)
{
  struct hd_arena *arena = &batch->arena;
  batch->status = (enum hd_symbol_status)facts->status;
  batch->verified = facts->verified != 0;
  batch->forced = facts->forced != 0;
  batch->file = keep(arena, facts->file, sizeof facts->file);
  batch->debug_file = keep(arena, facts->debug_file, sizeof facts->debug_file);
  batch->found_build_id = keep(arena, facts->found_build_id, sizeof facts->found_build_id);
  batch->reason = keep(arena, facts->reason, sizeof facts->reason);
  return batch->file && batch->debug_file && batch->found_build_id && batch->reason;
}

/* Each frame once, however many answers claim it. */
static bool take_frames(struct hd_symbol_batch *batch, const struct hd_cache_file *file,
                        size_t count)
{
  uint32_t used = 0;
  for (size_t i = 0; i < count; i++) {
    const struct hd_cache_answer *answer = &file->answers[i];
    batch->answers[i] = (struct hd_symbol_answer){answer->first, answer->count};
    if (answer->count && answer->first + answer->count > used)
      used = answer->first + answer->count;
  }
  batch->frames = hd_arena_alloc(&batch->arena, used * sizeof *batch->frames);
  if (!batch->frames)
    return false;
  for (uint32_t i = 0; i < used; i++)
    batch->frames[i] = hd_cache_file_frame(file, i);
  batch->frame_count = used;
  return true;
}

bool hd_batch_unpack(struct hd_symbol_batch *batch, size_t count, const struct hd_buffer *bytes,
                     bool *fine)
{
  struct facts facts;
  struct hd_cache_file file;
  *fine = bytes->length >= sizeof facts;
  if (!*fine)
    return true;
  memcpy(&facts, bytes->data, sizeof facts);
  size_t size = bytes->length - sizeof facts;
  void *copy = hd_arena_alloc(&batch->arena, size); /* the frames' texts are in it */
  if (!copy)
    return false;
  memcpy(copy, bytes->data + sizeof facts, size);
  /* As many answers as were asked for, each with an offset larger than the one before and
   * the last one's the last place: they are all of the places. */
  *fine = facts.status <= HD_SYMBOLS_NOT_A_FILE && hd_cache_file_open(&file, copy, size, "") &&
          file.answer_count == count && (!count || file.answers[count - 1].offset == count - 1);
  if (!*fine)
    return true;
  batch->answers = hd_arena_alloc(&batch->arena, count * sizeof *batch->answers);
  return batch->answers && take_facts(batch, &facts) && take_frames(batch, &file, count);
}
