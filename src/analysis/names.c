#include "analysis/names.h"

#include <inttypes.h>
#include <string.h>

const char *hd_shown_path(const struct hd_name_style *style, const char *path)
{
  size_t length = style->directory ? strlen(style->directory) : 0;
  if (length > 1 && strncmp(path, style->directory, length) == 0 && path[length] == '/' &&
      path[length + 1])
    return path + length + 1;
  return path;
}

static const char *module_name(const struct hd_series *series, uint32_t module)
{
  if (!module)
    return "unknown";
  const char *path =
      hd_pool_text(series->pool, series->pool->modules.items[module - 1].path);
  return path[0] ? hd_base_name(path) : "unknown";
}

static const char *key_name(const struct hd_series *series, enum hd_grouping by,
                            const struct hd_label_key *key, const struct hd_name_style *style,
                            struct hd_view *view)
{
  const char *file = hd_shown_path(style, hd_pool_text(series->pool, key->file));
  if (by == HD_BY_MODULE) {
    const char *path = key->module ? hd_pool_text(series->pool,
                                                  series->pool->modules.items[key->module - 1].path)
                                   : "";
    return hd_view_text(view, path[0] ? path : "[unknown]");
  }
  if (key->function)
    return hd_view_text(view, hd_pool_text(series->pool, key->function));
  if (by == HD_BY_LINE && key->file && key->line)
    return hd_view_printf(view, "%s:%" PRIu32, file, key->line);
  if (key->file)
    return hd_view_text(view, file);
  if (key->offset)
    return hd_view_printf(view, "%s+0x%" PRIx64, module_name(series, key->module), key->offset);
  return hd_view_printf(view, "[%s]", module_name(series, key->module));
}

/* "file:line" of a key with both; the place of a row whose name says it is "". */
static const char *key_place(const struct hd_series *series, enum hd_grouping by,
                             const struct hd_label_key *key, const struct hd_name_style *style,
                             struct hd_view *view)
{
  if (!key->file || !key->function || (by != HD_BY_SITE && by != HD_BY_STACK))
    return "";
  const char *file = hd_shown_path(style, hd_pool_text(series->pool, key->file));
  if (!key->line)
    return hd_view_text(view, file);
  return hd_view_printf(view, "%s:%" PRIu32, file, key->line);
}

bool hd_row_name(const struct hd_series *series, size_t row, const struct hd_name_style *style,
                 struct hd_view *view, const char **name, const char **place)
{
  const struct hd_label_key *key = &series->rows.items[row].key;
  *name = key_name(series, series->by, key, style, view);
  *place = key_place(series, series->by, key, style, view);
  return *name && *place;
}

bool hd_row_stack(const struct hd_series *series, size_t row, const struct hd_name_style *style,
                  struct hd_view *view, const char *const **texts, size_t *count)
{
  const struct hd_row *item = &series->rows.items[row];
  const char **made = hd_arena_alloc(&view->arena, item->count * sizeof *made);
  if (!made)
    return false;
  for (uint32_t i = 0; i < item->count; i++) {
    uint32_t label = series->stack_labels.items[item->first + i];
    const struct hd_label_key *key = &series->labels.items[label - 1].key;
    const char *name = key_name(series, HD_BY_SITE, key, style, view);
    const char *place = key_place(series, HD_BY_SITE, key, style, view);
    if (!name || !place)
      return false;
    made[i] = place[0] ? hd_view_printf(view, "%s %s", name, place) : name;
    if (!made[i])
      return false;
  }
  *texts = made;
  *count = item->count;
  return true;
}

bool hd_row_functions(const struct hd_series *series, size_t row, struct hd_view *view,
                      const char *const **texts, size_t *count)
{
  static const struct hd_name_style plain = {NULL};
  const struct hd_row *item = &series->rows.items[row];
  const char **made = hd_arena_alloc(&view->arena, item->count * sizeof *made);
  if (!made)
    return false;
  for (uint32_t i = 0; i < item->count; i++) {
    uint32_t label = series->stack_labels.items[item->first + i];
    const struct hd_label_key *key = &series->labels.items[label - 1].key;
    const char *name = key_name(series, HD_BY_FUNCTION, key, &plain, view);
    made[i] = name && key->inlined ? hd_view_printf(view, "%s (inline)", name) : name;
    if (!made[i])
      return false;
  }
  *texts = made;
  *count = item->count;
  return true;
}
