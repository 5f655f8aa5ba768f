#include "base/regex.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Function names are short: a match that needs more than this is an accident or
 * an attack. */
enum { MATCH_LIMIT = 200000, DEPTH_LIMIT = 5000 };

struct hd_regex {
  pcre2_code *code;
  pcre2_match_data *match;
  pcre2_match_context *limits;
  char *itself;    /* the pattern, where it is found as it is written, too */
  char wrong[320]; /* why it is no expression */
};

/* False with `wrong` filled where the pattern is no expression, or without memory. */
static bool compile(struct hd_regex *regex, const char *pattern)
{
  int code;
  PCRE2_SIZE place;
  regex->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                              PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &place, NULL);
  if (!regex->code) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    snprintf(regex->wrong, sizeof regex->wrong, "%s at character %zu", (const char *)text,
             (size_t)place + 1);
    return false;
  }
  regex->match = pcre2_match_data_create(1, NULL);
  regex->limits = pcre2_match_context_create(NULL);
  if (!regex->match || !regex->limits)
    return false;
  pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
  pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
  return true;
}

bool hd_regex_create(const char *pattern, const char *option, struct hd_regex **regex,
                     struct hd_error *error)
{
  struct hd_regex *made = hd_alloc_zeroed(1, sizeof *made);
  *regex = made;
  if (!made)
    return hd_fail_memory(error);
  if (compile(made, pattern))
    return true;
  if (made->wrong[0])
    hd_fail_usage(error, "%s: the pattern '%s' is wrong: %s", option, pattern, made->wrong);
  else
    hd_fail_memory(error);
  hd_regex_destroy(made);
  *regex = NULL;
  return false;
}

bool hd_regex_create_or_text(const char *pattern, struct hd_regex **regex, struct hd_error *error)
{
  struct hd_regex *made = hd_alloc_zeroed(1, sizeof *made);
  *regex = made;
  if (!made)
    return hd_fail_memory(error);
  size_t size = strlen(pattern) + 1;
  made->itself = hd_alloc(size);
  if (made->itself && (compile(made, pattern) || made->wrong[0])) {
    memcpy(made->itself, pattern, size);
    return true;
  }
  hd_regex_destroy(made);
  *regex = NULL;
  return hd_fail_memory(error);
}

const char *hd_regex_wrong(const struct hd_regex *regex)
{
  return regex->wrong[0] ? regex->wrong : NULL;
}

void hd_regex_destroy(struct hd_regex *regex)
{
  if (!regex)
    return;
  pcre2_match_context_free(regex->limits);
  pcre2_match_data_free(regex->match);
  pcre2_code_free(regex->code);
  hd_free(regex->itself);
  hd_free(regex);
}

static bool match(const struct hd_regex *regex, const char *text, size_t length, uint32_t options)
{
  return regex->code &&
         pcre2_match(regex->code, (PCRE2_SPTR)text, length, 0, options, regex->match,
                     regex->limits) >= 0;
}

bool hd_regex_search(const struct hd_regex *regex, const char *text, size_t length)
{
  return match(regex, text, length, 0) ||
         (regex->itself && memmem(text, length, regex->itself, strlen(regex->itself)));
}

bool hd_regex_match_all(const struct hd_regex *regex, const char *text, size_t length)
{
  return match(regex, text, length, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}
