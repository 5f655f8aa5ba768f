/* Work that may crash, hang or eat the memory: a child process does it, and only its answer
 * is lost with it.
 *
 * The child is a fork, which has this thread alone: whatever lock of our own the work
 * needs is to be held by the caller while it is started. It inherits no handler of the
 * signals of a crash, dumps no core, ends with its parent, and runs no exit handler. */
#ifndef HD_SYMBOLS_ISOLATED_H
#define HD_SYMBOLS_ISOLATED_H

#include "base/buffer.h"
#include "symbols/elf_file.h"

#include <sys/types.h>

/* How long a child may take: opening and looking up have HD_DWARF_SECONDS each. And what it
 * may take of memory beyond what its parent had. */
enum { HD_ISOLATED_SECONDS = 180 };
#define HD_ISOLATED_BYTES ((uint64_t)4 << 30)

/* For tests: HD_ISOLATED_SECONDS, and what the child does first (NULL nothing), with the end
 * of the pipe that it answers through. */
extern int hd_isolated_seconds;
extern void (*hd_isolated_hook)(int fd);

struct hd_isolated {
  pid_t pid; /* -1: it could not be started */
  int fd;    /* its answer */
  int error; /* why not, an errno */
};

/* Starts a child that does `work`, which appends its answer; false of it: want of memory. */
void hd_isolated_start(struct hd_isolated *child,
                       bool (*work)(void *context, struct hd_buffer *answer), void *context);
/* Waits for its end, and gives the answer that it wrote (to be freed with the buffer in any
 * case): bytes that may be anything. False: there is none, and `reason` says why in half a
 * sentence; or, where that is "", memory is short here. */
bool hd_isolated_finish(struct hd_isolated *child, struct hd_buffer *answer,
                        char reason[HD_REASON]);

#endif
