#include "show.h"

#include "command.h"
#include "messages.h"
#include "output.h"
#include "scoped.h"

#include <unistd.h>

int show(const struct input_args *input, const struct style_args *style, char **paths, int count,
         ask_fn ask, const struct hd_query *query)
{
  SCOPED(end_session) hd_session *session = NULL;
  SCOPED(end_view) hd_view *view = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_session_options options = input_options(input);
  options.measure = query ? query->measure : NULL;
  if (!hd_session_create(&options, &session, &error))
    return message_error(&error);
  if (!hd_session_select(session, (const char *const *)paths, (size_t)count, &error) ||
      !ask(session, query, &view, &error)) {
    message_notes(session, 0);
    return message_error(&error);
  }
  /* Both before the output: a reader that has seen enough may end us there. */
  hd_session_remember(session);
  size_t said = message_notes(session, 0);
  struct hd_style looks = style_of(style);
  if (!hd_report(view, &looks, output_write, NULL, &error))
    return output_failed() ? STATUS_INTERNAL : message_error(&error);
  message_notes(session, said);
  return STATUS_FINE;
}

int show_matches(const struct command *command, const struct input_args *input,
                 const struct style_args *style, char **words, int count, ask_fn ask,
                 struct hd_query *query)
{
  if (!count)
    return command_misused(command, "name a function: heapdiff %s REGEX [SNAPSHOT...]",
                           command->name);
  query->pattern = words[0];
  int status = show(input, style, words + 1, count - 1, ask, query);
  if (status == STATUS_USAGE && count == 1 && access(words[0], F_OK) == 0)
    message("'%s' is a file here, and a function comes first: heapdiff %s REGEX %s", words[0],
            command->name, words[0]);
  return status;
}
