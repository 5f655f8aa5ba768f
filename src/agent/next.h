/* The functions that the hooks stand before: whatever the program would have
 * called without the agent. */
#ifndef HD_AGENT_NEXT_H
#define HD_AGENT_NEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_next {
  void *(*malloc)(size_t size);
  void *(*calloc)(size_t count, size_t size);
  void *(*realloc)(void *block, size_t size);
  void (*free)(void *block);
  int (*posix_memalign)(void **block, size_t align, size_t size);
  void *(*aligned_alloc)(size_t align, size_t size);
  void *(*memalign)(size_t align, size_t size);
  void *(*valloc)(size_t size);
  void *(*pvalloc)(size_t size);
  size_t (*malloc_usable_size)(void *block);
  void (*free_sized)(void *block, size_t size);
  void (*free_aligned_sized)(void *block, size_t align, size_t size);
};

/* Until the real ones are known these find them first. */
extern struct hd_next hd_next __attribute__((visibility("hidden")));

/* Set where the agent was opened by dlopen: it is the last in the order in which
 * functions are looked for, so nothing comes behind it. */
extern bool hd_attached __attribute__((visibility("hidden")));

/* A function by name behind the agent's own, NULL where there is none. In a process
 * that the agent was attached to only what a hook stands before, once the table of
 * those is made (hook_table.h). */
void *hd_next_find(const char *name);
/* The same, of any function. Takes the loader's lock. */
void *hd_next_look_up(const char *name);
/* Finds the allocator's functions; safe to call again. */
void hd_next_resolve(void);

/* Memory that was handed out while they were being looked for. */
enum { HD_BOOT_BYTES = 16 * 1024 };
extern char hd_boot_memory[HD_BOOT_BYTES];
static inline bool hd_is_boot_memory(const void *block)
{
  return (uintptr_t)block - (uintptr_t)hd_boot_memory < HD_BOOT_BYTES;
}
/* The size of such a block. */
size_t hd_boot_size(const void *block);
/* Such a block was freed: its memory is not used again. */
void hd_boot_freed(void);
/* Whether there are such blocks that have not been freed. */
bool hd_boot_is_used(void);
/* Counts all of them in a filter, so that freeing one is noticed. */
struct hd_filter;
void hd_boot_count_in(struct hd_filter *filter);

#endif
