/* Regular expressions as users of pprof write them: PCRE2, compiled once,
 * matched with bounded effort. */
#ifndef HD_BASE_REGEX_H
#define HD_BASE_REGEX_H

#include "base/error.h"

struct hd_regex;

/* `option` names what the pattern came from ("--focus") in the error, which is
 * of kind usage and says where the pattern is wrong. */
bool hd_regex_create(const char *pattern, const char *option, struct hd_regex **regex,
                     struct hd_error *error);
/* Names of functions are full of what means something else in an expression: it finds
 * the pattern as it is written, too, and one that is no expression is not refused, but
 * finds itself alone. */
bool hd_regex_create_or_text(const char *pattern, struct hd_regex **regex, struct hd_error *error);
/* "missing closing parenthesis at character 4" of a pattern that is no expression, else NULL. */
const char *hd_regex_wrong(const struct hd_regex *regex);
void hd_regex_destroy(struct hd_regex *regex); /* takes NULL */
/* Whether the pattern is found anywhere in the text. A match that would take too
 * long counts as none. */
bool hd_regex_search(const struct hd_regex *regex, const char *text, size_t length);
/* Whether the expression matches the whole text. */
bool hd_regex_match_all(const struct hd_regex *regex, const char *text, size_t length);

#endif
