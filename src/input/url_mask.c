/* A server's own words may repeat what it was sent. */
#include "input/url.h"

#include <string.h>

enum { LEAST = 4 };

static void mask(char *text, const char *secret, size_t length)
{
  if (length < LEAST)
    return;
  for (char *at; (at = memmem(text, strlen(text), secret, length)); text = at + 3) {
    memcpy(at, "...", 3);
    memmove(at + 3, at + length, strlen(at + length) + 1);
  }
}

/* "name:password": the password, and both. */
static void mask_user(char *text, const char *user)
{
  const char *colon = user ? strchr(user, ':') : NULL;
  if (colon)
    mask(text, colon + 1, strlen(colon + 1));
}

/* The value of a header, and what follows its first word: "Bearer ...". */
static void mask_header(char *text, const char *header)
{
  const char *value = header + strcspn(header, ":;");
  value += strspn(value, ":; \t");
  const char *word = value + strcspn(value, " ");
  word += strspn(word, " ");
  mask(text, value, strlen(value));
  mask(text, word, strlen(word));
}

static void mask_query(char *text, const char *url)
{
  const char *at = strchr(url, '?');
  while (at && *at) {
    size_t length = strcspn(++at, "&#");
    const char *equals = memchr(at, '=', length);
    const char *value = equals ? equals + 1 : at;
    mask(text, value, length - (size_t)(value - at));
    at = at[length] == '&' ? at + length : NULL;
  }
}

void hd_url_mask(char *text, const char *url, const struct hd_url_options *options)
{
  struct hd_buffer user = HD_BUFFER_INIT;
  hd_url_user(url, &user);
  mask_user(text, hd_buffer_text(&user));
  mask_user(text, options->user);
  for (size_t i = 0; i < options->header_count; i++)
    if (options->headers[i][0] != '@')
      mask_header(text, options->headers[i]);
  mask_query(text, url);
  hd_buffer_deinit(&user);
}
