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

static struct hd_step *fresh_steps(const struct hd_walk *walk, uint32_t limit)
{
  return walk->fresh + limit;
}

void hd_walk_renew(struct hd_walk *walk, uint32_t limit, uint32_t count, uint64_t hash)
{
  struct hd_step *fresh = walk->fresh;
  walk->fresh = walk->steps;
  walk->steps = fresh;
  walk->leaf = fresh + limit;
  walk->end = walk->leaf + count;
  walk->end->sp = UINT64_MAX;
  walk->by_sp = walk->end;
  walk->hash = walk->whole = hash;
}

static uint64_t turn(uint64_t hash, uint32_t by)
{
  return hash << (by & 63) | hash >> (-by & 63);
}

/* Puts fresh steps before what is there from `met` on. Each is given what it would have
 * had before it in the walk from nothing that the others are of. */
static void prepend(struct hd_walk *walk, struct hd_step *met, const struct hd_step *fresh,
                    const struct hd_step *fresh_end)
{
  uint32_t rootward = (uint32_t)(walk->end - met);
  uint64_t hash = walk->whole ^ turn(met->before, rootward);
  walk->by_sp = met > walk->by_sp ? met : walk->by_sp;
  while (fresh_end != fresh) {
    *--met = *--fresh_end;
    hash ^= turn(hd_walk_mix(0, hd_row_frame(met->row)), rootward++);
    met->before = turn(walk->whole ^ hash, -rootward);
  }
  walk->leaf = met;
  walk->hash = hash;
}

static bool goes_by_rbp(const struct hd_step *step)
{
  return hd_row_has(step->row, HD_ROW_BY_RBP);
}

