/* smaps has for each mapping a line "start-end perms offset device inode path" and
 * then lines of figures, of which "Rss:" is read (proc(5)). Kinds are told by
 * names, by where Go's runtime puts its heap, and by what libc does: it starts an
 * arena at a multiple of 64 MB and leaves its rest without access behind it, and
 * puts a page without access before the stack of a thread. */
#include "regions.h"

#include "clock.h"
#include "files.h"
#include "next.h"
#include "series.h"
#include "sys.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>

#define ARENA_ALIGN ((uintptr_t)64 << 20)
#define GO_START UINT64_C(0xc000000000)
#define GO_END UINT64_C(0x10000000000)
/* How much of the time may go into looking, and how long asking libc may take. */
enum { REST = 100 };
#define ASK_LIMIT_NS UINT64_C(5000000)
/* Nor is libc asked about heaps of which so much is resident: it looks at each free
 * block with its locks held, and millions may have become free since. */
#define ASK_LIMIT_BYTES (UINT64_C(256) << 20)

static _Atomic(uint64_t) heap_bytes; /* of brk and arenas, when it was looked at last */

enum kind { BRK, STACK, GO, FILE_MAPPING, SHARED, ANONYMOUS, OTHER };

struct mapping {
  uintptr_t start, end;
  uint64_t resident;
  enum kind kind;
  bool closed; /* without any access */
  bool plain;  /* private, readable, writable, without a name */
};

/* A mapping is counted when its neighbours are known. */
struct walk {
  struct mapping before, current;
  struct hd_regions *regions;
};

static const char *skip_fields(const char *text, int fields)
{
  while (fields-- > 0) {
    while (*text && *text != ' ')
      text++;
    while (*text == ' ')
      text++;
  }
  return text;
}

static bool begins(const char *text, const char *head)
{
  return strncmp(text, head, strlen(head)) == 0;
}

static enum kind kind_of(const char *path, bool shared, uintptr_t start)
{
  if (shared)
    return SHARED;
  if (path[0] == '/')
    return FILE_MAPPING;
  if (begins(path, "[heap]"))
    return BRK;
  if (begins(path, "[stack"))
    return STACK;
  if (begins(path, "[anon: Go"))
    return GO;
  if (path[0] && !begins(path, "[anon"))
    return OTHER;
  return start >= GO_START && start < GO_END ? GO : ANONYMOUS;
}

static void count(struct walk *walk, const struct mapping *next)
{
  const struct mapping *it = &walk->current;
  struct hd_regions *regions = walk->regions;
  bool arena = it->plain && it->start % ARENA_ALIGN == 0 &&
               (it->end - it->start == ARENA_ALIGN || (next->closed && next->start == it->end));
  bool stack = it->plain && walk->before.closed && walk->before.end == it->start;
  uint64_t *sums[] = {[BRK] = &regions->brk,       [STACK] = &regions->stacks,
                      [GO] = &regions->go,         [FILE_MAPPING] = &regions->files,
                      [SHARED] = &regions->shared, [ANONYMOUS] = &regions->anonymous,
                      [OTHER] = &regions->other};
  if (it->kind == ANONYMOUS && arena)
    regions->arenas += it->resident;
  else if (it->kind == ANONYMOUS && stack)
    regions->stacks += it->resident;
  else
    *sums[it->kind] += it->resident;
}

static void begin_mapping(struct walk *walk, const char *line)
{
  struct mapping next = {.kind = OTHER};
  const char *at = hd_hexadecimal(line, &next.start);
  if (*at++ != '-')
    return;
  at = hd_hexadecimal(at, &next.end);
  const char *access = skip_fields(at, 1), *path = skip_fields(access, 4);
  next.closed = begins(access, "---p");
  next.kind = kind_of(path, access[0] && access[1] && access[2] && access[3] == 's', next.start);
  next.plain = begins(access, "rw-p") && !path[0];
  count(walk, &next);
  walk->before = walk->current;
  walk->current = next;
}

static void take_line(struct walk *walk, const char *line)
{
  if ((line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f'))
    begin_mapping(walk, line);
  else if (begins(line, "Rss:"))
    walk->current.resident = hd_decimal(line + strlen("Rss:")) * 1024;
}

/* Lines of a text; returns what is left of the last one, moved to the front. */
static size_t take_lines(struct walk *walk, char *text, size_t length)
{
  char *line = text, *end;
  text[length] = '\0';
  while ((end = strchr(line, '\n'))) {
    *end = '\0';
    take_line(walk, line);
    line = end + 1;
  }
  size_t left = length - (size_t)(line - text);
  memmove(text, line, left);
  return left;
}

static bool read_all(struct walk *walk, struct hd_scratch_text *buffer)
{
  long fd = hd_sys4(SYS_openat, AT_FDCWD, "/proc/self/smaps", O_RDONLY | O_CLOEXEC, 0);
  size_t left = 0;
  long got = fd;
  while (fd >= 0 && left < sizeof buffer->file - 1) {
    got = hd_sys3(SYS_read, fd, buffer->file + left, sizeof buffer->file - 1 - left);
    if (got <= 0)
      break;
    left = take_lines(walk, buffer->file, left + (size_t)got);
  }
  if (fd >= 0)
    hd_sys1(SYS_close, fd);
  return got == 0;
}

void hd_regions_look(struct hd_regions *regions, struct hd_scratch_text *buffer)
{
  static uint64_t looked_ns, took_ns;
  uint64_t now = hd_monotonic_ns();
  struct walk walk = {.current = {.kind = OTHER}, .before = {.kind = OTHER}, .regions = regions};
  const struct mapping end = {.kind = OTHER};
  *regions = (struct hd_regions){.known = false};
  if (looked_ns && now - looked_ns < took_ns * REST)
    return;
  uint64_t began = hd_clock_ns(CLOCK_THREAD_CPUTIME_ID);
  regions->known = read_all(&walk, buffer);
  count(&walk, &end);
  took_ns = hd_clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
  looked_ns = now;
  atomic_store(&heap_bytes, regions->brk + regions->arenas);
}


static struct mallinfo2 (*ask)(void);
static _Atomic(bool) answered;
static _Atomic(uint64_t) system_bytes, used_bytes, mapped_bytes;

void hd_regions_start(void)
{
  if (strstr(hd_series.allocator, "/libc.so") || strstr(hd_series.allocator, "/libc-"))
    ask = (struct mallinfo2(*)(void))(uintptr_t)hd_next_find("mallinfo2");
}

void hd_malloc_ask(void)
{
  if (!ask || atomic_load(&heap_bytes) > ASK_LIMIT_BYTES)
    return;
  uint64_t began = hd_clock_ns(CLOCK_THREAD_CPUTIME_ID);
  struct mallinfo2 said = ask();
  atomic_store(&system_bytes, said.arena + said.hblkhd);
  atomic_store(&used_bytes, said.uordblks + said.hblkhd);
  atomic_store(&mapped_bytes, said.hblkhd);
  atomic_store(&answered, true);
  if (hd_clock_ns(CLOCK_THREAD_CPUTIME_ID) - began > ASK_LIMIT_NS)
    ask = NULL;
}

void hd_malloc_figures(struct hd_malloc_figures *figures)
{
  *figures = (struct hd_malloc_figures){.known = atomic_exchange(&answered, false),
                                        .system = atomic_load(&system_bytes),
                                        .used = atomic_load(&used_bytes),
                                        .mapped = atomic_load(&mapped_bytes)};
}
