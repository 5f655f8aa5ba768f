/* A program for tests of `heapdiff check`: it holds some 20 MiB at several sites when it
 * ends. The builds of it differ by one macro each:
 *
 *   (none)       the base
 *   LEAK         a cache that forgets to free: 2 MiB more, at a line of its own
 *   MORE_SESSIONS  a site that is there holds so many more, LEAK_BYTES
 *   RENAMED      a function has another name
 *   HELPER       what one function allocated is now allocated by a helper that it calls
 *   INLINED      a helper's code is written out in its caller
 *
 *   usage: gated [--mib N]     N MiB in all, 10 to 40 (default 20) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef LEAK_BYTES
#define LEAK_BYTES (2 << 20)
#endif

#ifdef RENAMED
#define load_table load_symbols
#endif

struct block {
  struct block *next;
  char rest[];
};

static struct block *held;

__attribute__((noinline)) static void hold(struct block *block, size_t size)
{
  if (!block)
    exit(3);
  memset(block->rest, 1, size - sizeof *block);
  block->next = held;
  held = block;
}

#ifdef HELPER
__attribute__((noinline)) static struct block *new_session(size_t size)
{
  struct block *block = malloc(size);
  if (block)
    block->next = NULL; /* no tail call: the helper has a frame of its own */
  return block;
}
#endif

/* Many small ones. */
__attribute__((noinline)) static void open_sessions(size_t bytes)
{
  for (size_t done = 0, i = 0; done < bytes; i++) {
    size_t size = 64 + 32 * (i % 7);
#ifdef HELPER
    struct block *block = new_session(size);
#else
    struct block *block = malloc(size);
#endif
    hold(block, size);
    done += size;
  }
}

/* Pages of one size, and a header for each. */
__attribute__((noinline)) static void load_table(size_t bytes)
{
  for (size_t done = 0; done < bytes; done += 4096 + 48) {
    struct block *header = malloc(48);
    hold(header, 48);
    struct block *page = malloc(4096);
    hold(page, 4096);
  }
}

/* A few large ones. */
__attribute__((noinline)) static void map_files(size_t bytes)
{
  size_t size = 256 * 1024;
  for (size_t done = 0; done < bytes; done += size) {
    struct block *file = malloc(size);
    hold(file, size);
  }
}

#ifndef INLINED
__attribute__((noinline)) static struct block *new_entry(size_t size)
{
  struct block *entry = malloc(size);
  if (entry)
    entry->next = NULL;
  return entry;
}
#endif

__attribute__((noinline)) static void fill_cache(size_t bytes)
{
  for (size_t done = 0, i = 0; done < bytes; i++) {
    size_t size = 300 + i % 900;
#ifdef INLINED
    struct block *entry = malloc(size);
#else
    struct block *entry = new_entry(size);
#endif
    hold(entry, size);
    done += size;
  }
}

#ifdef LEAK
__attribute__((noinline)) static void serve(size_t bytes)
{
  for (size_t done = 0; done < bytes; done += 1000) {
    struct block *reply = malloc(1000);
    hold(reply, 1000); /* nobody ever frees it */
  }
}
#endif

int main(int argc, char **argv)
{
  size_t mib = argc == 3 && strcmp(argv[1], "--mib") == 0 ? strtoul(argv[2], NULL, 10) : 20;
  size_t part = mib * 1024 * 1024 / 10;
#ifdef MORE_SESSIONS
  open_sessions(part * 2 + LEAK_BYTES);
#else
  open_sessions(part * 2);
#endif
  load_table(part * 3);
  map_files(part * 2);
  fill_cache(part * 3);
#ifdef LEAK
  serve(LEAK_BYTES);
#endif
  return held == NULL;
}
