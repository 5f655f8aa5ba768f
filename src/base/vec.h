/* A growable array. `HD_VEC(struct row) rows = {0};` then
 *
 *   if (!hd_vec_push(&rows, row)) return hd_fail_memory(error);
 *   for (size_t i = 0; i < rows.count; i++) use(rows.items[i]);
 *   hd_vec_deinit(&rows);
 *
 * items[0 .. count-1] are valid; a push may move them. A push that fails leaves
 * the vector as it was. */
#ifndef HD_BASE_VEC_H
#define HD_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#define HD_VEC(type)                                                                               \
  struct {                                                                                         \
    type *items;                                                                                   \
    size_t count, capacity;                                                                        \
  }

/* Makes room for `more` items. */
#define hd_vec_reserve(vec, more)                                                                  \
  hd_vec_reserve_((void **)&(vec)->items, (vec)->count, &(vec)->capacity, (more),                  \
                  sizeof *(vec)->items)
#define hd_vec_push(vec, ...)                                                                      \
  (hd_vec_reserve((vec), 1) && ((vec)->items[(vec)->count++] = (__VA_ARGS__), true))
#define hd_vec_deinit(vec)                                                                         \
  (hd_free((vec)->items), (vec)->items = NULL, (vec)->count = (vec)->capacity = 0)

#include "base/alloc.h"

bool hd_vec_reserve_(void **items, size_t count, size_t *capacity, size_t more, size_t item_size);

#endif
