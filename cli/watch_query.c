#include "watch.h"

#include <string.h>

const char *watch_next_word(const char *(*words)(size_t i), const char *word, int step)
{
  size_t count = 0, at = 0;
  while (words(count))
    count++;
  if (!word)
    return step > 0 ? words(0) : words(count - 1);
  while (at < count && strcmp(words(at), word) != 0)
    at++;
  /* Past either end is the default. */
  if ((step > 0 && at + 1 >= count) || (step < 0 && at == 0))
    return NULL;
  return words(step > 0 ? at + 1 : at - 1);
}

static struct hd_query query_of(const struct watch_source *source, const struct watch_args *args)
{
  struct hd_query query = {
      .measure = args->measure,
      .by = args->by,
      .sort = args->sort,
      .limit = (int64_t)args->limit,
      .since_last = true,
  };
  filter_query(&args->filter, &query);
  query.window.base = watch_base(source);
  return query;
}

static struct hd_style style_for(const struct watch_args *args, unsigned width, bool terminal)
{
  struct hd_style style = style_of(&args->style);
  style.no_hint = true;
  style.width = terminal ? width : style.width;
  return style;
}

void watch_say(struct watch_text *text, const struct hd_error *error)
{
  watch_text_printf(text, "%s\n", error->text);
}

bool watch_ask(const struct watch_source *source, const struct watch_args *args, int64_t rows,
               unsigned width, bool terminal, hd_view **view, struct watch_text *text,
               struct hd_error *error)
{
  struct hd_query query = query_of(source, args);
  struct hd_style style = style_for(args, width, terminal);
  query.nodecount = rows;
  *view = NULL;
  if (hd_top(source->session, &query, view, error) &&
      hd_report(*view, &style, watch_text_write, text, error))
    return true;
  hd_view_destroy(*view);
  *view = NULL;
  return false;
}

void watch_ask_source(const struct watch_source *source, const struct watch_args *args,
                      const char *function, unsigned width, struct watch_text *text)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_query query = query_of(source, args);
  struct hd_style style = style_for(args, width, true);
  hd_view *view = NULL;
  query.pattern = function;
  if (!hd_list(source->session, &query, &view, &error) ||
      !hd_report(view, &style, watch_text_write, text, &error))
    watch_say(text, &error);
  hd_view_destroy(view);
}
