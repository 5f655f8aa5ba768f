#include "quick.h"

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
  void *room = hd_map(hd_walk_room(limit));
  if (room)
    hd_walk_place(walk, room, limit);
  return room;
}

void hd_walk_renew(struct hd_walk *walk, uint32_t limit, uint32_t count, uint64_t hash)
{
  struct hd_step *fresh = walk->fresh;
  walk->fresh = walk->steps;
  walk->steps = fresh;
  walk->leaf = limit;
  walk->end = limit + count;
  walk->hash = walk->whole = hash;
}

static uint64_t turn(uint64_t hash, uint32_t by)
{
  return hash << (by & 63) | hash >> (-by & 63);
}

/* The hash of what is rootward of and at this place. */
static uint64_t hash_from(const struct hd_walk *walk, uint32_t place)
{
  return walk->whole ^ turn(walk->steps[place].before, walk->end - place);
}

/* Puts `count` fresh steps before what is there from `met` on. Each is given what it
 * would have had before it in the walk from nothing that the others are of. */
static void prepend(struct hd_walk *walk, uint32_t met, const struct hd_step *fresh, uint32_t count)
{
  uint64_t hash = hash_from(walk, met);
  for (uint32_t i = count; i-- > 0;) {
    uint32_t place = met - (count - i), rootward = walk->end - place;
    struct hd_step *step = &walk->steps[place];
    *step = fresh[i];
    hash ^= turn(hd_walk_mix(0, step->frame), rootward - 1);
    step->before = turn(walk->whole ^ hash, -rootward);
  }
  walk->leaf = met - count;
  walk->hash = hash;
}

static bool goes_by_rbp(const struct hd_step *step)
{
  return step->rule >> 8 & HD_ROW_BY_RBP;
}

/* One step up. What cannot be told apart from a damaged stack is not decided here. */
static __attribute__((noinline)) enum move move(struct place *place, struct hd_cached_row row,
                                                bool *plain)
{
  unsigned flags = hd_row_flags(row), saved = hd_row_saved(row, HD_CACHED_RBP);
  bool may_switch = flags & HD_ROW_MAY_SWITCH;
  if ((flags & HD_ROW_OUTERMOST) || (may_switch && place->rbp == 0))
    return ENDED;
  if (flags & HD_ROW_BY_OTHER)
    return STUCK;
  uint64_t base = flags & HD_ROW_BY_RBP ? place->rbp : place->sp;
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
    *plain &= at >= old_sp;
  }
  place->sp = cfa;
  if (place->pc == 0)
    return ENDED;
  bool upwards = may_switch || (cfa > old_sp && cfa % 8 == 0);
  return place->pc < HD_ADDRESS_LIMIT && cfa < HD_ADDRESS_LIMIT && upwards ? MOVED : STUCK;
}

static uint64_t word_at(uint64_t address)
{
  return *(const uint64_t *)(uintptr_t)address;
}

/* In a step's rule: how many words below its caller's stack a frame has saved the
 * caller's rbp, 0 where it is still in the register. */
enum { SAVED_RBP_SHIFT = 16 + 8 * HD_CACHED_RBP };

static uint64_t rbp_saved_by(const struct hd_step *step)
{
  return word_at(step[1].sp - 8u * (step->rule >> SAVED_RBP_SHIFT));
}

/* Whether the stack from here rootward holds what it held in the last walk; if not,
 * `*until` is the place up to which it may. Another rbp than then matters only where a
 * caller is found by it before it is recovered. */
static bool is_unchanged(const struct hd_walk *walk, uint32_t from, uint64_t rbp, uint32_t *until)
{
  const struct hd_step *step = &walk->steps[from], *last = &walk->steps[walk->end - 1];
  const struct hd_step *saver = NULL; /* the last that has saved its caller's */
  for (;; step++) {
    if (goes_by_rbp(step) && step->rbp != (saver ? rbp_saved_by(saver) : rbp))
      break;
    if (step == last)
      return true;
    if (word_at(step[1].sp - 8) != step[1].pc)
      break;
    if (step->rule >> SAVED_RBP_SHIFT)
      saver = step;
  }
  *until = (uint32_t)(step - walk->steps) + 1;
  return false;
}

/* Whether the last walk was in this place, and will be so again up to the root.
 * `*next` is where to look, rootward from call to call, and where it was. */
