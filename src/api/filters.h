/* The patterns of a query, compiled. */
#ifndef HD_API_FILTERS_H
#define HD_API_FILTERS_H

#include "api/session.h"

/* Which stacks count and what is seen of them; texts as in struct hd_query. */
struct hd_filter_texts {
  const char *focus, *ignore, *hide, *show;
};

/* Compiles them, and the session's wrappers; a pattern that is no expression is noted.
 * In either case hd_filters_deinit is due. */
bool hd_filters_init(struct hd_filters *filters, struct hd_session *session,
                     const struct hd_filter_texts *texts, struct hd_error *error);
void hd_filters_deinit(struct hd_filters *filters);

/* Notes that a pattern was taken as text, where it was. */
void hd_filters_say_text(struct hd_session *session, const char *option, const char *pattern,
                         const struct hd_regex *regex);

#endif
