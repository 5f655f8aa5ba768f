#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024 - 64 };

struct hd_arena_block {
  struct hd_arena_block *next;
  alignas(max_align_t) char data[];
};

void *hd_arena_alloc(struct hd_arena *arena, size_t size)
{
  const size_t align = alignof(max_align_t);
  if (size > SIZE_MAX / 2)
    return NULL;
  size = (size + align - 1) & ~(align - 1);
  if (!arena->head || arena->capacity - arena->used < size) {
    size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct hd_arena_block *block = hd_alloc(sizeof *block + capacity);
    if (!block)
      return NULL;
    if (size > BLOCK_SIZE && arena->head) {
      /* A large object gets a block of its own behind the head, whose rest
       * stays in use. */
      block->next = arena->head->next;
      arena->head->next = block;
      return block->data;
    }
    block->next = arena->head;
    arena->head = block;
    arena->used = 0;
    arena->capacity = capacity;
  }
  void *result = arena->head->data + arena->used;
  arena->used += size;
  return result;
}

char *hd_arena_copy(struct hd_arena *arena, const char *text, size_t length)
{
  char *copy = hd_arena_alloc(arena, length + 1);
  if (copy) {
    if (length)
      memcpy(copy, text, length);
    copy[length] = '\0';
  }
  return copy;
}

char *hd_arena_vprintf(struct hd_arena *arena, const char *format, va_list args)
{
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  char *text = length < 0 ? NULL : hd_arena_alloc(arena, (size_t)length + 1);
  if (text)
    vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

char *hd_arena_printf(struct hd_arena *arena, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  char *text = hd_arena_vprintf(arena, format, args);
  va_end(args);
  return text;
}

void hd_arena_deinit(struct hd_arena *arena)
{
  while (arena->head) {
    struct hd_arena_block *next = arena->head->next;
    hd_free(arena->head);
    arena->head = next;
  }
  arena->used = arena->capacity = 0;
}
