/* Which functions an address is in: one walk over a unit's DIE tree, which goes
 * down only where a wanted address is. */
#include "symbols/dwarf.h"

#include <dwarf.h>
#include <stdlib.h>

/* Compilers nest blocks and inlined calls some dozens deep. */
enum { MAX_DEPTH = 384 };

struct walk {
  const struct hd_dwarf *dwarf;
  struct hd_wanted *wanted; /* of the unit */
  size_t count;
  struct hd_scopes *scopes;
  HD_VEC(uint32_t) active; /* a stack of spans: addresses that are in the block at hand */
  uint64_t visits_left;
  bool failed; /* memory */
};

/* Addresses active[first .. first+count-1], ascending; positions in wanted. */
struct span {
  size_t first, count;
};

static void walk_children(struct walk *walk, Dwarf_Die *die, struct span span, uint32_t scope,
                          unsigned depth);

/* The next sibling, in place. A damaged file may lead backwards, or in circles:
 * then there is none. */
static bool next_sibling(struct walk *walk, Dwarf_Die *die)
{
  Dwarf_Die next;
  if (walk->failed || walk->visits_left == 0 || dwarf_siblingof(die, &next) != 0 ||
      (uintptr_t)next.addr <= (uintptr_t)die->addr)
    return false;
  walk->visits_left--;
  *die = next;
  return true;
}

static bool first_child(struct walk *walk, Dwarf_Die *die, Dwarf_Die *child)
{
  if (walk->failed || walk->visits_left == 0 || dwarf_child(die, child) != 0)
    return false;
  walk->visits_left--;
  return true;
}

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

/* Ranges of one DIE come in any order and, in damaged files, overlap. */
static size_t sort_unique(uint32_t *items, size_t count)
{
  qsort(items, count, sizeof *items, by_number);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (i == 0 || items[i] != items[kept - 1])
      items[kept++] = items[i];
  return kept;
}

/* Pushes those of `span` that are in the DIE's ranges and still belong to
 * `scope`: where two siblings claim an address, the first one has it. */
static struct span narrow(struct walk *walk, Dwarf_Die *die, struct span span, uint32_t scope)
{
  struct span inner = {walk->active.count, 0};
  ptrdiff_t at = 0;
  Dwarf_Addr base, start, end;
  unsigned ranges = 0;
  while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
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
      if (walk->wanted[index].scope != scope)
        continue;
      if (!hd_vec_push(&walk->active, index)) {
        walk->failed = true;
        return inner;
      }
    }
  }
  inner.count = walk->active.count - inner.first;
  if (ranges > 1 && inner.count > 1) {
    inner.count = sort_unique(walk->active.items + inner.first, inner.count);
    walk->active.count = inner.first + inner.count;
  }
  return inner;
}

/* A function or an inlined copy: its addresses belong to it from now on. */
static uint32_t enter_function(struct walk *walk, Dwarf_Die *die, struct span inner,
                               uint32_t parent)
{
  struct hd_scope scope = {.die = *die, .parent = parent};
  if (!hd_vec_push(&walk->scopes->items, scope)) {
    walk->failed = true;
    return parent;
  }
  uint32_t id = (uint32_t)walk->scopes->items.count;
  for (size_t i = 0; i < inner.count; i++)
    walk->wanted[walk->active.items[inner.first + i]].scope = id;
  return id;
}

static void walk_block(struct walk *walk, Dwarf_Die *die, int tag, struct span span,
                       uint32_t scope, unsigned depth)
{
  size_t top = walk->active.count;
  struct span inner = narrow(walk, die, span, scope);
  if (inner.count > 0 && !walk->failed) {
    if (tag == DW_TAG_subprogram)
      scope = enter_function(walk, die, inner, 0);
    else if (tag == DW_TAG_inlined_subroutine)
      scope = enter_function(walk, die, inner, scope);
    walk_children(walk, die, inner, scope, depth + 1);
  }
  walk->active.count = top;
}

static void walk_children(struct walk *walk, Dwarf_Die *die, struct span span, uint32_t scope,
                          unsigned depth)
{
  Dwarf_Die child;
  if (depth > MAX_DEPTH || !first_child(walk, die, &child))
    return;
  do {
    int tag = dwarf_tag(&child);
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
      walk_children(walk, &child, span, scope, depth + 1);
      break;
    case DW_TAG_subprogram:
    case DW_TAG_inlined_subroutine:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_with_stmt:
      walk_block(walk, &child, tag, span, scope, depth);
      break;
    default: break;
    }
  } while (next_sibling(walk, &child));
}

/* Looks at every DIE: functions inside types and inside other functions are not
 * where the first walk goes. `span` is all that no function was found for. */
static void search(struct walk *walk, Dwarf_Die *die, struct span span, unsigned depth)
{
  Dwarf_Die child;
  if (depth > MAX_DEPTH || !first_child(walk, die, &child))
    return;
  do {
    int tag = dwarf_tag(&child);
    if (tag == DW_TAG_subprogram)
      walk_block(walk, &child, tag, span, 0, depth);
    if (tag != DW_TAG_inlined_subroutine)
      search(walk, &child, span, depth + 1);
  } while (next_sibling(walk, &child));
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

bool hd_dwarf_functions(const struct hd_dwarf *dwarf, struct hd_unit *unit,
                        struct hd_wanted *wanted, size_t count, struct hd_scopes *scopes,
                        struct hd_error *error)
{
  struct walk walk = {.dwarf = dwarf, .wanted = wanted, .count = count, .scopes = scopes};
  struct span span;
  walk.visits_left = unit->size;
  walk.failed = !push_all(&walk, &span, false);
  if (!walk.failed)
    walk_children(&walk, &unit->body, span, 0, 0);
  walk.active.count = 0;
  if (!walk.failed && !push_all(&walk, &span, true))
    walk.failed = true;
  if (!walk.failed && span.count > 0) {
    walk.visits_left = unit->size;
    search(&walk, &unit->body, span, 0);
  }
  hd_vec_deinit(&walk.active);
  return !walk.failed || hd_fail_memory(error);
}
