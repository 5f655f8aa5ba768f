#include "input/url_fetch.h"

#include <string.h>

/* Tries the pages where it may be; the answer of the last one counts. */
static bool ask(struct hd_http *http, const char *url, enum hd_url_kind kind, bool gc,
                const char *user, struct hd_answer *answer, struct hd_buffer *page,
                struct hd_error *error)
{
  bool fine = true;
  for (size_t i = 0; fine && (!i || answer->status == 404); i++) {
    if (!hd_url_page(url, kind, gc, i, page))
      break;
    hd_answer_close(answer);
    fine =
        !page->failed ? hd_http_get(http, page->data, user, answer, error) : hd_fail_memory(error);
  }
  return fine && hd_answer_check(answer, hd_url_is_bare(url), error);
}

bool hd_url_fetch(struct hd_http *http, const char *url, enum hd_url_kind kind,
                  struct hd_answer *answer, struct hd_buffer *page, struct hd_error *error)
{
  struct hd_buffer own = HD_BUFFER_INIT, user = HD_BUFFER_INIT, shown = HD_BUFFER_INIT;
  *answer = (struct hd_answer){.fd = -1};
  hd_url_user(url, &user);
  bool fine = user.failed ? hd_fail_memory(error)
                          : ask(http, url, kind, hd_http_options(http)->gc, hd_buffer_text(&user),
                                answer, &own, error);
  /* Of a page that was looked for in vain the user has named none. */
  hd_url_shown(fine || !hd_url_is_bare(url) ? hd_buffer_text(&own) : url, &shown);
  if (page) {
    hd_buffer_clear(page);
    hd_buffer_puts(page, hd_buffer_text(&shown));
  }
  if (!fine) {
    char *quoted = strchr(error->text, '"'); /* the server's words */
    if (quoted)
      hd_url_mask(quoted, url, hd_http_options(http));
    hd_error_in(error, hd_buffer_text(&shown));
  }
  hd_buffer_deinit(&own);
  hd_buffer_deinit(&user);
  hd_buffer_deinit(&shown);
  return fine;
}
