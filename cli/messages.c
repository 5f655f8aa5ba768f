#include "messages.h"

#include "command.h"
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_TEXT = 4096 };

/* Writes a line to standard error, in one piece where stderr is line-buffered. */
static void say(const char *before, const char *text)
{
  progress_end();
  fputs(before, stderr);
  const unsigned char *at = (const unsigned char *)text;
  for (; *at; at++) {
    /* U+0080 to U+009F are control characters, too. */
    bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
    if (c1)
      at++;
    putc(c1 || *at < ' ' || *at == 0x7f ? '?' : *at, stderr);
  }
  putc('\n', stderr);
  fflush(stderr);
}

void message(const char *format, ...)
{
  char text[MESSAGE_TEXT];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  say("heapdiff: ", text);
}

void message_of(const char *verb, const char *format, ...)
{
  char before[64], text[MESSAGE_TEXT];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  snprintf(before, sizeof before, "heapdiff %s: ", verb);
  say(before, text);
}

void message_warning(const char *format, ...)
{
  char text[MESSAGE_TEXT];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  say("heapdiff: warning: ", text);
}

int message_error(const struct hd_error *error)
{
  char text[sizeof error->source + sizeof error->text + 64];
  hd_error_format(error, text, sizeof text);
  say("heapdiff: ", text);
  return error->kind == HD_ERROR_NONE ? STATUS_INTERNAL : (int)error->kind;
}

void message_note(const struct hd_note *note)
{
  say(note->level == HD_NOTE_WARNING ? "heapdiff: warning: " : "heapdiff: note: ", note->text);
}

size_t message_notes(const hd_session *session, size_t from)
{
  size_t count = hd_session_note_count(session);
  for (size_t i = from; i < count; i++) {
    struct hd_note note = hd_session_note(session, i);
    message_note(&note);
  }
  return count;
}
