/* libcurl, loaded when the first URL is used: whoever has none needs none, and nobody
 * waits for it to start. */
#ifndef HD_INPUT_CURL_LIBRARY_H
#define HD_INPUT_CURL_LIBRARY_H

#include "base/error.h"

#include <curl/curl.h>

/* The functions of it that are used. The easy interface's are variadic macros in the
 * header for the sake of type checks. */
struct hd_curl {
  __typeof__(curl_global_init) *global_init;
  __typeof__(curl_easy_init) *easy_init;
  CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
  CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
  __typeof__(curl_easy_perform) *easy_perform;
  __typeof__(curl_easy_reset) *easy_reset;
  __typeof__(curl_easy_cleanup) *easy_cleanup;
  __typeof__(curl_easy_strerror) *easy_strerror;
  __typeof__(curl_slist_append) *slist_append;
  __typeof__(curl_slist_free_all) *slist_free_all;
};

/* Loads it once and for all. */
bool hd_curl_load(const struct hd_curl **curl, struct hd_error *error);

#endif
