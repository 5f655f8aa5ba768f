/* Without a terminal: a table a tick. */
#include "watch.h"

#include "messages.h"
#include "output.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

/* False where nobody reads any more: a pipe tells it before there is something to print. */
static bool nap(uint64_t milliseconds)
{
  struct pollfd output = {.fd = STDOUT_FILENO};
  return poll(&output, 1, (int)milliseconds) <= 0;
}

/* A question that has no answer from the beginning never has one. */
static bool print_block(struct watch_source *source, const struct watch_args *args, int64_t number)
{
  struct watch_text text = {0};
  struct hd_error error = HD_ERROR_INIT;
  hd_view *view;
  watch_text_printf(&text, "%s", number ? "\n" : "");
  bool fine = watch_ask(source, args, FEW_OF_TOP, 0, false, &view, &text, &error);
  if (fine && text.data)
    output_write(NULL, text.data, text.length);
  output_flush();
  hd_view_destroy(view);
  watch_text_release(&text);
  source->said = message_notes(source->session, source->said);
  if (!fine && message_error(&error) == HD_ERROR_USAGE && !number)
    source->failed = HD_ERROR_USAGE;
  return fine;
}

void watch_blocks(struct watch_source *source, const struct watch_args *args)
{
  int64_t printed = 0;
  char trouble[sizeof source->trouble] = "";
  while (!watch_ended_by() && !output_failed()) {
    bool ended = source->ended;
    if (watch_refresh(source))
      printed += print_block(source, args, printed);
    if (source->failed)
      return;
    if (strcmp(trouble, source->trouble) != 0 && source->trouble[0] && source->session)
      message_warning("%s", source->trouble);
    memcpy(trouble, source->trouble, sizeof trouble);
    if ((args->count && printed >= args->count) || ended)
      return;
    if (!source->ended && !nap(watch_every(source, args)))
      return;
  }
}
