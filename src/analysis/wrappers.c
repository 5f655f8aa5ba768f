#include "analysis/wrappers.h"

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
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What the rules look at. */
struct subject {
  const char *function, *module, *file;
  bool rust;
};

/* Rust's two manglings: v0 (_R...) and legacy (_ZN...17h<16 hex digits>E). */
static bool is_rust(const char *linkage_name, const char *file)
{
  size_t length = strlen(linkage_name), file_length = strlen(file);
  if (begins(linkage_name, "_R") || (file_length > 3 && !strcmp(file + file_length - 3, ".rs")))
    return true;
  enum { HASH = sizeof "17h0123456789abcdefE" - 1 };
  return begins(linkage_name, "_ZN") && length > HASH &&
         begins(linkage_name + length - HASH, "17h") && linkage_name[length - 1] == 'E';
}

static bool takes(enum rule rule, const char *text, const struct subject *subject)
{
  switch (rule) {
  case EXACT: return strcmp(subject->function, text) == 0;
  case PREFIX: return begins(subject->function, text);
  case CONTAINS: return strstr(subject->function, text) != NULL;
  case RUST: return subject->rust && begins(subject->function, text);
  case MODULE: return begins(subject->module, text);
  case SOURCE: return strstr(subject->file, text) != NULL;
  }
  return false;
}

bool hd_wrapper_is(const struct hd_pool *pool, const struct hd_pool_frame *frame,
                   struct hd_regex *const *extra, size_t extra_count)
{
  struct subject subject = {hd_pool_text(pool, frame->function), "",
                            hd_pool_text(pool, frame->file), false};
  subject.rust = is_rust(hd_pool_text(pool, frame->system_name), subject.file);
  if (frame->module)
    subject.module = hd_base_name(hd_pool_text(pool, pool->modules.items[frame->module - 1].path));
  for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
    if (takes(wrappers[i].rule, wrappers[i].text, &subject))
      return true;
  for (size_t i = 0; i < extra_count; i++)
    if (hd_regex_search(extra[i], subject.function, strlen(subject.function)))
      return true;
  return false;
}

bool hd_wrapper_module(const char *path)
{
  const char *name = hd_base_name(path);
  for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
    if (wrappers[i].rule == MODULE && begins(name, wrappers[i].text))
      return true;
  return false;
}
