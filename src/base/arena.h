/* Memory that is freed all at once. Blocks are chained and never move, so a
 * pointer into an arena stays good until hd_arena_deinit. */
#ifndef HD_BASE_ARENA_H
#define HD_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct hd_arena_block;

struct hd_arena {
  struct hd_arena_block *head;
  size_t used, capacity; /* of the head block */
};

#define HD_ARENA_INIT {NULL, 0, 0}

/* Aligned for any object; NULL when memory is short. Not zeroed. */
void *hd_arena_alloc(struct hd_arena *arena, size_t size);
/* A terminated copy of `length` bytes. */
char *hd_arena_copy(struct hd_arena *arena, const char *text, size_t length);
char *hd_arena_vprintf(struct hd_arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
char *hd_arena_printf(struct hd_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void hd_arena_deinit(struct hd_arena *arena);

#endif