static inline bool meets(const struct hd_walk *walk, uint64_t pc, uint64_t sp, uint64_t rbp,
                         uint32_t *next)
{
  uint32_t i = *next;
  while (i < walk->end && walk->steps[i].sp < sp)
    i++;
  *next = i;
  return i < walk->end && walk->steps[i].sp == sp && walk->steps[i].pc == pc &&
         is_unchanged(walk, i, rbp, next);
}

/* The last walk can be met only where all of it lies in the thread's own stack,
 * which cannot have been unmapped since. */
static bool can_be_met(const struct hd_walk *walk, uint32_t generation, uint64_t sp)
{
  return walk->reusable && walk->generation == generation && hd_self.stack_own &&
         walk->steps[walk->end - 1].sp <= hd_self.stack_high && sp >= hd_self.stack_low &&
         sp < hd_self.stack_high;
}

static bool finish(struct hd_walk *walk, bool reusable, bool truncated)
{
  walk->reusable = reusable;
  walk->truncated = truncated;
  walk->failed = false;
  walk->stack = 0;
  return true;
}

/* Nothing is to be done where it is the last walk once more. */
static bool finish_at(struct hd_walk *walk, uint32_t met, uint32_t limit, uint32_t count,
                      bool plain)
{
  if (count == 0 && met == walk->leaf)
    return true;
  prepend(walk, met, walk->fresh + limit, count);
  return finish(walk, plain, false);
}

static bool finish_anew(struct hd_walk *walk, uint32_t limit, uint32_t count, uint64_t hash,
                        bool reusable, bool truncated)
{
  hd_walk_renew(walk, limit, count, hash);
  return finish(walk, reusable && count, truncated);
}

/* Whether the step is one that nearly all functions have: upwards, to within what is
 * known to be readable, which ends at `high`, with the caller's rbp saved between. */
static inline bool is_plain(struct hd_cached_row row, uint64_t sp, uint64_t cfa, uint64_t high)
{
  uint64_t size = cfa - sp;
  return !(hd_row_flags(row) & ~HD_ROW_BY_RBP) && size - 1 < high - sp - 1 && size % 8 == 0 &&
         8 * hd_row_saved(row, HD_CACHED_RBP) <= size &&
         word_at(cfa - 8) - 1 < HD_ADDRESS_LIMIT - 1;
}

/* What the loop carries is in variables of their own, as nothing may have their
 * addresses: they would be written to memory and read back at every step. What differs
 * from function to function is chosen without a jump, which could not be foreseen. */
bool hd_walk_quickly(struct hd_walk *walk, uint32_t limit, const struct hd_entry *entry,
                     uint32_t generation)
{
  uint64_t pc = entry->return_address, sp = hd_entry_sp(entry), rbp = entry->rbp, hash = 0;
  uint64_t high = hd_self.stack_high;
  uint32_t next = can_be_met(walk, generation, sp) ? walk->leaf : walk->end, count = 0;
  struct hd_step *fresh = walk->fresh + limit;
  bool plain = true;
  walk->generation = generation;
  for (;; count++) {
    if (next < walk->end && meets(walk, pc, sp, rbp, &next) && walk->end - next + count <= limit)
      return finish_at(walk, next, limit, count, plain);
    if (count == limit)
      return finish_anew(walk, limit, count, hash, false, true);
    struct hd_cached_row row;
    if (!hd_row_cache_get(pc - 1, generation, &row))
      break;
    fresh[count] = (struct hd_step){pc, sp, rbp, hash, hd_row_frame(row), (uint32_t)row.second};
    hash = hd_walk_mix(hash, hd_row_frame(row));
    uint64_t cfa = (hd_row_flags(row) & HD_ROW_BY_RBP ? rbp : sp) + hd_row_cfa_offset(row);
    if (HD_LIKELY(is_plain(row, sp, cfa, high))) {
      unsigned saved = hd_row_saved(row, HD_CACHED_RBP);
      uint64_t there = word_at(cfa - 8u * saved);
      rbp = saved ? there : rbp;
      sp = cfa;
      pc = word_at(cfa - 8);
      continue;
    }
    if (hd_row_frame(row) == HD_OWN_FRAME)
      break;
    struct place place = {pc, sp, rbp};
    enum move moved = move(&place, row, &plain);
    if (moved == ENDED)
      return finish_anew(walk, limit, count + 1, hash,
                         plain && (hd_row_flags(row) & HD_ROW_OUTERMOST), false);
    if (moved == STUCK)
      break;
    pc = place.pc;
    sp = place.sp;
    rbp = place.rbp;
    high = sp >= hd_self.stack_low && sp < hd_self.stack_high ? hd_self.stack_high : sp + 1;
  }
  walk->reusable = false;
  return false;
}
