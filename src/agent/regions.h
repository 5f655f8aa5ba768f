/* What the resident set is made of, as far as the kernel and libc can say: beside
 * the heap that is recorded, so that RSS can be explained. Estimates. */
#ifndef HD_AGENT_REGIONS_H
#define HD_AGENT_REGIONS_H

#include "process_info.h"

#include <stdbool.h>
#include <stdint.h>

/* Resident bytes by kind, of /proc/self/smaps. */
struct hd_regions {
  bool known;
  uint64_t brk;       /* "[heap]" */
  uint64_t arenas;    /* of libc's malloc, besides */
  uint64_t stacks;    /* of all threads */
  uint64_t go;        /* the heap of Go's runtime */
  uint64_t files;     /* mapped files, programs and libraries with them */
  uint64_t shared;    /* shared memory */
  uint64_t anonymous; /* what else is anonymous: large blocks of malloc, mmap */
  uint64_t other;
};

/* What libc's malloc says of itself (mallinfo2), in bytes. */
struct hd_malloc_figures {
  bool known;
  uint64_t system; /* from the kernel */
  uint64_t used;   /* of it, in blocks that are not free, with their overhead */
  uint64_t mapped; /* of both, in mappings of their own */
};

void hd_regions_start(void);
/* Looks through all mappings, which takes the kernel longer the more is resident:
 * so not again before a hundred times as long has passed. Only with the writer's
 * lock. */
void hd_regions_look(struct hd_regions *regions, struct hd_scratch_text *buffer);
/* Asks libc, which takes its locks and looks at every free block: only the agent's
 * own thread may, while it holds no lock, of a heap that is not very large, and never
 * again once it took long. */
void hd_malloc_ask(void);
/* What it answered, for the one snapshot that comes next. */
void hd_malloc_figures(struct hd_malloc_figures *figures);

#endif
