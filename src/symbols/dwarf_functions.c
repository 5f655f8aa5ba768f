/* Which functions an address is in: one walk over a unit's DIE tree, which goes
 * down only where a wanted address is. */
#include "symbols/dwarf.h"

#include <stdlib.h>

/* Compilers nest blocks and inlined calls some dozens deep. */
enum { MAX_DEPTH = 384 };

struct walk {
  const struct hd_dwarf *dwarf;
  struct hd_wanted *wanted; /* of the unit */
  size_t count;
  struct hd_scopes *scopes;
  HD_VEC(uint32_t) active; /* a stack of spans: addresses that are in the block at hand */
  struct hd_walker dies;
  size_t unclaimed;     /* addresses that are in no function yet */
  uint64_t ranges_left; /* that may yet be read, and addresses found in them */
  bool failed; /* memory */
};

/* Addresses active[first .. first+count-1], ascending; positions in wanted. */
struct span {
  size_t first, count;
};

static size_t lower_bound(const struct walk *walk, struct span span, uint64_t address)
{
  size_t low = span.first, high = span.first + span.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (walk->wanted[walk->active.items[middle]].address < address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static int by_number(const void *a, const void *b)
{
  const uint32_t *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* Ranges of one DIE come in any order and, in damaged files, overlap: sorts what was pushed
 * from `first` on, and returns how many are left. */
static size_t drop_repeats(struct walk *walk, size_t first)
{
  uint32_t *items = walk->active.items + first;
  size_t count = walk->active.count - first;
  qsort(items, count, sizeof *items, by_number);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (i == 0 || items[i] != items[kept - 1])
      items[kept++] = items[i];
  walk->active.count = first + kept;
  return kept;
}

/* Pushes those of `span` that are in the DIE's ranges and still belong to
 * `scope`: where two siblings claim an address, the first one has it. */
static struct span narrow(struct walk *walk, const struct hd_die *die, struct span span,
                          uint32_t scope)
{
  struct span inner = {walk->active.count, 0};
  struct hd_ranges list;
  uint64_t start, end;
  unsigned ranges = 0;
  hd_ranges_start(&list, die->unit, &die->low, &die->high, &die->ranges);
  while (walk->ranges_left > 0 && hd_ranges_next(&list, &start, &end)) {
    walk->ranges_left--;
    if (walk->active.count - inner.first > span.count)
      drop_repeats(walk, inner.first);
    if (start >= end)
      continue;
    size_t i = lower_bound(walk, span, start), last = span.first + span.count;
    if (i == last || walk->wanted[walk->active.items[i]].address >= end ||
        !hd_elf_executable(walk->dwarf->code, start))
      continue;
    ranges++;
    for (; i < last; i++) {
      uint32_t index = walk->active.items[i];
      if (walk->wanted[index].address >= end)
        break;
      walk->ranges_left -= walk->ranges_left > 0;
      if (walk->wanted[index].scope != scope)
        continue;
      if (!hd_vec_push(&walk->active, index)) {
        walk->failed = true;
        return inner;
      }
    }
  }
  inner.count = walk->active.count - inner.first;
  if (ranges > 1 && inner.count > 1)
    inner.count = drop_repeats(walk, inner.first);
  return inner;
}

/* A function or an inlined copy: its addresses belong to it from now on. */
static uint32_t enter_function(struct walk *walk, const struct hd_die *die, struct span inner,
                               uint32_t parent)
{
  struct hd_scope scope = {.die = *die, .parent = parent, .function = ""};
  if (!hd_vec_push(&walk->scopes->items, scope)) {
    walk->failed = true;
    return parent;
  }
  uint32_t id = (uint32_t)walk->scopes->items.count;
  for (size_t i = 0; i < inner.count; i++) {
    uint32_t *owner = &walk->wanted[walk->active.items[inner.first + i]].scope;
    walk->unclaimed -= *owner == 0;
    *owner = id;
  }
  return id;
}

static bool is_function(const struct hd_die *die)
{
  return die->abbrev->kind == HD_DIE_FUNCTION || die->abbrev->kind == HD_DIE_INLINED;
}

static void walk_children(struct walk *walk, struct span span, uint32_t scope, unsigned depth);

/* Reads the DIE's children or, where no wanted address is in it, passes them over. */
static void walk_block(struct walk *walk, const struct hd_die *die, struct span span,
                       uint32_t scope, unsigned depth)
{
  size_t top = walk->active.count;
  struct span inner = {0};
  if (die->abbrev->has_code)
    inner = narrow(walk, die, span, scope);
  if (inner.count > 0 && !walk->failed && is_function(die))
    scope = enter_function(walk, die, inner, die->abbrev->kind == HD_DIE_INLINED ? scope : 0);
  if (inner.count > 0 && die->abbrev->children && depth < MAX_DEPTH)
    walk_children(walk, inner, scope, depth + 1);
  else
    hd_walker_skip_children(&walk->dies, die);
  walk->active.count = top;
}

/* Whether there is nothing left to look for: functions do not lie within each other's
 * code, so only the blocks of the one at hand (`scope`) can still matter. */
static bool is_done(const struct walk *walk, uint32_t scope)
{
  return walk->failed || (scope == 0 && walk->unclaimed == 0);
}

/* Reads a list of children to its end. */
static void walk_children(struct walk *walk, struct span span, uint32_t scope, unsigned depth)
{
  struct hd_die die;
  while (!is_done(walk, scope) && hd_walker_next(&walk->dies, &die)) {
    if (die.abbrev->kind == HD_DIE_OTHER)
      hd_walker_skip_children(&walk->dies, &die);
    else if (die.abbrev->kind != HD_DIE_NAMESPACE)
      walk_block(walk, &die, span, scope, depth);
    else if (die.abbrev->children && depth < MAX_DEPTH)
      walk_children(walk, span, scope, depth + 1);
    else
      hd_walker_skip_children(&walk->dies, &die);
  }
}

/* Looks at every DIE: functions inside types and inside other functions are not
 * where the first walk goes. `span` is all that no function was found for. */
static void search(struct walk *walk, struct span span)
{
  struct hd_die die;
  for (uint64_t depth = 1; depth > 0 && !is_done(walk, 0);) {
    if (!hd_walker_next(&walk->dies, &die)) {
      if (walk->dies.bytes.failed || walk->dies.bytes.at == walk->dies.bytes.end)
        return;
      depth--;
      continue;
    }
    struct hd_walker inside = walk->dies;
    if (die.abbrev->kind == HD_DIE_FUNCTION)
      walk_block(walk, &die, span, 0, 0);
    inside.work_left = walk->dies.work_left;
    walk->dies = inside; /* once more, for the functions within */
    depth += die.abbrev->children;
  }
}

static bool push_all(struct walk *walk, struct span *span, bool only_unknown)
{
  *span = (struct span){walk->active.count, 0};
  for (size_t i = 0; i < walk->count; i++) {
    if (only_unknown && walk->wanted[i].scope)
      continue;
    if (!hd_vec_push(&walk->active, (uint32_t)i))
      return false;
  }
  span->count = walk->active.count - span->first;
  return true;
}

/* Goes to the children of the unit's first DIE. A DIE takes a byte at least, so that the
 * unit's size bounds the work. */
static bool start(struct walk *walk, struct hd_unit *unit)
{
  struct hd_die die;
  uint64_t size = unit->end - unit->offset;
  return hd_walker_start(&walk->dies, unit, unit->die_offset, size) &&
         hd_walker_next(&walk->dies, &die) && die.abbrev->children;
}

/* Ranges and addresses in them: an intact file has each range once, and each address once a
 * level. */
static uint64_t most_ranges(const struct hd_unit *unit, size_t addresses)
{
  enum { LEVELS = 64 };
  const struct hd_unit *owner = unit->skeleton ? unit->skeleton : unit;
  return unit->end - unit->offset + owner->file->sections.ranges.size +
         unit->file->sections.rnglists.size + LEVELS * (uint64_t)addresses;
}

bool hd_dwarf_functions(const struct hd_dwarf *dwarf, struct hd_unit *unit,
                        struct hd_wanted *wanted, size_t count, struct hd_scopes *scopes,
                        struct hd_error *error)
{
  struct walk walk = {.dwarf = dwarf, .wanted = wanted, .count = count, .scopes = scopes};
  struct span span;
  walk.unclaimed = count;
  walk.ranges_left = most_ranges(unit, count);
  walk.failed = !push_all(&walk, &span, false);
  if (!walk.failed && start(&walk, unit))
    walk_children(&walk, span, 0, 0);
  walk.active.count = 0;
  if (!walk.failed && !push_all(&walk, &span, true))
    walk.failed = true;
  if (!walk.failed && span.count > 0 && start(&walk, unit))
    search(&walk, span);
  hd_vec_deinit(&walk.active);
  return (!walk.failed && !unit->file->no_memory) || hd_fail_memory(error);
}
