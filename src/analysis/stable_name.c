#include "analysis/stable_name.h"

#include <string.h>

static const char digits[] = "0123456789";

/* Where the name's last part is a copy's: where that begins; else its end. */
static size_t copy_suffix(const char *name)
{
  static const char *const suffixes[] = {".constprop.", ".isra.", ".part.",
                                         ".cold",       ".llvm.", ".lto_priv."};
  const char *clone = strstr(name, " [clone ");
  size_t end = clone ? (size_t)(clone - name) : strlen(name);
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    const char *at = strstr(name, suffixes[i]);
    const char *next = at ? at + strlen(suffixes[i]) : "";
    bool whole = at && (next[-1] == '.' ? strspn(next, digits) > 0 : !*next || *next == '.');
    if (whole && at > name && (size_t)(at - name) < end &&
        at[strspn(at, "abcdefghijklmnopqrstuvwxyz._0123456789")] == '\0')
      end = (size_t)(at - name);
  }
  return end;
}

/* "::h" and 16 hexadecimal digits. */
static size_t without_hash(const char *name, size_t end)
{
  enum { HASH = 16, MARK = 3 };
  if (end <= HASH + MARK || strncmp(name + end - HASH - MARK, "::h", MARK) != 0)
    return end;
  size_t hex = strspn(name + end - HASH, "0123456789abcdef");
  return hex >= HASH ? end - HASH - MARK : end;
}

/* Length of a number that is no part of the name at `at`, after what is before it. */
static size_t number_at(const char *name, const char *at)
{
  static const char closure[] = ".func";
  size_t length = strspn(at, digits), before = (size_t)(at - name);
  if (!length)
    return 0;
  if (before && at[-1] == '#' && at[length] == '}')
    return length;
  bool go = before >= sizeof closure - 1 &&
            strncmp(at - (sizeof closure - 1), closure, sizeof closure - 1) == 0;
  while (go && at[length] == '.' && strspn(at + length + 1, digits))
    length += 1 + strspn(at + length + 1, digits);
  return go ? length : 0;
}

void hd_stable_name(struct hd_buffer *out, const char *name)
{
  const char *end = name + without_hash(name, copy_suffix(name)), *from = name;
  for (const char *at = name; at < end;) {
    size_t number = strchr(digits, *at) ? number_at(name, at) : 0;
    if (!number) {
      at++;
      continue;
    }
    hd_buffer_append(out, from, (size_t)(at - from));
    at += number;
    from = at;
  }
  if (from < end)
    hd_buffer_append(out, from, (size_t)(end - from));
}
