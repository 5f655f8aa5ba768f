#include "readers/memory_map.h"

#include "base/buffer.h"
#include "readers/heap_text_scan.h"

#include <stdlib.h>
#include <string.h>

/* No file has more variables; a build-id is a hash of 8 to 64 bytes. */
enum { MAX_VARIABLES = 32, MIN_BUILD_ID = 16, MAX_BUILD_ID = 128, MAX_PATH = 16384 };

static const char deleted[] = " (deleted)";

/* What a line says, in pieces of it. */
struct entry {
  uint64_t start, limit, offset;
  struct hd_scan path, build_id;
  bool runs;
};

/* "rwxp"; *runs where it may be executed. */
static bool take_permissions(struct hd_scan *text, bool *runs)
{
  struct hd_scan ahead = *text, word;
  if (!hd_scan_word(&ahead, &word))
    return false;
  for (const char *c = word.at; c < word.end; c++)
    if (!strchr("-rwxps", *c) || !*c)
      return false;
  *runs = memchr(word.at, 'x', hd_scan_left(&word)) != NULL;
  *text = ahead;
  return true;
}

/* A word of hexadecimal digits alone, of at least `least` of them. */
static bool take_hex_word(struct hd_scan *text, size_t least, struct hd_scan *word)
{
  struct hd_scan ahead = *text;
  if (!hd_scan_word(&ahead, word) || hd_scan_left(word) < least)
    return false;
  for (const char *c = word->at; c < word->end; c++)
    if (!memchr("0123456789abcdefABCDEF", *c, 22))
      return false;
  *text = ahead;
  return true;
}

/* "08:01 123": device and inode, which /proc has behind the offset. */
static bool take_device(struct hd_scan *text)
{
  struct hd_scan ahead = *text;
  uint64_t number;
  hd_scan_blanks(&ahead);
  if (!hd_scan_hex(&ahead, &number) || !hd_scan_literal(&ahead, ":") ||
      !hd_scan_hex(&ahead, &number) || !hd_scan_uint(&ahead, &number))
    return false;
  *text = ahead;
  return true;
}

/* The last word of a text, which ends before it. */
static bool last_word(struct hd_scan text, struct hd_scan *before, struct hd_scan *word)
{
  hd_scan_trim(&text);
  const char *at = text.end;
  while (at > text.at && at[-1] != ' ' && at[-1] != '\t')
    at--;
  *word = (struct hd_scan){at, text.end};
  *before = (struct hd_scan){text.at, at};
  hd_scan_trim(before);
  return at > text.at;
}

/* "path (@offset) build-id", the short form's end. */
static void take_tail(struct entry *entry)
{
  struct hd_scan before, word, digits;
  if (last_word(entry->path, &before, &word)) {
    struct hd_scan ahead = word;
    if (hd_scan_left(&word) <= MAX_BUILD_ID && take_hex_word(&ahead, MIN_BUILD_ID, &digits)) {
      entry->build_id = digits;
      entry->path = before;
    }
  }
  if (last_word(entry->path, &before, &word)) {
    uint64_t offset;
    if (hd_scan_literal(&word, "(@") && hd_scan_hex(&word, &offset) &&
        hd_scan_literal(&word, ")") && word.at == word.end) {
      entry->offset = offset;
      entry->path = before;
    }
  }
}

static bool take_range(struct hd_scan *text, struct entry *entry)
{
  hd_scan_blanks(text);
  if (!hd_scan_hex(text, &entry->start))
    return false;
  if (!hd_scan_literal(text, "-") && (text->at == text->end || !strchr(" \t", *text->at)))
    return false;
  hd_scan_blanks(text);
  if (!hd_scan_hex(text, &entry->limit) || entry->limit <= entry->start)
    return false;
  hd_scan_literal(text, ":");
  return text->at == text->end || *text->at == ' ' || *text->at == '\t';
}

static bool take_entry(struct hd_scan text, struct entry *entry)
{
  struct hd_scan word;
  *entry = (struct entry){.runs = true};
  hd_scan_trim(&text);
  if (!take_range(&text, entry))
    return false;
  if (take_permissions(&text, &entry->runs) && take_hex_word(&text, 1, &word))
    hd_scan_hex(&word, &entry->offset);
  bool whole = take_device(&text);
  hd_scan_trim(&text);
  entry->path = text;
  if (!whole)
    take_tail(entry);
  return hd_scan_left(&entry->path) <= MAX_PATH;
}

