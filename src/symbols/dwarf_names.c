/* What functions are called. Most have a linkage name. GCC gives none to C++
 * functions that other units cannot see (static ones, lambdas, all that is in an
 * anonymous namespace or in a local class): those are named by their place in the
 * DIE tree, "ns::{lambda(int)}::operator()", as the demangler would. */
#include "symbols/demangle.h"
#include "symbols/dwarf.h"
#include "symbols/symbols.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAX_DEPTH = 128,
  MAX_REFERENCES = 16,
  MAX_ENCLOSING = 8, /* functions around a local class around a function ... */
  MAX_VISITS_ELSEWHERE = 1 << 20,
};

/* A function without linkage name, where it was declared. */
struct target {
  uintptr_t unit, address;
  Dwarf_Die declaration;
  const char **function; /* where the name goes */
};

struct naming {
  struct hd_texts *texts;
  uint64_t visits_left;
  unsigned enclosing;
  bool failed; /* memory */
};

static const char *text_of(Dwarf_Die *die, unsigned name)
{
  Dwarf_Attribute attribute;
  const char *text = dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
  return text && text[0] ? text : NULL;
}

static const char *linkage_name(Dwarf_Die *die)
{
  const char *name = text_of(die, DW_AT_linkage_name);
  return name ? name : text_of(die, DW_AT_MIPS_linkage_name);
}

static uint32_t start_line(Dwarf_Die *die)
{
  Dwarf_Attribute attribute;
  Dwarf_Word line;
  if (dwarf_formudata(dwarf_attr_integrate(die, DW_AT_decl_line, &attribute), &line) != 0 ||
      line > INT32_MAX)
    return 0;
  return (uint32_t)line;
}

static bool is_cxx(Dwarf_Die *unit)
{
  switch (dwarf_srclang(unit)) {
  case DW_LANG_C_plus_plus:
  case DW_LANG_C_plus_plus_03:
  case DW_LANG_C_plus_plus_11:
  case DW_LANG_C_plus_plus_14:
  case 0x2b: /* C++17 and C++20, in headers newer than this libdw's */
  case 0x2c:
  case DW_LANG_ObjC_plus_plus: return true;
  default: return false;
  }
}

