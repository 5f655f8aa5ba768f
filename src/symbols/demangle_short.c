#include "symbols/demangle.h"

#include <ctype.h>
#include <string.h>

/* Templates nest some dozens deep in practice; the demangler's own limit is
 * 1024. */
enum { MAX_NESTING = 1100 };

static bool begins(const char *text, const char *prefix)
{
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_word(char c)
{
  return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Past the parenthesis that closes the one at `at`; NULL: it is not closed. What
 * is between is balanced, so other brackets need no look. */
static const char *skip_pair(const char *at, char open, char close)
{
  size_t depth = 0;
  for (; *at; at++) {
    if (*at == open)
      depth++;
    else if (*at == close && --depth == 0)
      return at + 1;
  }
  return NULL;
}

/* The length of an operator's name at the start of `text`, 0 where none is:
 * "operator<", "operator()", and "operator" alone before a blank (new, delete, a
 * conversion, a literal). */
static size_t operator_length(const char *text)
{
  static const char *const symbols[] = {"()", "[]", "->*", "->", "<=>", "<<=", ">>=", "<<",
                                        ">>", "<=", ">=", "<", ">"};
  size_t length = strlen("operator");
  if (!begins(text, "operator") || is_word(text[length]))
    return 0;
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
    if (begins(text + length, symbols[i]))
      return length + strlen(symbols[i]);
  return length;
}

/* Past the '>' that closes the '<' at `at`. A '>' that is an operator stands in
 * parentheses, in an arrow or in an operator's name. */
static const char *skip_angles(const char *at)
{
  const char *start = at;
  size_t depth = 0;
  while (at && *at) {
    at += strcspn(at, "<>(){-o");
    if (!*at)
      break; /* not closed */
    size_t length = *at == 'o' && at > start && !is_word(at[-1]) ? operator_length(at) : 0;
    if (length)
      at += length;
    else if (*at == '(')
      at = skip_pair(at, '(', ')');
    else if (*at == '{')
      at = skip_pair(at, '{', '}');
    else if (begins(at, "->"))
      at += 2;
    else if (*at == '<')
      depth++, at++;
    else if (*at == '>' && --depth == 0)
      return at + 1;
    else
      at++;
  }
  return NULL;
}

static void drop_blank(struct hd_buffer *out)
{
  if (out->length > 0 && out->data[out->length - 1] == ' ')
    out->data[--out->length] = '\0';
}

static bool copy_to(struct hd_buffer *out, const char **at, const char *to)
{
  if (!to)
    return false;
  hd_buffer_append(out, *at, (size_t)(to - *at));
  *at = to;
  return true;
}

/* --- C++ */

struct cxx {
  const char *at;
  struct hd_buffer *out;
  size_t base;     /* in out: behind "vtable for " and the like */
  size_t name;     /* in out: behind the last blank, where a return type has ended */
  bool conversion; /* behind "operator ": blanks belong to the name */
};

static void copy_prefixes(struct cxx *cxx)
{
  static const char *const prefixes[] = {
      "non-virtual thunk to ", "virtual thunk to ", "covariant return thunk to ",
      "construction vtable for ", "vtable for ", "VTT for ", "typeinfo for ",
      "typeinfo name for ", "typeinfo fn for ", "guard variable for ",
      "non-transaction clone for ", "transaction clone for ", "TLS init function for ",
      "TLS wrapper function for ", "hidden alias for ", "initializer for module ",
      "global constructors keyed to ", "global destructors keyed to "};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    if (!begins(cxx->at, prefixes[i]))
      continue;
    copy_to(cxx->out, &cxx->at, cxx->at + strlen(prefixes[i]));
    i = (size_t)-1; /* one may follow another */
  }
  cxx->base = cxx->name = cxx->out->length;
}

/* What may stand between a parameter list and "::". */
static const char *skip_qualifiers(const char *at)
{
  static const char *const words[] = {" const", " volatile", " restrict", " noexcept",
                                      " transaction_safe", " &&", " &"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (!begins(at, words[i]) || is_word(at[strlen(words[i])]))
      continue;
    at += strlen(words[i]);
    i = (size_t)-1;
  }
  return at;
}

/* Parameters. Where "::" follows, they were those of an enclosing function, whose
 * return type stands before it and goes, too. */
static bool cxx_parenthesis(struct cxx *cxx)
{
  static const char anonymous[] = "(anonymous namespace)";
  if (begins(cxx->at, anonymous))
    return copy_to(cxx->out, &cxx->at, cxx->at + strlen(anonymous));
  const char *behind = skip_pair(cxx->at, '(', ')');
  if (!behind)
    return false;
  behind = skip_qualifiers(behind);
  cxx->at = behind;
  if (!begins(behind, "::"))
    return true;
  struct hd_buffer *out = cxx->out;
  if (cxx->name > cxx->base) {
    memmove(out->data + cxx->base, out->data + cxx->name, out->length - cxx->name + 1);
    out->length -= cxx->name - cxx->base;
    cxx->name = cxx->base;
  }
  cxx->conversion = false;
  return true;
}

/* "{lambda(std::vector<int>)#1}" -> "{lambda(std::vector)#1}"; "{default arg#1}". */
static bool cxx_brace(struct cxx *cxx)
{
  const char *end = skip_pair(cxx->at, '{', '}');
  if (!end)
    return false;
  while (cxx->at < end) {
    if (*cxx->at == '<')
      cxx->at = skip_angles(cxx->at);
    else
      hd_buffer_append(cxx->out, cxx->at++, 1);
    if (!cxx->at || cxx->at > end)
      return false;
  }
  return true;
}

static bool cxx_operator(struct cxx *cxx, size_t length)
{
  copy_to(cxx->out, &cxx->at, cxx->at + length);
  cxx->conversion = *cxx->at == ' ' && cxx->at[1] != '<';
  return true;
}

static bool cxx_step(struct cxx *cxx)
{
  struct hd_buffer *out = cxx->out;
  bool inside_word = out->length > 0 && is_word(out->data[out->length - 1]);
  size_t length = inside_word ? 0 : operator_length(cxx->at);
  if (length)
    return cxx_operator(cxx, length);
  switch (*cxx->at) {
  case '<':
    if (out->length > cxx->name)
      drop_blank(out);
    cxx->at = skip_angles(cxx->at);
    return cxx->at != NULL;
  case '(': return cxx_parenthesis(cxx);
  case '{': return cxx_brace(cxx);
  default: break;
  }
  hd_buffer_append(out, cxx->at, 1);
  /* The blank of "operator<< <int>" ends no return type: it goes with what follows. */
  if (*cxx->at++ == ' ' && !cxx->conversion && *cxx->at != '<')
    cxx->name = out->length;
  return true;
}

bool hd_shorten_cxx(const char *text, struct hd_buffer *out)
{
  struct cxx cxx = {.at = text, .out = out};
  copy_prefixes(&cxx);
  while (*cxx.at && !out->failed)
    if (!cxx_step(&cxx))
      return false;
  drop_blank(out);
  return out->length > cxx.base;
}

/* --- Rust */

/* Whether the bracket at `at` is "<T as Trait>" or "<impl Trait for T>", rather
 * than generic arguments. */
static bool is_qualified(const char *at, const char *end)
{
  if (begins(at, "<impl "))
    return true;
  size_t depth = 0;
  for (; at < end; at++) {
    if (*at == '<')
      depth++;
    else if (*at == '>' && at[-1] != '-')
      depth--;
    else if (depth == 1 && begins(at, " as "))
      return true;
  }
  return false;
}

static bool rust_part(const char **at, const char *end, struct hd_buffer *out, unsigned depth);

/* Generic arguments go; a qualified type stays, less what is generic inside it;
 * of a plain type in brackets at the start of a path the brackets go. */
static bool rust_angle(const char **at, bool path_start, struct hd_buffer *out, unsigned depth)
{
  const char *end = skip_angles(*at);
  if (!end)
    return false;
  bool qualified = is_qualified(*at, end);
  if (!qualified && !path_start) {
    if (out->length >= 2 && memcmp(out->data + out->length - 2, "::", 2) == 0) {
      out->length -= 2;
      out->data[out->length] = '\0';
    }
    *at = end;
    return true;
  }
  bool bare = !qualified && (isalpha((unsigned char)(*at)[1]) || (*at)[1] == '_') &&
              !begins(*at, "<dyn ") && !begins(*at, "<fn(");
  ++*at;
  if (!bare)
    hd_buffer_puts(out, "<");
  if (!rust_part(at, end - 1, out, depth + 1))
    return false;
  if (!bare)
    hd_buffer_puts(out, ">");
  *at = end;
  return true;
}

static bool rust_part(const char **at, const char *end, struct hd_buffer *out, unsigned depth)
{
  const char *start = *at;
  if (depth > MAX_NESTING)
    return false;
  while (*at < end && !out->failed) {
    bool path_start = *at == start || strchr(" (,&*[;", (*at)[-1]) != NULL;
    if (**at == '<') {
      if (!rust_angle(at, path_start, out, depth))
        return false;
    } else if (**at == '{') {
      if (!copy_to(out, at, skip_pair(*at, '{', '}')))
        return false;
    } else {
      hd_buffer_append(out, (*at)++, 1);
    }
  }
  return true;
}

bool hd_shorten_rust(const char *text, struct hd_buffer *out)
{
  return rust_part(&text, text + strlen(text), out, 0);
}

/* --- D */

bool hd_shorten_d(const char *text, struct hd_buffer *out)
{
  while (*text && !out->failed) {
    if (begins(text, "!("))
      text++;
    if (*text != '(') {
      hd_buffer_append(out, text++, 1);
      continue;
    }
    text = skip_pair(text, '(', ')');
    if (!text)
      return false;
    text += strcspn(text, ".("); /* const, pure, ... */
  }
  drop_blank(out);
  return true;
}
