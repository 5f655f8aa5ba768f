#include "truth.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_SITES = 64, BLOCK_SLOTS = 1 << 22 };

struct site {
  const char *function;
  int line;
  long long bytes, objects, alloc_bytes, alloc_objects;
};

/* One open-addressed slot: a block that is live. */
struct block {
  uintptr_t address; /* 0 never used, 1 was deleted */
  size_t bytes;
  struct site *site;
};

static struct site sites[MAX_SITES];
static size_t site_count;
static struct block *blocks; /* NULL until started */
static size_t block_count;
static const char *output;
static int overflowed;

int truth_start(const char *path)
{
  void *memory = mmap(NULL, sizeof *blocks * BLOCK_SLOTS, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return -1;
  blocks = memory;
  output = path;
  return 0;
}

static struct site *site_of(const char *function, int line)
{
  for (size_t i = 0; i < site_count; i++)
    if (sites[i].line == line && strcmp(sites[i].function, function) == 0)
      return &sites[i];
  if (site_count == MAX_SITES) {
    overflowed = 1;
    return &sites[0];
  }
  sites[site_count] = (struct site){.function = function, .line = line};
  return &sites[site_count++];
}

static size_t slot_of(uintptr_t address)
{
  return (size_t)((address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % BLOCK_SLOTS;
}

void *truth_alloc(const char *function, int line, size_t bytes, void *block)
{
  if (!blocks || !block)
    return block;
  struct site *site = site_of(function, line);
  site->bytes += (long long)bytes;
  site->objects++;
  site->alloc_bytes += (long long)bytes;
  site->alloc_objects++;
  if (++block_count > BLOCK_SLOTS / 2) {
    overflowed = 1;
    return block;
  }
  size_t slot = slot_of((uintptr_t)block);
  while (blocks[slot].address > 1)
    slot = (slot + 1) % BLOCK_SLOTS;
  blocks[slot] = (struct block){(uintptr_t)block, bytes, site};
  return block;
}

void truth_forget(const void *block)
{
  if (!blocks || !block)
    return;
  for (size_t slot = slot_of((uintptr_t)block); blocks[slot].address;
       slot = (slot + 1) % BLOCK_SLOTS)
    if (blocks[slot].address == (uintptr_t)block) {
      blocks[slot].site->bytes -= (long long)blocks[slot].bytes;
      blocks[slot].site->objects--;
      blocks[slot].address = 1;
      block_count--;
      return;
    }
  overflowed = 1; /* a block that was never counted: the books are wrong */
}

void truth_expect(const char *function, int line, size_t bytes, size_t objects)
{
  if (!blocks)
    return;
  struct site *site = site_of(function, line);
  site->bytes += (long long)bytes;
  site->objects += (long long)objects;
}

static int put(int fd, const char *text)
{
  size_t length = strlen(text);
  return write(fd, text, length) == (ssize_t)length ? 0 : -1;
}

static int put_site(int fd, const struct site *site, int first)
{
  char text[512], allocated[128] = "";
  if (site->alloc_objects)
    snprintf(allocated, sizeof allocated, ",\"alloc_bytes\":%lld,\"alloc_objects\":%lld",
             site->alloc_bytes, site->alloc_objects);
  snprintf(text, sizeof text,
           "%s\n{\"function\":\"%s\",\"line\":%d,\"bytes\":%lld,\"objects\":%lld%s}",
           first ? "" : ",", site->function, site->line, site->bytes, site->objects, allocated);
  return put(fd, text);
}

int truth_finish(void)
{
  if (!blocks)
    return 0;
  int fd = overflowed ? -1 : open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    return -1;
  int result = put(fd, "{\"sites\":[");
  for (size_t i = 0; i < site_count; i++)
    result |= put_site(fd, &sites[i], i == 0);
  result |= put(fd, "\n]}\n");
  return close(fd) | result;
}
