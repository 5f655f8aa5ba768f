/* What functions are called. Most have a linkage name. GCC gives none to C++
 * functions that other units cannot see (static ones, lambdas, all that is in an
 * anonymous namespace or in a local class): those are named by their place in the
 * DIE tree, "ns::{lambda(int)}::operator()", as the demangler would. */
#include "symbols/demangle.h"
#include "symbols/dwarf.h"
#include "symbols/symbols.h"

#include "base/index.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAX_DEPTH = 128,
  MAX_REFERENCES = 16,
  MAX_ENCLOSING = 8, /* functions around a local class around a function ... */
  MAX_VISITS_ELSEWHERE = 1 << 20,
  LOOK_AT_CLOCK = 1 << 10, /* scopes between two looks */
};

/* What is known of a function, whichever of its copies is asked about. */
struct named {
  const struct hd_unit *unit; /* of the DIE that the copies have in common */
  uint64_t offset;
  const char *function;
  uint32_t start_line;
  bool linked;               /* it has a linkage name */
  struct hd_die declaration; /* where it was declared */
};

/* A function without linkage name, where it was declared. */
struct target {
  struct hd_die declaration;
  const char **function; /* where the name goes */
};

struct naming {
  struct hd_texts *texts;
  HD_VEC(struct named) named;
  struct hd_index index; /* of them, by unit and offset */
  uint64_t visits_left;
  unsigned enclosing;
  bool failed; /* memory */
};

/* What a DIE and those that it stems from say together. */
struct description {
  const char *linkage, *name;
  uint32_t line;
  struct hd_die declaration; /* the last of them: its place in the tree is the source's */
};

static void describe(const struct hd_die *die, struct description *description)
{
  *description = (struct description){.declaration = *die};
  for (unsigned i = 0; i < MAX_REFERENCES; i++) {
    struct hd_raw values[HD_SLOTS];
    struct hd_die *at = &description->declaration, next;
    hd_die_read(at, values);
    if (!description->linkage)
      description->linkage = hd_raw_text(at->unit, &values[HD_SLOT_LINKAGE_NAME]);
    if (!description->name)
      description->name = hd_raw_text(at->unit, &values[HD_SLOT_NAME]);
    if (!description->line)
      description->line = hd_raw_line(&values[HD_SLOT_DECL_LINE]);
    const struct hd_raw *origin = &values[HD_SLOT_ORIGIN];
    if (!origin->form)
      origin = &values[HD_SLOT_SPECIFICATION];
    if (!origin->form || !hd_die_follow(at->unit, origin, &next))
      return;
    *at = next;
  }
}

static const char *own_name(const struct hd_die *die)
{
  struct hd_raw values[HD_SLOTS];
  hd_die_read(die, values);
  return hd_raw_text(die->unit, &values[HD_SLOT_NAME]);
}

/* "prefix::name", kept; NULL when memory is short. */
static const char *join(struct naming *naming, const char *prefix, const char *name)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  hd_buffer_puts(&text, prefix);
  if (prefix[0])
    hd_buffer_puts(&text, "::");
  hd_buffer_puts(&text, name);
  const char *kept = text.failed ? NULL : hd_texts_keep(naming->texts, hd_buffer_text(&text));
  hd_buffer_deinit(&text);
  naming->failed |= !kept;
  return kept;
}

/* Template arguments are left out, as hd_demangle does; GCC writes "<lambda(int)>"
 * for what the demangler calls {lambda(int)#1}. */
static const char *join_short(struct naming *naming, const char *prefix, const char *name)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  size_t length = strlen(name);
  bool lambda = strncmp(name, "<lambda", 7) == 0 && name[length - 1] == '>';
  bool fine = true;
  if (lambda) {
    hd_buffer_puts(&text, "{");
    hd_buffer_append(&text, name + 1, length - 2);
    hd_buffer_puts(&text, "}");
  } else {
    fine = hd_shorten_cxx(name, &text);
  }
  naming->failed |= text.failed;
  const char *joined = join(naming, prefix, fine ? hd_buffer_text(&text) : name);
  hd_buffer_deinit(&text);
  return joined;
}

static void find_in_unit(struct naming *naming, struct target *targets, size_t count);

/* The name of a function around others. One that is declared in another place of
 * the tree (a member, defined outside its class) is named by that. */
