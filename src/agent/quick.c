#include "quick.h"

#include "intern.h"
#include "memory.h"
#include "row_cache.h"
#include "stack_memory.h"

/* Where the walk is: the address after a call, and its caller's sp and rbp. */
struct place {
  uint64_t pc, sp, rbp;
};

enum move { MOVED, ENDED, STUCK };

bool hd_walk_init(struct hd_walk *walk, uint32_t limit)
{
  walk->steps = hd_map(2 * (size_t)limit * sizeof *walk->steps);
  walk->fresh = walk->steps ? walk->steps + limit : NULL;
  return walk->steps;
}

/* The hash goes from the root to the leaf, so that it can be kept with each step;
 * and whether rbp matters is known from there. */
void hd_walk_settle(struct hd_walk *walk, uint32_t kept, uint32_t count)
{
  uint64_t hash = kept ? walk->steps[kept - 1].hash : walk->truncated;
  bool needs_rbp = kept ? walk->steps[kept - 1].needs_rbp : false;
  for (uint32_t i = 0; i < count; i++) {
    struct hd_step *step = &walk->steps[kept + i];
    *step = walk->fresh[count - 1 - i];
    hash = hd_mix(hash, step->frame);
    step->hash = hash;
    needs_rbp = step->by_rbp || (!step->rbp_saved && needs_rbp);
    step->needs_rbp = needs_rbp;
  }
  walk->count = kept + count;
}

/* One step up. What cannot be told apart from a damaged stack is not decided here. */
static __attribute__((noinline)) enum move move(struct place *place, struct hd_cached_row row,
                                                struct hd_step *step, bool *plain)
{
  unsigned flags = hd_row_flags(row), saved = hd_row_saved(row, HD_CACHED_RBP);
  bool may_switch = flags & HD_ROW_MAY_SWITCH;
  if ((flags & HD_ROW_OUTERMOST) || (may_switch && place->rbp == 0))
    return ENDED;
  if (flags & HD_ROW_BY_OTHER)
    return STUCK;
  uint64_t base = step->by_rbp ? place->rbp : place->sp;
  uint64_t cfa = base + hd_row_cfa_offset(row), below = cfa, old_sp = place->sp;
  if (flags & HD_ROW_REALIGNED) {
    below = base + 8;
    if (!hd_stack_read(cfa, &cfa))
      return STUCK;
  }
  *plain &= !(flags & (HD_ROW_REALIGNED | HD_ROW_MAY_SWITCH));
  if (!hd_stack_read(cfa - 8, &place->pc))
    return STUCK;
  if (saved) {
    uint64_t at = below - 8u * saved;
    if (!hd_stack_read(at, &place->rbp))
      return STUCK;
    step->rbp_saved = (const uint64_t *)(uintptr_t)at;
    *plain &= at >= old_sp;
  }
  place->sp = cfa;
  if (place->pc == 0)
    return ENDED;
  bool upwards = may_switch || (cfa > old_sp && cfa % 8 == 0);
  return place->pc < HD_ADDRESS_LIMIT && cfa < HD_ADDRESS_LIMIT && upwards ? MOVED : STUCK;
}

/* The same for the rows that nearly all functions have, within what is known to be
 * readable; false, with nothing done, for others. */
static inline bool move_plainly(struct place *place, struct hd_cached_row row, struct hd_step *step)
{
  if (hd_row_flags(row) & ~HD_ROW_BY_RBP)
    return false;
  uint64_t base = step->by_rbp ? place->rbp : place->sp;
  uint64_t cfa = base + hd_row_cfa_offset(row);
  uint64_t at = cfa - 8u * hd_row_saved(row, HD_CACHED_RBP);
  if (cfa <= place->sp || at < place->sp || cfa % 8 || cfa > hd_self.stack_high ||
      place->sp < hd_self.stack_low)
    return false;
  uint64_t pc = *(const uint64_t *)(uintptr_t)(cfa - 8);
  if (pc - 1 >= HD_ADDRESS_LIMIT - 1)
    return false;
  if (at != cfa) {
    step->rbp_saved = (const uint64_t *)(uintptr_t)at;
    place->rbp = *step->rbp_saved;
  }
  place->sp = cfa;
  place->pc = pc;
  return true;
}

