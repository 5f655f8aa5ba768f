/* The headers that the user adds to requests. */
#ifndef HD_INPUT_HTTP_HEADERS_H
#define HD_INPUT_HTTP_HEADERS_H

#include "input/curl_library.h"

#include <heapdiff/url.h>

/* Checks the user and the headers of the options; those in files ("@FILE", one a line)
 * are read. The list is to be freed by slist_free_all, after a failure, too. No message
 * quotes them. */
bool hd_http_headers(const struct hd_curl *curl, const struct hd_url_options *options,
                     struct curl_slist **list, struct hd_error *error);

#endif