static const char *enclosing_name(struct naming *naming, const struct hd_die *die,
                                  const char *prefix)
{
  struct description description;
  describe(die, &description);
  if (description.linkage) {
    prefix = hd_demangle(naming->texts->arena, description.linkage, false);
    naming->failed |= !prefix;
    return prefix;
  }
  if (!description.name)
    return prefix;
  bool here = description.declaration.unit == die->unit &&
              description.declaration.offset == die->offset;
  if (here || naming->enclosing >= MAX_ENCLOSING)
    return join_short(naming, prefix, description.name);
  prefix = description.name;
  struct target target = {description.declaration, &prefix};
  naming->enclosing++;
  find_in_unit(naming, &target, 1);
  naming->enclosing--;
  return prefix;
}

/* GCC's closure types have no name of their own. `walker` is before their children. */
static bool is_closure(struct hd_walker *walker, const struct hd_die *die)
{
  struct hd_walker inside = *walker;
  struct hd_die child;
  bool found = false;
  while (die->abbrev->children && !found && hd_walker_next(&inside, &child)) {
    const char *name = child.abbrev->kind == HD_DIE_FUNCTION ? own_name(&child) : NULL;
    found = name && strcmp(name, "operator()") == 0;
    hd_walker_skip_children(&inside, &child);
  }
  walker->work_left = inside.work_left;
  return found;
}

static const char *class_name(struct naming *naming, struct hd_walker *walker,
                              const struct hd_die *die, const char *prefix)
{
  struct description description;
  describe(die, &description);
  if (description.name)
    return join_short(naming, prefix, description.name);
  return join(naming, prefix, is_closure(walker, die) ? "{lambda}" : "{unnamed type}");
}

/* What a DIE makes of the prefix of the names inside. */
static const char *inner_prefix(struct naming *naming, struct hd_walker *walker,
                                const struct hd_die *die, const char *prefix)
{
  struct description description;
  switch (die->abbrev->tag) {
  case DW_TAG_namespace:
    describe(die, &description);
    return join(naming, prefix, description.name ? description.name : "(anonymous namespace)");
  case DW_TAG_class_type:
  case DW_TAG_structure_type:
  case DW_TAG_union_type: return class_name(naming, walker, die, prefix);
  case DW_TAG_subprogram: return enclosing_name(naming, die, prefix);
  default: return prefix;
  }
}

static void name_target(struct naming *naming, struct target *target, const char *prefix)
{
  struct description description;
  describe(&target->declaration, &description);
  if (description.name)
    *target->function = join_short(naming, prefix, description.name);
}

/* Where the DIE's last child ends: `walker` is before the first. */
static uint64_t end_of(struct hd_walker *walker, const struct hd_die *die)
{
  struct hd_walker inside = *walker;
  hd_walker_skip_children(&inside, die);
  walker->work_left = inside.work_left;
  return (uint64_t)(inside.bytes.at - die->unit->file->sections.info.data);
}

/* Names targets[first .. last-1], which are in the list of children that the walker is at:
 * a DIE's children lie between it and its sibling. Reads the list to its end, or until all
 * have been named. */
static void find_targets(struct naming *naming, struct hd_walker *walker, struct target *targets,
                         size_t first, size_t last, const char *prefix, unsigned depth)
{
  struct hd_die die;
  while (first < last && !naming->failed && hd_walker_next(walker, &die)) {
    for (; first < last && targets[first].declaration.offset <= die.offset; first++)
      if (targets[first].declaration.offset == die.offset)
        name_target(naming, &targets[first], prefix);
    uint64_t end = end_of(walker, &die);
    size_t inside = first;
    while (first < last && targets[first].declaration.offset < end)
      first++;
    struct hd_walker next = *walker;
    next.bytes.at = die.unit->file->sections.info.data + end;
    if (first > inside && depth < MAX_DEPTH) {
      const char *inner = inner_prefix(naming, walker, &die, prefix);
      if (!naming->failed)
        find_targets(naming, walker, targets, inside, first, inner, depth + 1);
    }
    next.work_left = walker->work_left;
    *walker = next;
  }
}

static int by_place(const void *a, const void *b)
{
  const struct target *x = a, *y = b;
  if (x->declaration.unit != y->declaration.unit)
    return (uintptr_t)x->declaration.unit < (uintptr_t)y->declaration.unit ? -1 : 1;
  if (x->declaration.offset != y->declaration.offset)
    return x->declaration.offset < y->declaration.offset ? -1 : 1;
  return 0;
}

/* All of one unit, by offset. */
static void find_in_unit(struct naming *naming, struct target *targets, size_t count)
{
  struct hd_unit *unit = (struct hd_unit *)(uintptr_t)targets[0].declaration.unit;
  struct hd_walker walker;
  struct hd_die die;
  if (!hd_walker_start(&walker, unit, unit->die_offset, naming->visits_left))
    return;
  if (hd_walker_next(&walker, &die) && die.abbrev->children)
    find_targets(naming, &walker, targets, 0, count, "", 0);
  naming->visits_left = walker.work_left;
}

