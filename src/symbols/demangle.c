#include "symbols/demangle.h"
#include "symbols/symbols.h"

#include "base/alloc.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum {
  /* libiberty takes up to 150 bytes of stack a character where its recursion
   * limit is off, which it has to be for C++ names of more than 1024 characters:
   * with the limit on it refuses those unseen. */
  MAX_LIMITED = 1024,
  MAX_CXX = 16 * 1024,
  /* Its D demangler takes time and memory that double with each nested function
   * type, grow by half with each back reference, and ends the process when memory
   * runs out: names with more of these letters than common ones are left alone. */
  MAX_D = 4 * 1024,
  MAX_D_REFERENCES = 24,
  MAX_D_FUNCTIONS = 14,
  /* Substitutions let a short name stand for an enormous text. */
  MAX_TEXT = 256 * 1024,
};

/* --- clone suffixes */

struct clone_word {
  const char *text;
  bool numbered; /* only with a number behind it */
};

static const struct clone_word clone_words[] = {
    {"cold", false},      {"part", true},       {"isra", true},
    {"constprop", true},  {"lto_priv", true},   {"llvm", true},
    {"clone", true},      {"__uniq", true},     {"localalias", false},
    {"unlikely", false},  {"abi0", false},      {"abiinternal", false},
};

/* The length of ".word" and of all ".number" behind it at the start of `text`, 0
 * where no clone suffix begins. */
static size_t clone_length(const char *text)
{
  for (size_t i = 0; i < sizeof clone_words / sizeof *clone_words; i++) {
    size_t length = strlen(clone_words[i].text);
    if (text[0] != '.' || strncmp(text + 1, clone_words[i].text, length) != 0)
      continue;
    const char *at = text + 1 + length;
    bool numbered = false;
    while (at[0] == '.' && isdigit((unsigned char)at[1])) {
      numbered = true;
      at += 1 + strspn(at + 1, "0123456789");
    }
    if ((*at == '\0' || *at == '.') && (numbered || !clone_words[i].numbered))
      return (size_t)(at - text);
  }
  return 0;
}

static size_t length_without_clones(const char *name)
{
  const char *dot = name[0] ? strchr(name + 1, '.') : NULL;
  for (; dot; dot = strchr(dot + 1, '.')) {
    const char *at = dot;
    size_t length;
    while ((length = clone_length(at)) > 0)
      at += length;
    if (*at == '\0')
      return (size_t)(dot - name);
  }
  return strlen(name);
}

/* --- the demanglers */

struct sink {
  struct hd_buffer buffer;
  jmp_buf enough;
};

/* Leaves the demangler where its text gets too long. It holds no memory then but
 * its stack (and, for a Rust identifier in Punycode, one small block). */
static void collect(const char *text, size_t length, void *context)
{
  struct sink *sink = context;
  if (length > MAX_TEXT - sink->buffer.length) {
    sink->buffer.failed = true;
    longjmp(sink->enough, 1);
  }
  hd_buffer_append(&sink->buffer, text, length);
}

typedef int (*demangler)(const char *, int, demangle_callbackref, void *);

static bool run_into(struct sink *sink, demangler demangle, const char *name, int options)
{
  if (setjmp(sink->enough))
    return false;
  return demangle(name, options, collect, sink) != 0;
}

static bool run(demangler demangle, const char *name, int options, struct hd_buffer *out)
{
  struct sink sink = {.buffer = HD_BUFFER_INIT};
  bool fine = run_into(&sink, demangle, name, options);
  if (fine && !sink.buffer.failed && sink.buffer.length > 0) {
    *out = sink.buffer;
    return true;
  }
  hd_buffer_deinit(&sink.buffer);
  return false;
}

static bool is_cxx(const char *name)
{
  return strncmp(name, "_Z", 2) == 0 || strncmp(name, "_GLOBAL_", 8) == 0;
}

static bool demangle_cxx(const char *name, bool full, struct hd_buffer *out)
{
  size_t length = strlen(name);
  if (!is_cxx(name) || length > MAX_CXX)
    return false;
  int options = DMGL_ANSI | (full ? DMGL_PARAMS : 0);
  if (length >= MAX_LIMITED)
    options |= DMGL_NO_RECURSE_LIMIT;
  return run(cplus_demangle_v3_callback, name, options, out);
}

static bool demangle_rust(const char *name, struct hd_buffer *out)
{
  /* The legacy scheme is C++'s with a hash at the end. */
  if (strncmp(name, "_R", 2) != 0 && (strncmp(name, "_ZN", 3) != 0 || !strstr(name, "17h")))
    return false;
  return run(rust_demangle_callback, name, DMGL_PARAMS | DMGL_ANSI, out);
}

static size_t count_letters(const char *text, const char *letters)
{
  size_t count = 0;
  for (const char *at = strpbrk(text, letters); at; at = strpbrk(at + 1, letters))
    count++;
  return count;
}

/* F, U, W, V, R and Y begin function types (they are in identifiers, too). */
static bool demangle_d(const char *name, struct hd_buffer *out)
{
  if (strncmp(name, "_D", 2) != 0 || strlen(name) > MAX_D ||
      count_letters(name, "Q") > MAX_D_REFERENCES ||
      count_letters(name, "FUWVRY") > MAX_D_FUNCTIONS)
    return false;
  char *text = dlang_demangle(name, 0);
  if (!text)
    return false;
  *out = (struct hd_buffer)HD_BUFFER_INIT;
  hd_buffer_puts(out, text);
  free(text); /* libiberty's own, so not hd_free */
  if (!out->failed)
    return true;
  hd_buffer_deinit(out);
  return false;
}

static const char *keep(struct hd_arena *arena, struct hd_buffer *text, bool full,
                        bool (*shorten)(const char *, struct hd_buffer *))
{
  struct hd_buffer brief = HD_BUFFER_INIT;
  bool use_brief = !full && shorten(hd_buffer_text(text), &brief) && !brief.failed &&
                   brief.length > 0;
  const struct hd_buffer *chosen = use_brief ? &brief : text;
  const char *copy = hd_arena_copy(arena, hd_buffer_text(chosen), chosen->length);
  hd_buffer_deinit(&brief);
  hd_buffer_deinit(text);
  return copy;
}

/* A C++ name that somebody else demangled, with its parameters: valgrind writes
 * such. */
static bool has_parameters(const char *name)
{
  static const char *const endings[] = {")", ") const", ") &", ") &&", ") const &"};
  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    size_t tail = strlen(endings[i]);
    if (length > tail && strcmp(name + length - tail, endings[i]) == 0)
      return true;
  }
  return false;
}

static const char *shorten_demangled(struct hd_arena *arena, const char *name)
{
  struct hd_buffer brief = HD_BUFFER_INIT;
  bool shorter = hd_shorten_cxx(name, &brief) && !brief.failed;
  const char *kept = shorter ? hd_arena_copy(arena, brief.data, brief.length) : name;
  hd_buffer_deinit(&brief);
  return kept;
}

const char *hd_demangle(struct hd_arena *arena, const char *name, bool full)
{
  struct hd_buffer text;
  const char *bare = hd_arena_copy(arena, name, length_without_clones(name));
  if (bare && !full && has_parameters(bare))
    return shorten_demangled(arena, bare);
  if (!bare || bare[0] != '_')
    return bare;
  if (demangle_rust(bare, &text))
    return keep(arena, &text, full, hd_shorten_rust);
  if (demangle_cxx(bare, full, &text))
    return keep(arena, &text, full, hd_shorten_cxx);
  if (demangle_d(bare, &text))
    return keep(arena, &text, full, hd_shorten_d);
  return bare;
}
