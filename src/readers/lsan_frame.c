/* The text of a frame, as sanitizers print it:
 *
 *   in F[+0xoff] file[:line[:column]]
 *   [in F[+0xoff] ](module[:arch]+0xoff)[ (BuildId: hex)]
 *   [in F[+0xoff] ](<unknown module>)
 *
 * Functions and files may hold blanks and parentheses, and nothing is quoted: where
 * one ends and the other begins is told by how names and paths are built. */
#include "readers/lsan.h"

#include <string.h>

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Takes `words` off the end. */
static bool take_tail(struct hd_scan *text, const char *words)
{
  size_t length = strlen(words);
  if (hd_scan_left(text) < length || memcmp(text->end - length, words, length) != 0)
    return false;
  text->end -= length;
  return true;
}

/* Takes "+0x1f" off the end. */
static bool take_offset(struct hd_scan *text, uint64_t *offset)
{
  struct hd_scan digits = {text->end, text->end}, rest = *text;
  while (digits.at > text->at && is_hex(digits.at[-1]))
    digits.at--;
  rest.end = digits.at;
  if (!take_tail(&rest, "+0x") || !hd_scan_hex(&digits, offset))
    return false;
  *text = rest;
  return true;
}

/* Takes ":12" off the end. */
static bool take_number(struct hd_scan *text, uint64_t *number)
{
  struct hd_scan digits = {text->end, text->end}, rest = *text;
  while (digits.at > text->at && is_digit(digits.at[-1]))
    digits.at--;
  rest.end = digits.at;
  if (digits.at == digits.end || !take_tail(&rest, ":") || !hd_scan_uint(&digits, number))
    return false;
  *text = rest;
  return true;
}

/* --- module ------------------------------------------------------------------- */

/* " (BuildId: c77e21d6...)" */
static void take_build_id(struct hd_scan *text, struct hd_scan *build_id)
{
  enum { MOST_DIGITS = 128 };
  struct hd_scan rest = *text;
  if (!take_tail(&rest, ")"))
    return;
  const char *digits = rest.end, *end = rest.end;
  while (digits > rest.at && end - digits <= MOST_DIGITS && is_hex(digits[-1]))
    digits--;
  rest.end = digits;
  if (digits == end || end - digits > MOST_DIGITS || !take_tail(&rest, "(BuildId: "))
    return;
  *build_id = (struct hd_scan){digits, end};
  hd_scan_trim(&rest);
  *text = rest;
}

/* The parenthesis before a module: paths are absolute, and names like "[stack]" in
 * brackets, which no function has behind a blank. */
static const char *module_begin(struct hd_scan text)
{
  static const char *const begins[] = {" (/", " ([", " (<"};
  if (text.at < text.end && *text.at == '(')
    return text.at;
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
    const char *at = memmem(text.at, hd_scan_left(&text), begins[i], 3);
    if (at)
      return at + 1;
  }
  for (const char *at = text.end; at - text.at > 1; at--)
    if (at[-1] == '(' && at[-2] == ' ')
      return at - 1;
  return NULL;
}