/* --- $name -------------------------------------------------------------------- */

static bool add_variable(struct hd_memory_map *map, struct hd_scan text, struct hd_error *error)
{
  const char *equals = memchr(text.at, '=', hd_scan_left(&text));
  if (!equals || map->variables.count == MAX_VARIABLES)
    return true;
  struct hd_scan name = {text.at, equals}, value = {equals + 1, text.end};
  hd_scan_trim(&name);
  hd_scan_trim(&value);
  if (name.at == name.end || hd_scan_left(&name) + hd_scan_left(&value) > MAX_PATH)
    return true;
  struct hd_arena *arena = &map->profile->arena;
  struct hd_map_variable made = {
      hd_arena_printf(arena, "$%.*s", (int)hd_scan_left(&name), name.at),
      hd_arena_copy(arena, value.at, hd_scan_left(&value)),
  };
  return (made.name && made.value && hd_vec_push(&map->variables, made)) || hd_fail_memory(error);
}

/* The variable that the text begins with, the one with the longest name ("$ab" is
 * not "$a"), of equal ones the latest; NULL where there is none. */
static const struct hd_map_variable *variable_at(const struct hd_memory_map *map,
                                                 struct hd_scan text)
{
  const struct hd_map_variable *best = NULL;
  size_t longest = 0;
  if (*text.at != '$')
    return NULL;
  for (size_t i = 0; i < map->variables.count; i++) {
    struct hd_scan ahead = text;
    if (!hd_scan_literal(&ahead, map->variables.items[i].name) ||
        (size_t)(ahead.at - text.at) < longest)
      continue;
    best = &map->variables.items[i];
    longest = (size_t)(ahead.at - text.at);
  }
  return best;
}

static bool intern_path(struct hd_memory_map *map, struct hd_scan path, uint32_t *id,
                        struct hd_error *error)
{
  if (!map->variables.count || !memchr(path.at, '$', hd_scan_left(&path)))
    return hd_profile_string(map->profile, path.at, hd_scan_left(&path), id, error);
  struct hd_buffer out = HD_BUFFER_INIT;
  while (path.at < path.end && out.length <= MAX_PATH) {
    const struct hd_map_variable *variable = variable_at(map, path);
    hd_buffer_append(&out, variable ? variable->value : path.at,
                     variable ? strlen(variable->value) : 1);
    path.at += variable ? strlen(variable->name) : 1;
  }
  bool fine = out.failed ? hd_fail_memory(error)
                         : hd_profile_string(map->profile, hd_buffer_text(&out), out.length, id,
                                             error);
  hd_buffer_deinit(&out);
  return fine;
}

/* --- lines -------------------------------------------------------------------- */

static bool is_library(const char *path)
{
  const char *found = path;
  while ((found = strstr(found, ".so"))) {
    char next = found[3];
    if (!next || next == ' ' || ((next == '.' || next == '_') && strchr("0123456789", found[4]) &&
                                 found[4]))
      return true;
    found += 3;
  }
  return false;
}

/* The path of a program that is replaced while it runs goes on under its name. */
static bool guess_program(struct hd_memory_map *map, uint32_t path, struct hd_error *error)
{
  const char *text = hd_strings_text(&map->profile->strings, path);
  size_t length = strlen(text), tail = sizeof deleted - 1;
  if (map->program || !text[0] || text[0] == '[' || is_library(text))
    return true;
  if (length > tail && strcmp(text + length - tail, deleted) == 0)
    length -= tail;
  return hd_profile_string(map->profile, text, length, &map->program, error);
}

static bool intern_build_id(struct hd_memory_map *map, struct hd_scan digits, uint32_t *id,
                            struct hd_error *error)
{
  char lower[MAX_BUILD_ID];
  size_t length = hd_scan_left(&digits);
  for (size_t i = 0; i < length; i++)
    lower[i] = (char)(digits.at[i] >= 'A' && digits.at[i] <= 'F' ? digits.at[i] | 0x20
                                                                 : digits.at[i]);
  return !length || hd_profile_string(map->profile, lower, length, id, error);
}