/* One step up. What cannot be told apart from a damaged stack is not decided here. */
static __attribute__((noinline)) enum move move(struct place *place, struct hd_cached_row row,
                                                bool *plain)
{
  unsigned flags = hd_row_flags(row);
  int64_t saved = hd_row_saved(row, HD_CACHED_RBP);
  bool may_switch = flags & HD_ROW_MAY_SWITCH;
  if (hd_row_frame(row) == HD_OWN_FRAME)
    return STUCK;
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
    uint64_t at = below + (uint64_t)(8 * saved);
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

/* Read where it stands, whether or not it is needed: else the compiler makes a jump. */
static inline uint64_t word_at(uint64_t address)
{
  return *(const volatile uint64_t *)(uintptr_t)address;
}

/* How far the stack from here rootward holds what it held in the last walk: up to its end
 * or else to the place that is returned. Another rbp than then matters only where a
 * caller is found by it before it is recovered. */
static inline struct hd_step *unchanged_to(struct hd_walk *walk, struct hd_step *step, uint64_t rbp)
{
  struct hd_step *const end = walk->end, *by_sp = step;
  uint64_t rbp_at = (uintptr_t)&rbp; /* where it is saved, once a frame has */
  for (; step < walk->by_sp; step++) {
    if (goes_by_rbp(step)) {
      if (step->rbp != word_at(rbp_at))
        return step;
      by_sp = step + 1;
    }
    if (step + 1 == end)
      break;
    uint64_t sp = step[1].sp;
    if (word_at(sp - 8) != step[1].pc)
      return step;
    int64_t saved = hd_row_saved(step->row, HD_CACHED_RBP);
    rbp_at = saved ? sp + (uint64_t)(8 * saved) : rbp_at;
  }
  walk->by_sp = by_sp < walk->by_sp ? by_sp : walk->by_sp;
  for (; step + 1 < end; step++)
    if (word_at(step[1].sp - 8) != step[1].pc)
      return step;
  return end;
}

/* The last walk can be met only where all of it lies in the thread's own stack,
 * which cannot have been unmapped since. */
static bool can_be_met(const struct hd_walk *walk, uint32_t generation, uint64_t sp)
{
  return walk->reusable && walk->generation == generation && hd_self.stack_own &&
         walk->end[-1].sp <= hd_self.stack_high && sp >= hd_self.stack_low &&
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

static bool give_up(struct hd_walk *walk)
{
  walk->reusable = false;
  return false;
}

/* What lies beyond is no code, but may look like an address of an earlier generation;
 * `pcs` has the bits of all. */
static bool are_possible(uint64_t pcs)
{
  return pcs < HD_ADDRESS_LIMIT;
}

/* Nothing is to be done where it is the last walk once more. The fresh steps end before
 * `step`. */
static bool finish_met(struct hd_walk *walk, struct hd_step *met, uint32_t limit,
                       const struct hd_step *step, uint64_t pcs, bool plain)
{
  const struct hd_step *fresh = fresh_steps(walk, limit);
  if (HD_UNLIKELY(!are_possible(pcs)))
    return give_up(walk);
  if (step == fresh && met == walk->leaf)
    return true;
  prepend(walk, met, fresh, step);
  return finish(walk, plain, false);
}

static bool finish_anew(struct hd_walk *walk, uint32_t limit, const struct hd_step *step,
                        uint64_t hash, uint64_t pcs, bool reusable, bool truncated)
{
  uint32_t count = (uint32_t)(step - fresh_steps(walk, limit));
  if (HD_UNLIKELY(!are_possible(pcs)))
    return give_up(walk);
  hd_walk_renew(walk, limit, count, hash);
  return finish(walk, reusable && count, truncated);
}

/* Up to where the stack is known to be readable from here, at least a byte. */
static uint64_t readable_end(uint64_t sp)
{
  return sp >= hd_self.stack_low && sp < hd_self.stack_high ? hd_self.stack_high : sp + 1;
}

/* Whether the step is one that nearly all functions have: upwards, to within what is
 * known to be readable, which ends at `high`, with the caller's rbp saved between. */
static inline bool is_plain(struct hd_cached_row row, uint64_t sp, uint64_t cfa, uint64_t saved_at,
                            uint64_t high)
{
  if (HD_UNLIKELY(!hd_row_is_plain(row)))
    return false;
  hd_apart();
  if (HD_UNLIKELY(cfa <= sp))
    return false;
  hd_apart();
  if (HD_UNLIKELY(cfa >= high))
    return false;
  hd_apart();
  if (HD_UNLIKELY(saved_at < sp))
    return false;
  hd_apart();
  return HD_LIKELY(cfa % 8 == 0);
}

/* What the loop carries is in variables of their own, as nothing may have their
 * addresses: they would be written to memory and read back at every step. What differs
 * from function to function is chosen without a jump, which could not be foreseen: where
 * no rbp is saved, the word at the CFA is read instead. */
bool hd_walk_quickly(struct hd_walk *walk, uint32_t limit, const struct hd_entry *entry,
                     uint32_t generation)
{
  uint64_t pc = entry->return_address, sp = hd_entry_sp(entry), rbp = entry->rbp;
  uint64_t hash = 0, pcs = 0, high = hd_self.stack_high, meeting = UINT64_MAX;
  struct hd_step *const fresh = fresh_steps(walk, limit), *const last = fresh + limit;
  struct hd_step *step = fresh, *next = walk->leaf;
  const struct hd_row_cache cache = hd_row_cache_now();
  bool plain = true;
  if (can_be_met(walk, generation, sp))
    meeting = next->sp;
  walk->generation = generation;
  for (;; step++) {
    if (HD_UNLIKELY(sp >= meeting)) {
      while (next->sp < sp)
        next++;
      if (!((next->sp ^ sp) | (next->pc ^ pc))) { /* one jump: neither is foreseen alone */
        struct hd_step *to = unchanged_to(walk, next, rbp);
        if (to == walk->end && step + (walk->end - next) <= last)
          return finish_met(walk, next, limit, step, pcs, plain);
        next = to == walk->end ? next + 1 : to + 1;
      }
      meeting = next->sp;
    }
    if (HD_UNLIKELY(step == last))
      return finish_anew(walk, limit, last, hash, pcs, false, pc != 0);
    struct hd_cached_row row;
    if (HD_UNLIKELY(!hd_row_cache_get(cache, pc - 1, generation, &row)))
      return pc == 0 ? finish_anew(walk, limit, step, hash, pcs, false, false) : give_up(walk);
    *step = (struct hd_step){pc, sp, rbp, hash, row};
    hash = hd_walk_mix(hash, hd_row_frame(row));
    uint64_t cfa = (hd_row_has(row, HD_ROW_BY_RBP) ? rbp : sp) + hd_row_cfa_offset(row);
    int64_t saved = hd_row_saved(row, HD_CACHED_RBP);
    uint64_t saved_at = cfa + (uint64_t)(8 * saved);
    if (is_plain(row, sp, cfa, saved_at, high)) {
      uint64_t there = word_at(saved_at);
      rbp = saved ? there : rbp;
      sp = cfa;
      pc = word_at(cfa - 8);
      pcs |= pc;
      continue;
    }
    struct place place = {pc, sp, rbp};
    enum move moved = move(&place, row, &plain);
    if (moved == ENDED)
      return finish_anew(walk, limit, step + 1, hash, pcs,
                         plain && hd_row_has(row, HD_ROW_OUTERMOST), false);
    if (moved == STUCK)
      return give_up(walk);
    pc = place.pc;
    sp = place.sp;
    rbp = place.rbp;
    high = readable_end(sp);
  }
}