/* Whether the stack from the last walk's step `from` (counted from 1) rootward
 * holds what it held then; if not, the step up to which it may. */
static bool is_unchanged(const struct hd_walk *walk, uint32_t from, uint32_t *until)
{
  const struct hd_step *step = &walk->steps[from - 1];
  for (; step > walk->steps; step--) {
    const struct hd_step *caller = step - 1;
    if (*(const uint64_t *)(uintptr_t)(caller->sp - 8) != caller->pc)
      break;
    if (caller->needs_rbp && step->rbp_saved && *step->rbp_saved != caller->rbp)
      break;
  }
  *until = (uint32_t)(step - walk->steps);
  return step == walk->steps;
}

/* The number of the last walk's steps, root first, that this place is the last of;
 * 0 where it is none. `*next` is where to look, rootward from call to call. */
static inline uint32_t meet(const struct hd_walk *walk, const struct place *place, uint32_t *next)
{
  uint32_t i = *next;
  while (i && walk->steps[i - 1].sp < place->sp)
    i--;
  *next = i;
  if (!i)
    return 0;
  const struct hd_step *step = &walk->steps[i - 1];
  if (step->sp != place->sp || step->pc != place->pc ||
      (step->needs_rbp && step->rbp != place->rbp))
    return 0;
  return is_unchanged(walk, i, next) ? i : 0;
}

/* The last walk can be met only where all of it lies in the thread's own stack,
 * which cannot have been unmapped since. */
static bool can_be_met(const struct hd_walk *walk, uint32_t generation, uint64_t sp)
{
  return walk->reusable && walk->generation == generation && walk->count && hd_self.stack_own &&
         walk->steps[0].sp <= hd_self.stack_high && sp >= hd_self.stack_low &&
         sp < hd_self.stack_high;
}

static bool finish(struct hd_walk *walk, uint32_t kept, uint32_t count, bool plain, bool truncated)
{
  if (count == 0 && kept == walk->count)
    return true; /* the last walk once more */
  walk->reusable = plain && !truncated;
  walk->truncated = truncated;
  walk->failed = false;
  walk->stack = 0;
  hd_walk_settle(walk, kept, count);
  return true;
}

bool hd_walk_quickly(struct hd_walk *walk, uint32_t limit, const struct hd_entry *entry,
                     uint32_t generation)
{
  struct place place = {entry->return_address, hd_entry_sp(entry), entry->rbp};
  uint32_t next = can_be_met(walk, generation, place.sp) ? walk->count : 0, count = 0;
  bool plain = true;
  walk->generation = generation;
  for (;;) {
    uint32_t met = next ? meet(walk, &place, &next) : 0;
    if (met && met + count <= limit)
      return finish(walk, met, count, plain, false);
    if (count == limit)
      return finish(walk, 0, count, plain, true);
    struct hd_cached_row row;
    if (!hd_row_cache_get(place.pc - 1, generation, &row) || hd_row_frame(row) == HD_OWN_FRAME)
      break;
    struct hd_step *step = &walk->fresh[count++];
    step->pc = place.pc;
    step->sp = place.sp;
    step->rbp = place.rbp;
    step->rbp_saved = NULL;
    step->frame = hd_row_frame(row);
    step->by_rbp = hd_row_flags(row) & HD_ROW_BY_RBP;
    if (HD_LIKELY(move_plainly(&place, row, step)))
      continue;
    enum move moved = move(&place, row, step, &plain);
    if (moved == ENDED)
      return finish(walk, 0, count, plain && (hd_row_flags(row) & HD_ROW_OUTERMOST), false);
    if (moved == STUCK)
      break;
  }
  walk->reusable = false;
  return false;
}
