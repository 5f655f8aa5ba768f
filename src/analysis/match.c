#include "analysis/match.h"

#include <stdlib.h>
#include <string.h>

const char *const hd_match_names[] = {"lines", "order", "functions", "similar", "none"};

void hd_match_pair(const struct hd_matching *matching, uint32_t before, uint32_t after,
                   enum hd_match_level level)
{
  struct hd_match *match = matching->match;
  match->before[after] = before + 1;
  match->after[before] = after + 1;
  match->level[after] = (uint8_t)level;
}

/* A row that has found no partner yet, by what this level goes by. */
struct keyed {
  uint64_t key;
  bool is_after;
  uint32_t row;
  const struct hd_side *side;
};

static uint64_t key_of(const struct hd_side *side, size_t row, bool with_files)
{
  const struct hd_side_row *item = &side->rows.items[row];
  uint64_t key = item->count;
  for (uint32_t i = 0; i < item->count; i++) {
    const struct hd_side_frame *frame =
        hd_side_frame_at(side->frames, side->chain.items[item->first + i]);
    struct {
      uint64_t before;
      uint32_t function, file;
    } parts = {key, frame->function, with_files || !frame->function ? frame->file : 0};
    key = hd_hash(&parts, sizeof parts);
  }
  return key;
}

/* From the root on: an outer line decides before an inner one. */
static int by_lines(const struct keyed *a, const struct keyed *b)
{
  const struct hd_side_row *x = &a->side->rows.items[a->row], *y = &b->side->rows.items[b->row];
  for (uint32_t i = 1; i <= x->count && i <= y->count; i++) {
    uint32_t p = a->side->chain.items[x->first + x->count - i];
    uint32_t q = b->side->chain.items[y->first + y->count - i];
    int32_t m = hd_side_frame_at(a->side->frames, p)->line;
    int32_t n = hd_side_frame_at(b->side->frames, q)->line;
    if (m != n)
      return m < n ? -1 : 1;
  }
  return (a->row > b->row) - (a->row < b->row);
}

static int by_key(const void *left, const void *right)
{
  const struct keyed *a = left, *b = right;
  if (a->key != b->key)
    return a->key < b->key ? -1 : 1;
  if (a->is_after != b->is_after)
    return a->is_after ? 1 : -1;
  return by_lines(a, b);
}

struct keyed_rows {
  HD_VEC(struct keyed) items;
};

static bool collect(struct keyed_rows *rows, const struct hd_side *side, const uint32_t *matched,
                    bool is_after, bool with_files)
{
  for (size_t i = 0; i < side->rows.count; i++) {
    struct keyed keyed = {.is_after = is_after, .row = (uint32_t)i, .side = side};
    if (matched[i])
      continue;
    keyed.key = key_of(side, i, with_files);
    if (!hd_vec_push(&rows->items, keyed))
      return false;
  }
  return true;
}

static bool match_groups(const struct hd_matching *matching, const struct keyed_rows *rows,
                         enum hd_match_level level)
{
  size_t count = rows->items.count;
  HD_SCOPED_FREE uint32_t *numbers = hd_alloc_zeroed(count, sizeof *numbers);
  if (!numbers)
    return false;
  for (size_t i = 0; i < count; i++)
    numbers[i] = rows->items.items[i].row;
  for (size_t i = 0, end; i < count; i = end) {
    size_t middle = i;
    while (middle < count && rows->items.items[middle].key == rows->items.items[i].key &&
           !rows->items.items[middle].is_after)
      middle++;
    for (end = middle; end < count && rows->items.items[end].key == rows->items.items[i].key;)
      end++;
    struct hd_match_rows group = {numbers + i, numbers + middle, middle - i, end - middle};
    if (group.befores && group.afters && !hd_match_align(matching, &group, level))
      return false;
  }
  return true;
}

/* Equal chains but for lines and, without `with_files`, files. */
static bool match_level(const struct hd_matching *matching, bool with_files,
                        enum hd_match_level level)
{
  struct keyed_rows rows = {0};
  bool fine = collect(&rows, matching->before, matching->match->after, false, with_files) &&
              collect(&rows, matching->after, matching->match->before, true, with_files);
  if (fine && rows.items.count)
    qsort(rows.items.items, rows.items.count, sizeof *rows.items.items, by_key);
  fine = fine && match_groups(matching, &rows, level);
  hd_vec_deinit(&rows.items);
  return fine;
}

bool hd_match_sides(const struct hd_side *before, const struct hd_side *after,
                    enum hd_measure measure, struct hd_match *match, struct hd_error *error)
{
  struct hd_matching matching = {before, after, measure, match};
  match->before = hd_alloc_zeroed(after->rows.count, sizeof *match->before);
  match->after = hd_alloc_zeroed(before->rows.count, sizeof *match->after);
  match->level = hd_alloc_zeroed(after->rows.count, sizeof *match->level);
  if (match->level)
    memset(match->level, HD_MATCH_NONE, after->rows.count);
  if (match->before && match->after && match->level &&
      match_level(&matching, true, HD_MATCH_ORDER) &&
      match_level(&matching, false, HD_MATCH_FUNCTIONS) && hd_match_similar(&matching))
    return true;
  hd_match_deinit(match);
  return hd_fail_memory(error);
}

void hd_match_deinit(struct hd_match *match)
{
  hd_free(match->before);
  hd_free(match->after);
  hd_free(match->level);
  *match = (struct hd_match){0};
}
