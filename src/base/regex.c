#include "base/regex.h"

#include "base/alloc.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Function names are short: a match that needs more than this is an accident or
 * an attack. */
enum { MATCH_LIMIT = 200000, DEPTH_LIMIT = 5000 };

struct hd_regex {
  pcre2_code *code;
  pcre2_match_data *match;
  pcre2_match_context *limits;
};

bool hd_regex_create(const char *pattern, const char *option, struct hd_regex **regex,
                     struct hd_error *error)
{
  struct hd_regex *made = hd_alloc_zeroed(1, sizeof *made);
  *regex = made;
  if (!made)
    return hd_fail_memory(error);
  int code;
  PCRE2_SIZE place;
  made->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                             PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &place, NULL);
  if (!made->code) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    hd_fail_usage(error, "%s: the pattern '%s' is wrong at character %zu: %s", option, pattern,
                  (size_t)place + 1, (const char *)text);
  } else {
    made->match = pcre2_match_data_create(1, NULL);
    made->limits = pcre2_match_context_create(NULL);
    if (made->match && made->limits) {
      pcre2_set_match_limit(made->limits, MATCH_LIMIT);
      pcre2_set_depth_limit(made->limits, DEPTH_LIMIT);
      return true;
    }
    hd_fail_memory(error);
  }
  hd_regex_destroy(made);
  *regex = NULL;
  return false;
}

void hd_regex_destroy(struct hd_regex *regex)
{
  if (!regex)
    return;
  pcre2_match_context_free(regex->limits);
  pcre2_match_data_free(regex->match);
  pcre2_code_free(regex->code);
  hd_free(regex);
}

static bool match(const struct hd_regex *regex, const char *text, size_t length, uint32_t options)
{
  return pcre2_match(regex->code, (PCRE2_SPTR)text, length, 0, options, regex->match,
                     regex->limits) >= 0;
}

bool hd_regex_search(const struct hd_regex *regex, const char *text, size_t length)
{
  return match(regex, text, length, 0);
}

bool hd_regex_match_all(const struct hd_regex *regex, const char *text, size_t length)
{
  return match(regex, text, length, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}
