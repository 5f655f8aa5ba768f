#include "analysis/wrappers.h"

#include "model/pool.h"

#include <string.h>

enum rule { EXACT, PREFIX, CONTAINS, RUST, MODULE, SOURCE };

static const struct {
  enum rule rule;
  const char *text;
} wrappers[] = {
#define EXACT(text) {EXACT, text},
#define PREFIX(text) {PREFIX, text},
#define CONTAINS(text) {CONTAINS, text},
#define RUST(text) {RUST, text},
#define MODULE(text) {MODULE, text},
#define SOURCE(text) {SOURCE, text},
#include "analysis/wrappers.def"
#undef EXACT
#undef PREFIX
#undef CONTAINS
#undef RUST
#undef MODULE
#undef SOURCE
};

static bool begins(const char *text, const char *prefix)
{
  while (*prefix && *text == *prefix) {
    text++;
    prefix++;
  }
  return !*prefix;
}

static bool ends(const char *text, size_t length, const char *suffix)
{
  size_t size = strlen(suffix);
  return length > size && strcmp(text + length - size, suffix) == 0;
}

/* Rust's two manglings: v0 (_R...) and legacy (_ZN...17h<16 hex digits>E). */
static bool is_rust_linkage(const char *name)
{
  enum { HASH = sizeof "17h0123456789abcdefE" - 1 };
  size_t length = strlen(name);
  return begins(name, "_R") ||
         (begins(name, "_ZN") && length > HASH && begins(name + length - HASH, "17h") &&
          name[length - 1] == 'E');
}

static unsigned facts_of_name(const char *name, struct hd_regex *const *extra, size_t extra_count)
{
  unsigned facts = 0;
  for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
    const char *text = wrappers[i].text;
    if (wrappers[i].rule == CONTAINS) {
      facts |= strstr(name, text) ? HD_WRAPPER_NAME : 0;
    } else if (name[0] == text[0]) {
      if ((wrappers[i].rule == EXACT && strcmp(name, text) == 0) ||
          (wrappers[i].rule == PREFIX && begins(name, text)))
        facts |= HD_WRAPPER_NAME;
      if (wrappers[i].rule == RUST && begins(name, text))
        facts |= HD_WRAPPER_RUST_NAME;
    }
    if (facts & HD_WRAPPER_NAME)
      return facts;
  }
  for (size_t i = 0; i < extra_count; i++)
    if (hd_regex_search(extra[i], name, strlen(name)))
      return facts | HD_WRAPPER_NAME;
  return facts;
}

static unsigned facts_of_file(const char *file)
{
  unsigned facts = ends(file, strlen(file), ".rs") ? HD_WRAPPER_IS_RUST : 0;
  for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
    if (wrappers[i].rule == SOURCE && strstr(file, wrappers[i].text))
      return facts | HD_WRAPPER_FILE;
  return facts;
}

unsigned hd_wrapper_facts(const char *text, enum hd_wrapper_role role,
                          struct hd_regex *const *extra, size_t extra_count)
{
  switch (role) {
  case HD_WRAPPER_AS_NAME: return facts_of_name(text, extra, extra_count);
  case HD_WRAPPER_AS_LINKAGE: return is_rust_linkage(text) ? HD_WRAPPER_RUST_LINKAGE : 0;
  case HD_WRAPPER_AS_FILE: return facts_of_file(text);
  case HD_WRAPPER_AS_MODULE: return hd_wrapper_module(text) ? HD_WRAPPER_MODULE : 0;
  }
  return 0;
}

bool hd_wrapper_module(const char *path)
{
  const char *name = hd_base_name(path);
  for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
    if (wrappers[i].rule == MODULE && begins(name, wrappers[i].text))
      return true;
  return false;
}
