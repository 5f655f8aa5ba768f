/* One batch against one open module: addresses sorted, each unit touched once. */
#include "symbols/module.h"

#include <stdlib.h>
#include <string.h>

/* More inlined calls at one address than this is damage. */
enum { MAX_CHAIN = 1024 };


struct resolver {
  struct hd_symbol_module *module;
  struct hd_symbol_batch *batch;
  bool as_written;
  size_t too_late;  /* addresses that were not looked up for want of time */
  struct hd_texts texts;
  HD_VEC(struct hd_wanted) wanted;          /* one an address, by unit and address */
  HD_VEC(struct hd_symbol_answer) resolved; /* by wanted's index */
  HD_VEC(struct hd_symbol_frame) frames;
};

struct place {
  uint64_t address;
  size_t position; /* in the caller's list */
};

static int by_address(const void *a, const void *b)
{
  const struct place *x = a, *y = b;
  if (x->address != y->address)
    return x->address < y->address ? -1 : 1;
  return x->position < y->position ? -1 : 1;
}

static int by_unit(const void *a, const void *b)
{
  const struct hd_wanted *x = a, *y = b;
  if (x->unit != y->unit)
    return x->unit < y->unit ? -1 : 1;
  return x->address < y->address ? -1 : x->address > y->address;
}

static bool push_frame(struct resolver *resolver, const char *function, const char *file,
                       uint32_t line, uint32_t start_line)
{
  struct hd_symbol_frame frame = {
      .function = function, .file = file, .line = line, .start_line = start_line};
  return function && file && hd_vec_push(&resolver->frames, frame);
}

static const char *symbol_name(struct resolver *resolver, uint64_t address)
{
  return hd_texts_keep(&resolver->texts,
                       hd_elf_symbols_find(&resolver->module->symbols, address));
}

/* --- a chain of frames */

/* The tables of one unit: `calls` is the one that numbers the files of inlined calls, which
 * a split unit has of its own. */
struct tables {
  struct hd_line_table lines, own;
  struct hd_line_table *calls;
};

static bool resolve_chain(struct resolver *resolver, struct tables *tables,
                          const struct hd_scopes *scopes, const struct hd_wanted *wanted)
{
  const char *file = wanted->has_line
                         ? hd_line_table_path(&tables->lines, wanted->file, &resolver->texts) : "";
  uint32_t line = wanted->has_line ? wanted->line : 0;
  uint32_t id = wanted->scope;
  for (unsigned i = 0; id && i < MAX_CHAIN; i++) {
    const struct hd_scope *scope = &scopes->items.items[id - 1];
    const char *function = scope->function;
    if (!scope->parent && (!function[0] || (resolver->as_written && !scope->linked)))
      function = symbol_name(resolver, wanted->address);
    if (function && !function[0])
      function = scope->function;
    if (!push_frame(resolver, function, file, line, scope->start_line))
      return false;
    if (scope->parent) {
      file = hd_line_table_path(tables->calls, scope->call_file, &resolver->texts);
      line = scope->call_line;
    }
    id = scope->parent;
  }
  if (wanted->scope)
    return true;
  const char *function = symbol_name(resolver, wanted->address);
  if (function && !function[0] && !wanted->has_line)
    return true;
  return push_frame(resolver, function, file, line, 0);
}

/* --- a unit */

/* A .dwo file has one table, with the files alone; where it has none, the program's serves. */
static bool read_tables(const struct hd_unit *unit, const struct hd_unit *split,
                        struct tables *tables, struct hd_error *error)
{
  const char *comp_dir = hd_raw_text(unit, &unit->comp_dir);
  *tables = (struct tables){.calls = &tables->lines};
  if (!hd_line_table_read(unit, unit->stmt_list, comp_dir, &tables->lines, error))
    return false;
  if (!split)
    return true;
  uint64_t offset = split->stmt_list == UINT64_MAX ? 0 : split->stmt_list;
  if (!hd_line_table_read(split, offset, comp_dir, &tables->own, error))
    return false;
  if (tables->own.files.count)
    tables->calls = &tables->own;
  return true;
}

static bool resolve_in_unit(struct resolver *resolver, struct hd_unit *unit,
                            struct hd_unit *body, struct tables *tables,
                            struct hd_wanted *wanted, size_t count, struct hd_error *error)
{
  const struct hd_dwarf *dwarf = &resolver->module->dwarf;
  struct hd_scopes scopes = {{NULL, 0, 0}};
  bool fine = read_tables(unit, body == unit ? NULL : body, tables, error) &&
              hd_line_table_run(dwarf->code, &tables->lines, wanted, count, error) &&
              hd_dwarf_functions(dwarf, body, wanted, count, &scopes, error) &&
              hd_dwarf_names(body, &scopes, &resolver->texts, resolver->as_written, error);
  for (size_t i = 0; i < count && fine; i++) {
    struct hd_symbol_answer *answer = &resolver->resolved.items[wanted[i].index];
    answer->first = (uint32_t)resolver->frames.count;
    fine = resolve_chain(resolver, tables, &scopes, &wanted[i]) || hd_fail_memory(error);
    answer->count = (uint32_t)resolver->frames.count - answer->first;
  }
  hd_vec_deinit(&scopes.items);
  return fine;
}

static bool resolve_unit(struct resolver *resolver, struct hd_wanted *wanted, size_t count,
                         struct hd_error *error)
{
  struct hd_dwarf *dwarf = &resolver->module->dwarf;
  struct hd_unit *unit = &dwarf->main.units.items[wanted->unit - 1];
  struct hd_split split = {0};
  struct tables tables = {0};
  bool fine = !unit->has_dwo || hd_split_open(dwarf, unit, &split, error);
  fine = fine && resolve_in_unit(resolver, unit, split.body ? split.body : unit, &tables, wanted,
                                 count, error);
  hd_line_table_deinit(&tables.lines);
  hd_line_table_deinit(&tables.own);
  hd_split_close(&split);
  hd_dwarf_leave_unit(dwarf, unit);
  return fine;
}