static void find_all(struct naming *naming, struct target *targets, size_t count)
{
  if (count)
    qsort(targets, count, sizeof *targets, by_place);
  size_t first = 0;
  while (first < count && !naming->failed) {
    size_t last = first + 1;
    while (last < count && targets[last].declaration.unit == targets[first].declaration.unit)
      last++;
    find_in_unit(naming, targets + first, last - first);
    first = last;
  }
}

/* --- the scopes of a unit */

static bool is_named(const void *context, uint32_t id, const void *key)
{
  const struct naming *naming = context;
  const struct hd_die *die = key;
  const struct named *named = &naming->named.items[id - 1];
  return named->offset == die->offset && named->unit == die->unit;
}

/* What a DIE says, as a number (from 1) in naming->named; 0 when memory is short. */
static uint32_t name_die(struct naming *naming, const struct hd_die *die)
{
  struct {
    const struct hd_unit *unit;
    uint64_t offset;
  } key = {die->unit, die->offset};
  uint64_t hash = hd_hash(&key, sizeof key);
  uint32_t id = hd_index_find(&naming->index, hash, is_named, naming, die);
  if (id)
    return id;
  struct description description;
  describe(die, &description);
  struct named named = {.unit = die->unit, .offset = die->offset,
                        .start_line = description.line, .declaration = description.declaration};
  named.linked = description.linkage != NULL;
  named.function = hd_texts_keep(naming->texts, description.linkage ? description.linkage
                                                                    : description.name);
  if (!named.function || !hd_vec_push(&naming->named, named) ||
      !hd_index_add(&naming->index, hash, (uint32_t)naming->named.count))
    return 0;
  return (uint32_t)naming->named.count;
}

/* Inlined copies say where they were inlined, and all else by their origin. */
static uint32_t name_scope(struct naming *naming, struct hd_scope *scope)
{
  struct hd_raw values[HD_SLOTS];
  struct hd_die origin;
  hd_die_read(&scope->die, values);
  scope->call_line = hd_raw_line(&values[HD_SLOT_CALL_LINE]);
  scope->call_file = hd_raw_constant(&values[HD_SLOT_CALL_FILE])
                         ? values[HD_SLOT_CALL_FILE].number : UINT64_MAX;
  bool own = values[HD_SLOT_LINKAGE_NAME].form || values[HD_SLOT_NAME].form ||
             values[HD_SLOT_DECL_LINE].form;
  if (own || !hd_die_follow(scope->die.unit, &values[HD_SLOT_ORIGIN], &origin))
    origin = scope->die;
  return name_die(naming, &origin);
}

/* Names by their place what has no linkage name. */
static void name_by_place(struct naming *naming)
{
  HD_VEC(struct target) targets = {NULL, 0, 0};
  for (size_t i = 0; i < naming->named.count && !naming->failed; i++) {
    struct named *named = &naming->named.items[i];
    struct target target = {named->declaration, &named->function};
    if (!named->linked && named->function[0])
      naming->failed = !hd_vec_push(&targets, target);
  }
  if (!naming->failed)
    find_all(naming, targets.items, targets.count);
  hd_vec_deinit(&targets);
}

bool hd_dwarf_names(struct hd_unit *unit, struct hd_scopes *scopes, struct hd_texts *texts,
                    bool as_written, struct hd_error *error)
{
  struct naming naming = {.texts = texts};
  naming.visits_left = unit->end - unit->offset + MAX_VISITS_ELSEWHERE;
  HD_VEC(uint32_t) names = {NULL, 0, 0};
  for (size_t i = 0; i < scopes->items.count && !naming.failed; i++) {
    if (i % LOOK_AT_CLOCK == LOOK_AT_CLOCK - 1 && hd_dwarf_late(unit->file))
      break;
    uint32_t name = name_scope(&naming, &scopes->items.items[i]);
    naming.failed = !name || !hd_vec_push(&names, name);
  }
  bool cxx = unit->cxx || (unit->skeleton && unit->skeleton->cxx);
  if (!naming.failed && cxx && !as_written)
    name_by_place(&naming);
  for (size_t i = 0; i < names.count && !naming.failed; i++) {
    const struct named *named = &naming.named.items[names.items[i] - 1];
    scopes->items.items[i].function = named->function;
    scopes->items.items[i].start_line = named->start_line;
    scopes->items.items[i].linked = named->linked;
  }
  hd_vec_deinit(&names);
  hd_vec_deinit(&naming.named);
  hd_index_deinit(&naming.index);
  return !naming.failed || hd_fail_memory(error);
}
