#include "readers/go_dump.h"

#include <string.h>

/* A wait that is longer than this was not meant: 190 years. */
#define MAX_MINUTES 100000000u

static bool ends_with(struct hd_scan text, const char *tail)
{
  size_t length = strlen(tail);
  return hd_scan_left(&text) >= length && memcmp(text.end - length, tail, length) == 0;
}

/* One of what follows the state: "5 minutes", "locked to thread", "synctest bubble 3". */
static void read_detail(struct hd_scan detail, struct hd_go_header *header)
{
  struct hd_scan ahead = detail;
  uint64_t number;
  if (hd_scan_literal(&ahead, "locked to thread")) {
    header->locked = true;
  } else if (hd_scan_literal(&ahead, "synctest bubble ")) {
    if (hd_scan_uint(&ahead, &number))
      header->bubble = number;
  } else if (hd_scan_uint(&ahead, &number) && hd_scan_literal(&ahead, " minute")) {
    header->minutes = number < MAX_MINUTES ? number : MAX_MINUTES;
  }
}

/* Between the brackets: the state, then details, each behind a comma. */
static void read_state(struct hd_scan inside, struct hd_go_header *header)
{
  static const char scan[] = " (scan)";
  const char *comma = memchr(inside.at, ',', hd_scan_left(&inside));
  header->state = (struct hd_scan){inside.at, comma ? comma : inside.end};
  if (ends_with(header->state, scan))
    header->state.end -= sizeof scan - 1;
  while (comma) {
    struct hd_scan detail = {comma + 1, inside.end};
    comma = memchr(detail.at, ',', hd_scan_left(&detail));
    if (comma)
      detail.end = comma;
    hd_scan_trim(&detail);
    read_detail(detail, header);
  }
}

bool hd_go_header_read(struct hd_scan line, struct hd_go_header *header)
{
  *header = (struct hd_go_header){0};
  if (!hd_scan_literal(&line, "goroutine ") || line.at == line.end || *line.at == ' ' ||
      !hd_scan_uint(&line, &header->id) || line.at == line.end || *line.at != ' ' ||
      line.end[-1] != ':')
    return false;
  line.end--;
  const char *open = memchr(line.at, '[', hd_scan_left(&line));
  const char *close = open ? memchr(open, ']', (size_t)(line.end - open)) : NULL;
  if (!close)
    return false;
  read_state((struct hd_scan){open + 1, close}, header);
  header->labels = (struct hd_scan){close + 1, line.end};
  hd_scan_trim(&header->labels);
  return true;
}
