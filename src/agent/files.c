#include "files.h"

#include "memory.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { MAPS_BYTES = 1 << 20, DECIMAL_DIGITS = 20 };

bool hd_text_copy(char *out, size_t capacity, const char *text)
{
  size_t length = strlen(text);
  if (length >= capacity) {
    out[0] = '\0';
    return false;
  }
  memcpy(out, text, length + 1);
  return true;
}

void hd_text_add(struct hd_text *text, const char *more)
{
  size_t length = strlen(more);
  if (text->failed || length >= text->capacity - text->length) {
    text->failed = true;
    return;
  }
  memcpy(text->data + text->length, more, length + 1);
  text->length += length;
}

void hd_text_number(struct hd_text *text, uint64_t number, unsigned digits)
{
  char reversed[DECIMAL_DIGITS + 1], out[DECIMAL_DIGITS + 1];
  unsigned count = 0;
  do {
    reversed[count++] = (char)('0' + number % 10);
    number /= 10;
  } while ((number || count < digits) && count < DECIMAL_DIGITS);
  for (unsigned i = 0; i < count; i++)
    out[i] = reversed[count - 1 - i];
  out[count] = '\0';
  hd_text_add(text, out);
}

size_t hd_read_file(const char *path, char *out, size_t capacity)
{
  size_t length = 0;
  long fd = hd_sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  while (fd >= 0 && length < capacity - 1) {
    long got = hd_sys3(SYS_read, fd, out + length, capacity - 1 - length);
    if (got == -EINTR)
      continue;
    if (got <= 0)
      break;
    length += (size_t)got;
  }
  if (fd >= 0)
    hd_sys1(SYS_close, fd);
  out[length] = '\0';
  return length;
}

bool hd_read_link(const char *path, char *out, size_t capacity)
{
  long length = hd_sys4(SYS_readlinkat, AT_FDCWD, path, out, capacity - 1);
  out[length > 0 ? length : 0] = '\0';
  return length > 0;
}

const char *hd_hexadecimal(const char *text, uintptr_t *value)
{
  *value = 0;
  for (;; text++) {
    unsigned digit;
    if (*text >= '0' && *text <= '9')
      digit = (unsigned)(*text - '0');
    else if (*text >= 'a' && *text <= 'f')
      digit = (unsigned)(*text - 'a') + 10;
    else
      return text;
    *value = *value << 4 | digit;
  }
}

/* A line is "start-end perms offset device inode   path". */
static bool line_path(const char *line, uintptr_t address, char *out, size_t capacity)
{
  uintptr_t start, end;
  const char *at = hd_hexadecimal(line, &start);
  if (*at != '-')
    return false;
  hd_hexadecimal(at + 1, &end);
  const char *path = strchr(line, '/');
  return address >= start && address < end && path && hd_text_copy(out, capacity, path);
}

bool hd_mapped_path(uintptr_t address, char *out, size_t capacity)
{
  bool found = false;
  char *maps = hd_map(MAPS_BYTES);
  if (!maps)
    return false;
  hd_read_file("/proc/self/maps", maps, MAPS_BYTES);
  for (char *line = maps; *line && !found;) {
    char *end = strchr(line, '\n');
    if (!end)
      break;
    *end = '\0';
    found = line_path(line, address, out, capacity);
    line = end + 1;
  }
  hd_unmap(maps, MAPS_BYTES);
  return found;
}
