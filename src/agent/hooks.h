/* The functions that the agent puts before the program's own: the only symbols
 * that it exports. */
#ifndef HD_AGENT_HOOKS_H
#define HD_AGENT_HOOKS_H

#include <stddef.h>

/* Each begins a line of the cache of instructions. */
#define HD_EXPORT __attribute__((visibility("default"), aligned(64)))

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void *reallocarray(void *block, size_t count, size_t size);
void free(void *block);
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t align, size_t size);
int posix_memalign(void **block, size_t align, size_t size);
void *aligned_alloc(size_t align, size_t size);
void *memalign(size_t align, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
size_t malloc_usable_size(void *block);

#endif