static bool resolve_without_unit(struct resolver *resolver, const struct hd_wanted *wanted,
                                 struct hd_error *error)
{
  struct hd_symbol_answer *answer = &resolver->resolved.items[wanted->index];
  const char *function = symbol_name(resolver, wanted->address);
  if (!function)
    return hd_fail_memory(error);
  if (!function[0])
    return true;
  *answer = (struct hd_symbol_answer){(uint32_t)resolver->frames.count, 1};
  return push_frame(resolver, function, "", 0, 0) || hd_fail_memory(error);
}

static bool resolve_all(struct resolver *resolver, struct hd_error *error)
{
  struct hd_wanted *items = resolver->wanted.items;
  size_t count = resolver->wanted.count;
  if (count)
    qsort(items, count, sizeof *items, by_unit);
  size_t first = 0;
  while (first < count) {
    size_t last = first + 1;
    while (last < count && items[last].unit == items[first].unit)
      last++;
    if (items[first].unit && hd_dwarf_late(&resolver->module->dwarf.main)) {
      resolver->too_late += last - first;
    } else if (items[first].unit) {
      if (!resolve_unit(resolver, items + first, last - first, error))
        return false;
    } else {
      for (size_t i = first; i < last; i++)
        if (!resolve_without_unit(resolver, &items[i], error))
          return false;
    }
    first = last;
  }
  return true;
}

/* --- a batch */

/* Each address once; each caller's answer gets, for now, the number (+ 1) of its
 * address in `first`. */
static bool collect(struct resolver *resolver, struct place *places, size_t count,
                    struct hd_error *error)
{
  if (count)
    qsort(places, count, sizeof *places, by_address);
  for (size_t i = 0; i < count; i++) {
    if (i == 0 || places[i].address != places[i - 1].address) {
      struct hd_wanted wanted = {
          .address = places[i].address,
          .unit = hd_dwarf_find_unit(&resolver->module->dwarf, places[i].address),
          .index = (uint32_t)resolver->wanted.count};
      struct hd_symbol_answer none = {0, 0};
      if (!hd_vec_push(&resolver->wanted, wanted) || !hd_vec_push(&resolver->resolved, none))
        return hd_fail_memory(error);
    }
    resolver->batch->answers[places[i].position].first = (uint32_t)resolver->wanted.count;
  }
  return true;
}

/* Says in the batch's reason what is missing. */
static bool tell_late(struct resolver *resolver, struct hd_error *error)
{
  struct hd_symbol_batch *batch = resolver->batch;
  if (!resolver->too_late)
    return true;
  batch->reason = hd_arena_printf(
      &batch->arena, "took more than %d seconds: %zu of %zu addresses were not looked up%s%s",
      HD_DWARF_SECONDS, resolver->too_late, resolver->wanted.count, batch->reason[0] ? "; it " : "",
      batch->reason);
  return batch->reason || hd_fail_memory(error);
}

static bool hand_over(struct resolver *resolver, size_t count, struct hd_error *error)
{
  struct hd_symbol_batch *batch = resolver->batch;
  for (size_t i = 0; i < count; i++) {
    uint32_t number = batch->answers[i].first;
    if (number)
      batch->answers[i] = resolver->resolved.items[number - 1];
  }
  batch->frame_count = resolver->frames.count;
  size_t size = batch->frame_count * sizeof *batch->frames;
  batch->frames = hd_arena_alloc(&batch->arena, size);
  if (!batch->frames)
    return hd_fail_memory(error);
  if (size)
    memcpy(batch->frames, resolver->frames.items, size);
  return true;
}

static size_t find_places(const struct hd_symbol_module *module, enum hd_symbol_places kind,
                          const uint64_t *offsets, size_t count, struct place *places)
{
  const struct hd_elf_file *program = &module->program;
  size_t placed = 0;
  for (size_t i = 0; i < count; i++) {
    places[placed].address = offsets[i];
    if (kind == HD_LINKED_ADDRESSES ? module->debug_alone || hd_elf_executable(program, offsets[i])
                                    : hd_elf_address(program, offsets[i], &places[placed].address))
      places[placed++].position = i;
  }
  return placed;
}

bool hd_symbol_module_resolve(struct hd_symbol_module *module, enum hd_symbol_places kind,
                              const uint64_t *offsets, size_t count, bool as_written,
                              struct hd_symbol_batch *batch, struct hd_error *error)
{
  if (count == 0)
    return true;
  if (count > UINT32_MAX / 2)
    return hd_fail_internal(error, "too many addresses in one batch");
  struct resolver resolver = {.module = module, .batch = batch, .as_written = as_written,
                              .texts = {.arena = &batch->arena}};
  struct place *places = hd_alloc_zeroed(count, sizeof *places);
  bool fine = (places != NULL || hd_fail_memory(error)) &&
              hd_dwarf_prepare(&module->dwarf, error);
  if (fine) {
    size_t placed = find_places(module, kind, offsets, count, places);
    fine = collect(&resolver, places, placed, error);
  }
  fine = fine && resolve_all(&resolver, error) && hand_over(&resolver, count, error) &&
         tell_late(&resolver, error);
  hd_free(places);
  hd_texts_deinit(&resolver.texts);
  hd_vec_deinit(&resolver.wanted);
  hd_vec_deinit(&resolver.resolved);
  hd_vec_deinit(&resolver.frames);
  return fine;
}
