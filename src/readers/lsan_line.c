/* What a line of a log is to a leak report. */
#include "readers/lsan.h"

#include <string.h>

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* Moves `text` behind the first `words` in it. */
static bool find(struct hd_scan *text, const char *words)
{
  const char *at = memmem(text->at, hd_scan_left(text), words, strlen(words));
  if (at)
    text->at = at + strlen(words);
  return at != NULL;
}

/* "==4711==" at the end of a text; 0 where it is not there. */
static int64_t pid_before(const char *begin, const char *end)
{
  enum { MOST_DIGITS = 10 };
  if (end - begin < 2 || end[-1] != '=' || end[-2] != '=')
    return 0;
  const char *digits = end - 2;
  while (digits > begin && end - 2 - digits < MOST_DIGITS && is_digit(digits[-1]))
    digits--;
  struct hd_scan number = {digits, end - 2};
  int64_t pid;
  bool framed = digits - begin >= 2 && digits[-1] == '=' && digits[-2] == '=';
  return framed && hd_scan_int(&number, &pid) ? pid : 0;
}

/* The word before "Sanitizer", with it. */
static struct hd_scan tool_name(const char *begin, const char *end)
{
  const char *at = end;
  while (at > begin && ((at[-1] | 0x20) >= 'a' && (at[-1] | 0x20) <= 'z'))
    at--;
  return (struct hd_scan){at, end};
}

/* "ERROR: LeakSanitizer: detected memory leaks", or of another error. */
static bool read_error(struct hd_scan line, struct hd_lsan_line *out)
{
  struct hd_scan rest = line;
  if (!find(&rest, "ERROR: "))
    return false;
  const char *begin = rest.at - sizeof "ERROR: " + 1, *name = rest.at;
  if (!find(&rest, "Sanitizer"))
    return false;
  out->tool = tool_name(name, rest.at);
  if (out->tool.at != name || !hd_scan_literal(&rest, ": "))
    return false;
  out->pid = pid_before(line.at, begin);
  out->text = rest;
  out->kind = hd_scan_literal(&rest, "detected memory leaks") ? HD_LSAN_REPORT : HD_LSAN_ERROR;
  return true;
}

/* "SUMMARY: LeakSanitizer: 558 byte(s) leaked in 11 allocation(s)." */
static bool read_summary(struct hd_scan line, struct hd_lsan_line *out)
{
  struct hd_scan rest = line;
  if (!find(&rest, "SUMMARY: "))
    return false;
  const char *name = rest.at;
  if (!find(&rest, "Sanitizer"))
    return false;
  out->tool = tool_name(name, rest.at);
  if (out->tool.at != name || !hd_scan_literal(&rest, ": ") || !hd_scan_uint(&rest, &out->bytes) ||
      !hd_scan_literal(&rest, " byte(s) leaked in ") || !hd_scan_uint(&rest, &out->objects) ||
      !hd_scan_literal(&rest, " allocation(s)"))
    return false;
  out->kind = HD_LSAN_SUMMARY;
  return true;
}

/* "Direct leak of 100 byte(s) in 1 object(s) allocated from:" */
static bool read_leak(struct hd_scan line, struct hd_lsan_line *out)
{
  struct hd_scan rest = line;
  if (!find(&rest, "irect leak of "))
    return false;
  const char *word = rest.at - sizeof "irect leak of ";
  out->direct = word >= line.at && *word == 'D';
  if (!out->direct) {
    word -= 2;
    if (word < line.at || memcmp(word, "Ind", 3) != 0)
      return false;
  }
  if (!hd_scan_uint(&rest, &out->bytes) || !hd_scan_literal(&rest, " byte(s) in ") ||
      !hd_scan_uint(&rest, &out->objects) || !hd_scan_literal(&rest, " object(s) allocated from:"))
    return false;
  out->kind = HD_LSAN_LEAK;
  out->prefix = (size_t)(word - line.at);
  return true;
}

/* "#1 0x55e575b1b184 in leak /src/a.c:7" */
static bool read_frame(struct hd_scan line, struct hd_lsan_line *out)
{
  while (find(&line, "#")) {
    struct hd_scan rest = line;
    if (rest.at == rest.end || !is_digit(*rest.at) || !hd_scan_uint(&rest, &out->number) ||
        hd_scan_blanks(&rest) || rest.end - rest.at < 2 || memcmp(rest.at, "0x", 2) != 0 ||
        !hd_scan_hex(&rest, &out->address) || (rest.at < rest.end && *rest.at != ' '))
      continue;
    hd_scan_trim(&rest);
    out->kind = HD_LSAN_FRAME;
    out->text = rest;
    return true;
  }
  return false;
}

struct hd_lsan_line hd_lsan_line_of(struct hd_scan line)
{
  struct hd_lsan_line out = {0};
  hd_scan_trim(&line);
  out.text = line;
  if (line.at == line.end) {
    out.kind = HD_LSAN_BLANK;
  } else if (hd_scan_holds(&line, "Sanitizer")) {
    if (read_error(line, &out) || read_summary(line, &out))
      return out;
    out.text = line;
    if (hd_scan_holds(&line, "LeakSanitizer has encountered a fatal error"))
      out.kind = HD_LSAN_NO_CHECK;
  }
  if (out.kind != HD_LSAN_OTHER || read_frame(line, &out) || read_leak(line, &out))
    return out;
  struct hd_scan rest = line;
  if (hd_scan_holds(&line, "Objects leaked above:"))
    out.kind = HD_LSAN_OBJECTS;
  else if ((find(&rest, "Omitting ") && hd_scan_holds(&rest, " more leak(s)")) ||
           hd_scan_holds(&line, "Too many leaks! Only the first"))
    out.kind = HD_LSAN_LEFT_OUT;
  return out;
}

bool hd_lsan_plain(struct hd_scan *line, struct hd_buffer *scratch)
{
  enum { ESCAPE = 0x1b };
  if (!memchr(line->at, ESCAPE, hd_scan_left(line)))
    return true;
  hd_buffer_clear(scratch);
  for (const char *at = line->at; at < line->end;) {
    if (*at != ESCAPE) {
      hd_buffer_append(scratch, at++, 1);
      continue;
    }
    /* ESC [ parameters letter; any other is two characters. */
    bool sequence = ++at < line->end && *at == '[';
    at += at < line->end;
    while (sequence && at < line->end && *at >= ' ' && *at < '@')
      at++;
    at += sequence && at < line->end && *at >= '@';
  }
  *line = hd_scan_of(hd_buffer_text(scratch), scratch->length);
  return !scratch->failed;
}