/* The first declaration: its place in the tree is that of the source. */
static Dwarf_Die declaration_of(Dwarf_Die die)
{
  for (unsigned i = 0; i < MAX_REFERENCES; i++) {
    Dwarf_Attribute attribute;
    Dwarf_Die origin;
    if (!dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
        !dwarf_attr(&die, DW_AT_specification, &attribute))
      return die;
    if (!dwarf_formref_die(&attribute, &origin))
      return die;
    die = origin;
  }
  return die;
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
static const char *enclosing_name(struct naming *naming, Dwarf_Die *die, const char *prefix)
{
  const char *name = text_of(die, DW_AT_name), *linkage = linkage_name(die);
  if (linkage) {
    prefix = hd_demangle(naming->texts->arena, linkage, false);
    naming->failed |= !prefix;
    return prefix;
  }
  struct target target = {.declaration = declaration_of(*die), .function = &prefix};
  target.address = (uintptr_t)target.declaration.addr;
  if (!name)
    return prefix;
  if (target.declaration.addr == die->addr || naming->enclosing >= MAX_ENCLOSING)
    return join_short(naming, prefix, name);
  prefix = name;
  naming->enclosing++;
  find_in_unit(naming, &target, 1);
  naming->enclosing--;
  return prefix;
}

/* GCC's closure types have no name of their own. */
static bool is_closure(struct naming *naming, Dwarf_Die *die)
{
  Dwarf_Die child, next;
  if (dwarf_child(die, &child) != 0)
    return false;
  while (naming->visits_left > 0) {
    naming->visits_left--;
    const char *name = dwarf_tag(&child) == DW_TAG_subprogram ? dwarf_diename(&child) : NULL;
    if (name && strcmp(name, "operator()") == 0)
      return true;
    if (dwarf_siblingof(&child, &next) != 0 || (uintptr_t)next.addr <= (uintptr_t)child.addr)
      return false;
    child = next;
  }
  return false;
}

static const char *class_name(struct naming *naming, Dwarf_Die *die, const char *prefix)
{
  const char *name = text_of(die, DW_AT_name);
  if (name)
    return join_short(naming, prefix, name);
  return join(naming, prefix, is_closure(naming, die) ? "{lambda}" : "{unnamed type}");
}

/* What a DIE makes of the prefix of the names inside. */
static const char *inner_prefix(struct naming *naming, Dwarf_Die *die, const char *prefix)
{
  const char *name;
  switch (dwarf_tag(die)) {
  case DW_TAG_namespace:
    name = text_of(die, DW_AT_name);
    return join(naming, prefix, name ? name : "(anonymous namespace)");
  case DW_TAG_class_type:
  case DW_TAG_structure_type:
  case DW_TAG_union_type: return class_name(naming, die, prefix);
  case DW_TAG_subprogram: return enclosing_name(naming, die, prefix);
  default: return prefix;
  }
}

static void name_target(struct naming *naming, struct target *target, const char *prefix)
{
  const char *name = text_of(&target->declaration, DW_AT_name);
  if (name)
    *target->function = join_short(naming, prefix, name);
}

/* Names targets[first .. last-1], which are among the DIEs inside `parent`: a DIE's children
 * lie between it and its sibling. */
static void find_targets(struct naming *naming, Dwarf_Die *parent, struct target *targets,
                         size_t first, size_t last, const char *prefix, unsigned depth)
{
  Dwarf_Die die, next;
  if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
    return;
  while (first < last && !naming->failed && naming->visits_left > 0) {
    naming->visits_left--;
    uintptr_t start = (uintptr_t)die.addr;
    bool more = dwarf_siblingof(&die, &next) == 0 && (uintptr_t)next.addr > start;
    uintptr_t end = more ? (uintptr_t)next.addr : UINTPTR_MAX;
    for (; first < last && targets[first].address <= start; first++)
      if (targets[first].address == start)
        name_target(naming, &targets[first], prefix);
    size_t inside = first;
    while (first < last && targets[first].address < end)
      first++;
    if (first > inside) {
      const char *inner = inner_prefix(naming, &die, prefix);
      if (!naming->failed)
        find_targets(naming, &die, targets, inside, first, inner, depth + 1);
    }
    if (!more)
      return;
    die = next;
  }
}

static int by_place(const void *a, const void *b)
{
  const struct target *x = a, *y = b;
  if (x->unit != y->unit)
    return x->unit < y->unit ? -1 : 1;
  return x->address < y->address ? -1 : x->address > y->address;
}

/* All of one unit, by address. */
static void find_in_unit(struct naming *naming, struct target *targets, size_t count)
{
  Dwarf_Die unit;
  if (dwarf_diecu(&targets[0].declaration, &unit, NULL, NULL))
    find_targets(naming, &unit, targets, 0, count, "", 0);
}

static void find_all(struct naming *naming, struct target *targets, size_t count)
{
  if (count)
    qsort(targets, count, sizeof *targets, by_place);
  size_t first = 0;
  while (first < count && !naming->failed) {
    size_t last = first + 1;
    while (last < count && targets[last].unit == targets[first].unit)
      last++;
    find_in_unit(naming, targets + first, last - first);
    first = last;
  }
}

bool hd_dwarf_names(struct hd_unit *unit, struct hd_scopes *scopes, struct hd_texts *texts,
                    struct hd_error *error)
{
  struct naming naming = {.texts = texts, .visits_left = unit->size + MAX_VISITS_ELSEWHERE};
  HD_VEC(struct target) targets = {NULL, 0, 0};
  bool cxx = is_cxx(&unit->body) || is_cxx(&unit->die);
  for (size_t i = 0; i < scopes->items.count && !naming.failed; i++) {
    struct hd_scope *scope = &scopes->items.items[i];
    const char *linkage = linkage_name(&scope->die);
    const char *name = linkage ? linkage : text_of(&scope->die, DW_AT_name);
    scope->function = hd_texts_keep(texts, name);
    scope->start_line = start_line(&scope->die);
    naming.failed = !scope->function;
    if (linkage || !name || !cxx || naming.failed)
      continue;
    struct target target = {.declaration = declaration_of(scope->die),
                            .function = &scope->function};
    target.unit = (uintptr_t)target.declaration.cu;
    target.address = (uintptr_t)target.declaration.addr;
    naming.failed = !hd_vec_push(&targets, target);
  }
  if (!naming.failed)
    find_all(&naming, targets.items, targets.count);
  hd_vec_deinit(&targets);
  return !naming.failed || hd_fail_memory(error);
}
