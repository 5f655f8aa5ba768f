#include "api/filters.h"

void hd_filters_say_text(struct hd_session *session, const char *option, const char *pattern,
                         const struct hd_regex *regex)
{
  if (hd_regex_wrong(regex))
    hd_session_add_note(session, HD_NOTE_INFO, "pattern-is-text",
                        "%s: '%s' is no regular expression (%s): it is taken as text", option,
                        pattern, hd_regex_wrong(regex));
}

static bool make_filter(struct hd_session *session, const char *pattern, const char *option,
                        struct hd_regex **regex, struct hd_error *error)
{
  if (!pattern || !pattern[0])
    return true;
  if (!hd_regex_create_or_text(pattern, regex, error))
    return false;
  hd_filters_say_text(session, option, pattern, *regex);
  return true;
}

static bool compile_wrappers(struct hd_filters *filters, struct hd_session *session,
                             struct hd_error *error)
{
  const struct hd_session_options *options = &session->options;
  filters->wrappers = hd_alloc_zeroed(options->wrapper_count, sizeof *filters->wrappers);
  if (!filters->wrappers)
    return hd_fail_memory(error);
  filters->wrapper_count = options->wrapper_count;
  for (size_t i = 0; i < options->wrapper_count; i++) {
    if (!hd_regex_create_or_text(options->wrappers[i], &filters->wrappers[i], error))
      return false;
    hd_filters_say_text(session, "--wrapper", options->wrappers[i], filters->wrappers[i]);
  }
  return true;
}

bool hd_filters_init(struct hd_filters *filters, struct hd_session *session,
                     const struct hd_filter_texts *texts, struct hd_error *error)
{
  *filters = (struct hd_filters){0};
  return make_filter(session, texts->focus, "--focus", &filters->focus, error) &&
         make_filter(session, texts->ignore, "--ignore", &filters->ignore, error) &&
         make_filter(session, texts->hide, "--hide", &filters->hide, error) &&
         make_filter(session, texts->show, "--show", &filters->show, error) &&
         compile_wrappers(filters, session, error);
}

void hd_filters_deinit(struct hd_filters *filters)
{
  for (size_t i = 0; filters->wrappers && i < filters->wrapper_count; i++)
    hd_regex_destroy(filters->wrappers[i]);
  hd_free(filters->wrappers);
  hd_regex_destroy(filters->focus);
  hd_regex_destroy(filters->ignore);
  hd_regex_destroy(filters->hide);
  hd_regex_destroy(filters->show);
  *filters = (struct hd_filters){0};
}
