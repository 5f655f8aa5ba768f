/* One snapshot from a service: the page is found, fetched and looked at. */
#ifndef HD_INPUT_URL_FETCH_H
#define HD_INPUT_URL_FETCH_H

#include "input/http.h"
#include "input/url.h"

/* On success the answer has a body that may be a profile. Errors name the URL, without
 * its secrets. The answer is to be closed in either case. `page` gets the page that was
 * asked last, as it is shown; NULL: it is not wanted. */
bool hd_url_fetch(struct hd_http *http, const char *url, enum hd_url_kind kind,
                  struct hd_answer *answer, struct hd_buffer *page, struct hd_error *error);

#endif
