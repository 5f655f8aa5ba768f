/* To be preloaded: at every N-th allocation (HEAPDIFF_COMPARE_EVERY, 1 by default) the
 * stack is walked by the agent's unwinder and by libgcc's _Unwind_Backtrace, and the two
 * are compared frame by frame. Each process appends a line to HEAPDIFF_COMPARE_LOG when
 * it ends: stacks compared, equal, frames compared, and the first differences.
 *
 * The walk is made twice, from nothing and with the help of the last one, which was
 * helped itself: both must be equal to each other, and their hashes, always. */
#include "alone.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define SEEN __attribute__((visibility("default")))

enum { LIMIT = ALONE_FRAMES, SHOWN = 8 };

static struct {
  _Atomic(uint64_t) stacks, equal, frames, unequal_help;
} totals;

static struct difference {
  uint32_t at, ours, theirs; /* frames */
  uint64_t our_offset, their_offset;
  char our_module[64], their_module[64];
  bool truncated;
} differences[SHOWN];
static _Atomic(uint32_t) difference_count;

static uint64_t every = 1;
static bool ready;
static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t count, size_t size);
static void *(*next_realloc)(void *block, size_t size);
static __thread bool inside;
static __thread uint64_t countdown;
static uintptr_t own_start, own_end;

struct theirs {
  uint32_t count;
  uintptr_t lookups[LIMIT];
};

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *to)
{
  struct theirs *theirs = to;
  int before = 0;
  uintptr_t pc = _Unwind_GetIPInfo(context, &before);
  if (pc == 0 || pc - own_start < own_end - own_start)
    return _URC_NO_REASON;
  if (theirs->count == LIMIT)
    return _URC_END_OF_STACK;
  theirs->lookups[theirs->count++] = before ? pc : pc - 1;
  return _URC_NO_REASON;
}

static uint32_t frame_of(uintptr_t lookup)
{
  struct dl_find_object object;
  bool found = _dl_find_object((void *)lookup, &object) == 0;
  return hd_frame_for(found ? &object : NULL, lookup);
}

static void describe(uint32_t frame, char *module, uint64_t *offset)
{
  module[0] = '\0';
  *offset = 0;
  if (!frame)
    return;
  const struct hd_frame *f = hd_frame_at(frame - 1);
  *offset = f->offset;
  const char *path = f->module ? hd_module_at(f->module - 1)->path : "?";
  const char *slash = strrchr(path, '/');
  snprintf(module, 64, "%s", slash ? slash + 1 : path);
}

static void remember(const struct hd_walk *walk, const struct theirs *theirs, uint32_t at)
{
  uint32_t i = atomic_fetch_add(&difference_count, 1);
  if (i >= SHOWN)
    return;
  struct difference *d = &differences[i];
  d->at = at;
  d->ours = hd_walk_count(walk);
  d->theirs = theirs->count;
  d->truncated = walk->truncated;
  describe(at < hd_walk_count(walk) ? hd_walk_frame(walk, at) : 0, d->our_module, &d->our_offset);
  describe(at < theirs->count ? frame_of(theirs->lookups[at]) : 0, d->their_module,
           &d->their_offset);
}

static void compare(const struct hd_walk *walk, const struct theirs *theirs)
{
  uint32_t i = 0;
  while (i < hd_walk_count(walk) && i < theirs->count &&
         hd_walk_frame(walk, i) == frame_of(theirs->lookups[i]))
    i++;
  atomic_fetch_add(&totals.stacks, 1);
  atomic_fetch_add(&totals.frames, i);
  if (i == hd_walk_count(walk) && i == theirs->count)
    atomic_fetch_add(&totals.equal, 1);
  else
    remember(walk, theirs, i);
}

static bool is_same(const struct hd_walk *a, const struct hd_walk *b)
{
  if (hd_walk_count(a) != hd_walk_count(b) || a->truncated != b->truncated || a->hash != b->hash)
    return false;
  for (uint32_t i = 0; i < hd_walk_count(a); i++)
    if (hd_walk_frame(a, i) != hd_walk_frame(b, i))
      return false;
  return true;
}

