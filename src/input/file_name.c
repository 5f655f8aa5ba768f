#include "input/file_name.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

/* A name that is taken apart from its end. */
struct rest {
  const char *at, *end;
};

static bool drop(struct rest *rest, const char *tail)
{
  size_t length = strlen(tail);
  if ((size_t)(rest->end - rest->at) < length || memcmp(rest->end - length, tail, length) != 0)
    return false;
  rest->end -= length;
  return true;
}

/* Digits behind `mark`, which is dropped with them. */
static bool drop_number(struct rest *rest, char mark, int64_t *number)
{
  enum { MOST = 18 };
  const char *at = rest->end;
  int64_t sum = 0;
  while (at > rest->at && at[-1] >= '0' && at[-1] <= '9')
    at--;
  if (at == rest->end || rest->end - at > MOST || at == rest->at || at[-1] != mark)
    return false;
  for (const char *digit = at; digit < rest->end; digit++)
    sum = sum * 10 + (*digit - '0');
  *number = sum;
  rest->end = at - 1;
  return true;
}

/* jemalloc's ".i3", ".m0", ".u1", ".f": why it was written, and how many times. */
static bool drop_kind(struct rest *rest)
{
  struct rest ahead = *rest;
  while (ahead.end > ahead.at && ahead.end[-1] >= '0' && ahead.end[-1] <= '9')
    ahead.end--;
  if (ahead.end - ahead.at < 2 || !strchr("imuf", ahead.end[-1]) || ahead.end[-2] != '.')
    return false;
  rest->end = ahead.end - 2;
  return true;
}

static bool of_allocator(struct rest rest, struct hd_file_name *name)
{
  if (!drop(&rest, ".heap"))
    return false;
  if (drop_kind(&rest)) {
    if (!drop_number(&rest, '.', &name->sequence) || !drop_number(&rest, '.', &name->pid))
      return false;
  } else if (!drop_number(&rest, '.', &name->sequence)) {
    return false;
  } else {
    drop_number(&rest, '_', &name->pid);
  }
  name->length = (size_t)(rest.end - rest.at);
  return true;
}

static bool of_tool(struct rest rest, struct hd_file_name *name)
{
  static const char *const tools[] = {"massif.out", "dhat.out", "heaptrack."};
  if (!drop_number(&rest, '.', &name->pid))
    return false;
  for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
    if ((size_t)(rest.end - rest.at) >= strlen(tools[i]) &&
        memcmp(rest.at, tools[i], strlen(tools[i])) == 0) {
      name->length = (size_t)(rest.end - rest.at);
      return true;
    }
  return false;
}

/* ".20261125T190312.125Z.heapdiff": when it was fetched. */
static bool of_url(struct rest rest, struct hd_file_name *name)
{
  static const char form[] = ".00000000T000000.000Z";
  enum { LENGTH = sizeof form - 1 };
  struct tm tm = {0};
  if (!drop(&rest, ".heapdiff") || rest.end - rest.at <= LENGTH)
    return false;
  const char *at = rest.end - LENGTH;
  for (size_t i = 0; i < LENGTH; i++)
    if (form[i] == '0' ? at[i] < '0' || at[i] > '9' : at[i] != form[i])
      return false;
  /* Whatever number of milliseconds there is: strptime stops before it. */
  if (!strptime(at, ".%Y%m%dT%H%M%S", &tm) || tm.tm_year < 70 || tm.tm_year > 300)
    return false;
  const char *ms = rest.end - 4;
  name->time_ns = (int64_t)timegm(&tm) * 1000000000 +
                  ((ms[0] - '0') * 100 + (ms[1] - '0') * 10 + ms[2] - '0') * INT64_C(1000000);
  name->length = (size_t)(at - rest.at);
  return true;
}

/* The second program image of a process is PROGRAM.PID-2: a series of its own. */
static bool of_agent(struct rest rest, struct hd_file_name *name)
{
  int64_t image;
  if (!drop(&rest, ".heapdiff.pb") || !drop_number(&rest, '.', &name->sequence))
    return false;
  struct rest whole = rest;
  bool later = drop_number(&rest, '-', &image);
  if (!drop_number(&rest, '.', &name->pid) || rest.end == rest.at)
    return false;
  name->length = (size_t)((later ? whole.end : rest.end) - rest.at);
  return true;
}

struct hd_file_name hd_file_name_read(const char *path)
{
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  struct rest rest = {base, base + strlen(base)};
  struct hd_file_name name = {base, 0, 0, -1, 0};
  if (of_url(rest, &name))
    return name;
  if (!drop(&rest, ".gz"))
    drop(&rest, ".zst");
  if (of_allocator(rest, &name))
    return name;
  name = (struct hd_file_name){base, 0, 0, -1, 0};
  if (of_tool(rest, &name))
    return name;
  name = (struct hd_file_name){base, 0, 0, -1, 0};
  if (of_agent(rest, &name))
    return name;
  return (struct hd_file_name){base, 0, 0, -1, 0};
}