bool hd_memory_map_line(struct hd_memory_map *map, const char *line, size_t length,
                        struct hd_error *error)
{
  struct hd_scan text = hd_scan_of(line, length);
  struct entry entry;
  hd_scan_drop_log_prefix(&text);
  if (!take_entry(text, &entry))
    return add_variable(map, text, error);
  struct hd_mapping made = {.start = entry.start, .limit = entry.limit, .offset = entry.offset};
  if (!entry.runs)
    return true;
  if (map->items.count >= HD_MAX_ITEMS)
    return hd_fail_input(error, "more than %u mappings", HD_MAX_ITEMS);
  if (!intern_path(map, entry.path, &made.path, error) ||
      !intern_build_id(map, entry.build_id, &made.build_id, error) ||
      !guess_program(map, made.path, error))
    return false;
  return hd_vec_push(&map->items, made) || hd_fail_memory(error);
}

/* --- addresses ---------------------------------------------------------------- */

static int by_start(const void *left, const void *right)
{
  const struct hd_mapping *a = left, *b = right;
  if (a->start != b->start)
    return a->start < b->start ? -1 : 1;
  return (a->limit > b->limit) - (a->limit < b->limit);
}

/* Offsets of 0 are unknown ones in the short form. */
static bool adjacent(const struct hd_mapping *a, const struct hd_mapping *b)
{
  if (a->limit != b->start || a->path != b->path || a->build_id != b->build_id)
    return false;
  return b->offset == 0 ? a->offset == 0 : b->offset == a->offset + (a->limit - a->start);
}

void hd_memory_map_finish(struct hd_memory_map *map)
{
  struct hd_mapping *items = map->items.items;
  size_t kept = 0;
  if (map->items.count > 1)
    qsort(items, map->items.count, sizeof *items, by_start);
  for (size_t i = 0; i < map->items.count; i++)
    if (kept && adjacent(&items[kept - 1], &items[i]))
      items[kept - 1].limit = items[i].limit;
    else
      items[kept++] = items[i];
  map->items.count = kept;
}

static struct hd_mapping *find(struct hd_memory_map *map, uint64_t address)
{
  size_t low = 0, high = map->items.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (map->items.items[middle].start <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (!low || address >= map->items.items[low - 1].limit)
    return NULL;
  return &map->items.items[low - 1];
}

static bool is_of(const void *context, uint32_t id, const void *key)
{
  const struct hd_profile *profile = context;
  const struct hd_module *module = &profile->modules.items[id - 1];
  const struct hd_mapping *mapping = key;
  return module->path == mapping->path && module->build_id == mapping->build_id;
}

/* Mappings of one file are one module. */
static bool add_module(struct hd_memory_map *map, struct hd_mapping *mapping,
                       struct hd_error *error)
{
  uint32_t names[2] = {mapping->path, mapping->build_id};
  uint64_t hash = hd_hash(names, sizeof names);
  mapping->module = hd_index_find(&map->module_index, hash, is_of, map->profile, mapping);
  if (mapping->module)
    return true;
  struct hd_module module = {.path = mapping->path,
                             .build_id = mapping->build_id,
                             .start = mapping->start,
                             .limit = mapping->limit,
                             .offset = mapping->offset};
  return hd_profile_add_module(map->profile, module, &mapping->module, error) &&
         (hd_index_add(&map->module_index, hash, mapping->module) || hd_fail_memory(error));
}

bool hd_memory_map_place(struct hd_memory_map *map, uint64_t address, uint32_t *module,
                         uint64_t *offset, struct hd_error *error)
{
  struct hd_mapping *mapping = find(map, address);
  *module = 0;
  *offset = address;
  if (!mapping || !mapping->path)
    return true;
  if (!mapping->module && !add_module(map, mapping, error))
    return false;
  *module = mapping->module;
  *offset = address - mapping->start + mapping->offset;
  return true;
}

void hd_memory_map_deinit(struct hd_memory_map *map)
{
  hd_vec_deinit(&map->items);
  hd_vec_deinit(&map->variables);
  hd_index_deinit(&map->module_index);
}