static void take_architecture(struct hd_scan *module)
{
  static const char *const names[] = {":x86_64", ":x86_64h", ":i386",    ":arm64",      ":armv6",
                                      ":armv7",  ":armv7s",  ":riscv64", ":loongarch64"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (take_tail(module, names[i]))
      return;
}

/* "(module+0xoff)" or "(<unknown module>)" at the end; `text` is left with what is
 * before it. */
static bool take_module(struct hd_scan *text, struct hd_lsan_frame *frame)
{
  struct hd_scan rest = *text;
  struct hd_scan build_id = {0};
  take_build_id(&rest, &build_id);
  if (!take_tail(&rest, ")"))
    return false;
  bool known = take_offset(&rest, &frame->offset);
  if (!known && !take_tail(&rest, "(<unknown module>"))
    return false;
  if (known) {
    const char *begin = module_begin(rest);
    if (!begin || begin + 1 == rest.end)
      return false;
    frame->module = (struct hd_scan){begin + 1, rest.end};
    frame->build_id = build_id;
    take_architecture(&frame->module);
    rest.end = begin;
  }
  hd_scan_trim(&rest);
  *text = rest;
  return true;
}

/* --- function and file ---------------------------------------------------------- */

/* How much of `text` is an operator's name that holds brackets which open and
 * close nothing: "operator<<", "operator->", but not "operator()". */
static size_t operator_length(struct hd_scan text)
{
  static const char *const signs[] = {"<=>", "<<=", ">>=", "->*", "<<", ">>",
                                      "<=",  ">=",  "->",  "<",   ">"};
  if (!hd_scan_literal(&text, "operator"))
    return 0;
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (hd_scan_literal(&text, signs[i]))
      return sizeof "operator" - 1 + strlen(signs[i]);
  return 0;
}

/* The next blank that lies in no brackets, the end where there is none. Brackets
 * of four kinds nest; what is unbalanced is not held against the name. */
static const char *next_blank(const char *at, const char *end)
{
  size_t depth = 0;
  while (at < end && (depth || *at != ' ')) {
    size_t operator_is = operator_length((struct hd_scan){at, end});
    if (operator_is) {
      at += operator_is;
      continue;
    }
    if (strchr("(<[{", *at) && *at)
      depth++;
    else if (depth && strchr(")>]}", *at) && *at)
      depth--;
    at++;
  }
  return at;
}

/* An absolute path, or one that begins with dots. */
static bool begins_path(const char *at, const char *end)
{
  struct hd_scan rest = {at, end};
  return hd_scan_literal(&rest, "/") || hd_scan_literal(&rest, "./") ||
         hd_scan_literal(&rest, "../");
}

/* What may stand between a parameter list and the file. */
static bool is_qualifier(const char *at, const char *end)
{
  static const char *const words[] = {"const", "volatile", "&", "&&", "noexcept"};
  struct hd_scan word = {at, end};
  if (hd_scan_literal(&word, "[clone") || hd_scan_literal(&word, "[abi:"))
    return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if ((size_t)(end - at) == strlen(words[i]) && memcmp(at, words[i], (size_t)(end - at)) == 0)
      return true;
  return false;
}

static bool ends_in(const char *begin, const char *end, const char *words)
{
  struct hd_scan text = {begin, end};
  return take_tail(&text, words);
}

/* Where the function ends: before a path, or else behind its parameter list, or
 * else behind the first word (C, Rust). */
static const char *function_end(struct hd_scan text)
{
  const char *first = NULL, *list = NULL;
  for (const char *at = text.at; at < text.end;) {
    const char *blank = next_blank(at, text.end), *next = blank + (blank < text.end);
    bool goes_on = ends_in(at, blank, "operator"); /* new, delete, bool */
    if (blank < text.end && begins_path(next, text.end))
      return blank;
    if (!list && blank[-(blank > at)] == ')')
      list = blank;
    else if (list && list + 1 == at && is_qualifier(at, blank))
      list = blank;
    /* "operator<< <int>" */
    bool arguments = first && first + 1 == at && *at == '<' && strchr("<>", first[-1]);
    if ((!first && !goes_on) || arguments)
      first = blank;
    at = next;
  }
  return list ? list : first ? first : text.end;
}

/* A path that lies behind brackets which do not close: as good as it gets. */
static const char *split(struct hd_scan text)
{
  const char *end = function_end(text);
  if (end < text.end)
    return end;
  for (const char *at = text.at; at < text.end; at++)
    if (*at == ' ' && begins_path(at + 1, text.end))
      return at;
  return end;
}

static void take_place(struct hd_scan file, struct hd_lsan_frame *frame)
{
  uint64_t last, before;
  hd_scan_trim(&file);
  if (!take_number(&file, &last)) {
    frame->file = file;
    return;
  }
  bool has_column = take_number(&file, &before);
  uint64_t line = has_column ? before : last;
  frame->line = line <= INT32_MAX ? (uint32_t)line : 0;
  frame->file = file;
}

bool hd_lsan_frame_of(struct hd_scan text, struct hd_lsan_frame *frame)
{
  *frame = (struct hd_lsan_frame){0};
  uint64_t offset;
  hd_scan_trim(&text);
  bool has_module = take_module(&text, frame);
  if (text.at == text.end)
    return has_module;
  if (!hd_scan_literal(&text, "in "))
    return has_module && hd_scan_left(&text) == 2 && memcmp(text.at, "in", 2) == 0;
  hd_scan_trim(&text);
  frame->function = text;
  if (!has_module) {
    frame->function.end = split(text);
    take_place((struct hd_scan){frame->function.end, text.end}, frame);
  }
  take_offset(&frame->function, &offset);
  return frame->function.at < frame->function.end;
}