static void look(const struct hd_entry *entry)
{
  struct hd_walk *helped = alone_walk(ALONE_HELPED), *anew = alone_walk(ALONE_ANEW);
  struct theirs theirs = {0};
  hd_walk_stack(helped, LIMIT, entry);
  anew->reusable = false;
  hd_walk_stack(anew, LIMIT, entry);
  if (!is_same(helped, anew))
    atomic_fetch_add(&totals.unequal_help, 1);
  _Unwind_Backtrace(note, &theirs);
  compare(helped, &theirs);
}

static void maybe(const struct hd_entry *entry)
{
  if (!ready || inside || countdown++ % every)
    return;
  inside = true;
  look(entry);
  inside = false;
}

HD_ENTERED void *malloc_entered(size_t size, const struct hd_entry *entry)
{
  if (!next_malloc)
    next_malloc = (void *(*)(size_t))(uintptr_t)dlsym(RTLD_NEXT, "malloc");
  maybe(entry);
  return next_malloc(size);
}

HD_ENTERED void *realloc_entered(void *block, size_t size, const struct hd_entry *entry)
{
  if (!next_realloc)
    next_realloc = (void *(*)(void *, size_t))(uintptr_t)dlsym(RTLD_NEXT, "realloc");
  maybe(entry);
  return next_realloc(block, size);
}

/* dlsym itself may call it: then there is no memory, which it bears. */
HD_ENTERED void *calloc_entered(size_t number, size_t size, const struct hd_entry *entry)
{
  static bool finding;
  if (!next_calloc && finding)
    return NULL;
  if (!next_calloc) {
    finding = true;
    next_calloc = (void *(*)(size_t, size_t))(uintptr_t)dlsym(RTLD_NEXT, "calloc");
  }
  maybe(entry);
  return next_calloc(number, size);
}

void *hd_enter_malloc_entered(size_t size);
void *hd_enter_realloc_entered(void *block, size_t size);
void *hd_enter_calloc_entered(size_t number, size_t size);
HD_ENTRY(malloc_entered, "rsi");
HD_ENTRY(realloc_entered, "rdx");
HD_ENTRY(calloc_entered, "rdx");

SEEN void *malloc(size_t size)
{
  return hd_enter_malloc_entered(size);
}

SEEN void *realloc(void *block, size_t size)
{
  return hd_enter_realloc_entered(block, size);
}

SEEN void *calloc(size_t number, size_t size)
{
  return hd_enter_calloc_entered(number, size);
}

__attribute__((constructor)) static void begin(void)
{
  struct dl_find_object self;
  const char *text = getenv("HEAPDIFF_COMPARE_EVERY");
  if (_dl_find_object((void *)(uintptr_t)begin, &self) == 0) {
    own_start = (uintptr_t)self.dlfo_map_start;
    own_end = (uintptr_t)self.dlfo_map_end;
  }
  if (text && atol(text) > 0)
    every = (uint64_t)atol(text);
  alone_start();
  ready = true;
}

/* Where an object is unmapped, what was learned of it holds no longer. */
SEEN int dlclose(void *handle)
{
  int (*next)(void *) = (int (*)(void *))(uintptr_t)dlsym(RTLD_NEXT, "dlclose");
  hd_modules_closing();
  int result = next(handle);
  hd_modules_closed();
  return result;
}

__attribute__((destructor)) static void end(void)
{
  const char *log = getenv("HEAPDIFF_COMPARE_LOG");
  char text[8192];
  ready = false;
  int length = snprintf(text, sizeof text, "%lu %lu %lu %lu", totals.stacks, totals.equal,
                        totals.frames, totals.unequal_help);
  for (uint32_t i = 0; i < difference_count && i < SHOWN; i++) {
    const struct difference *d = &differences[i];
    length += snprintf(text + length, sizeof text - (size_t)length,
                       " | frame %u of %u%s against %u: %s+0x%lx, %s+0x%lx", d->at, d->ours,
                       d->truncated ? " (cut)" : "", d->theirs, d->our_module, d->our_offset,
                       d->their_module, d->their_offset);
  }
  text[length++] = '\n';
  int fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
  if (fd < 0 || write(fd, text, (size_t)length) != length)
    _exit(1);
  close(fd);
}
