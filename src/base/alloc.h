/* The one door to the heap. Everything in the library allocates through it (the
 * third-party libraries are pointed at it where they allow that), so that a test
 * can make the n-th allocation fail. All return NULL when memory is short. */
#ifndef HD_BASE_ALLOC_H
#define HD_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *hd_alloc(size_t size);
void *hd_alloc_zeroed(size_t count, size_t size);
void *hd_realloc(void *block, size_t size);
void hd_free(void *block);
char *hd_strdup(const char *text);

/* Called before every allocation; false makes it fail. NULL restores the normal
 * state. For tests only, not thread-safe. */
void hd_alloc_set_hook(bool (*allow)(void));

/* Frees on leaving the scope: `HD_SCOPED_FREE char *text = ...`. */
void hd_free_scoped(void *pointer_to_block);
#define HD_SCOPED_FREE __attribute__((cleanup(hd_free_scoped)))

#endif
