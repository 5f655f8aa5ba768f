/* Plain terminal control: what xterm, tmux, screen and the Linux console all know. */
#include "watch.h"

#include "fault.h"
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* --- text ------------------------------------------------------------------------------ */

bool watch_text_write(void *context, const char *data, size_t length)
{
  struct watch_text *text = context;
  if (text->length + length + 1 > text->capacity) {
    size_t capacity = 2 * (text->length + length) + 1024;
    char *grown = realloc(text->data, capacity);
    if (!grown) {
      text->failed = true;
      return false;
    }
    text->data = grown;
    text->capacity = capacity;
  }
  memcpy(text->data + text->length, data, length);
  text->length += length;
  text->data[text->length] = '\0';
  return true;
}

void watch_text_printf(struct watch_text *text, const char *format, ...)
{
  char line[4096];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (length > 0)
    watch_text_write(text, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
}

void watch_text_release(struct watch_text *text)
{
  free(text->data);
  *text = (struct watch_text){0};
}

/* --- the terminal ------------------------------------------------------------------------ */

static struct termios before;
static bool entered;
static volatile sig_atomic_t ended_by, stopped, redraw;

static void on_end(int number)
{
  ended_by = number;
}

static void on_stop(int number)
{
  (void)number;
  stopped = 1;
}

static void on_size(int number)
{
  (void)number;
  redraw = 1;
}

/* With SA_RESTART what is being written to a terminal comes to its end, of which stdio would
 * drop the rest; to wait for a key is interrupted all the same. */
static void handle(int number, void (*handler)(int), int flags)
{
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

void watch_size(unsigned *rows, unsigned *columns)
{
  struct winsize size;
  bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
  *rows = known ? size.ws_row : 24;
  *columns = known ? size.ws_col : 80;
}

static void put(const char *text)
{
  output_write(NULL, text, strlen(text));
  output_flush();
}

/* Another screen, no cursor, lines cut at the edge; and the other way round. */
static void take(void)
{
  struct termios raw = before;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  put("\033[?1049h\033[?25l\033[?7l\033[2J");
}

static const char as_before[] = "\033[?7h\033[?25h\033[?1049l";

static void give_back(void)
{
  put(as_before);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

/* In a signal's handler: what is in stdio's buffer is lost. */
static void give_back_at_once(void)
{
  if (write(STDOUT_FILENO, as_before, sizeof as_before - 1) > 0)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

static void note_ends(int flags)
{
  static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    handle(ends[i], on_end, flags);
}

/* A pipe is left where it is full and nobody reads it: else no write to one is interrupted. */
void watch_note_ends(void)
{
  note_ends(isatty(STDOUT_FILENO) ? SA_RESTART : 0);
}

void watch_let_ends_interrupt(void)
{
  note_ends(0);
}

void watch_screen_enter(void)
{
  if (tcgetattr(STDIN_FILENO, &before) != 0)
    return;
  handle(SIGTSTP, on_stop, SA_RESTART);
  handle(SIGWINCH, on_size, SA_RESTART);
  entered = true;
  fault_gives_back(give_back_at_once);
  take();
}

void watch_screen_leave(void)
{
  if (entered)
    give_back();
  fault_gives_back(NULL);
  entered = false;
}

int watch_ended_by(void)
{
  return ended_by;
}

/* Ctrl-Z gives the terminal back until the shell says fg. */
static void stop(void)
{
  stopped = 0;
  give_back();
  handle(SIGTSTP, SIG_DFL, 0);
  raise(SIGTSTP);
  handle(SIGTSTP, on_stop, SA_RESTART);
  take();
}

/* --- keys ---------------------------------------------------------------------------------- */

static int next_byte(int milliseconds)
{
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  unsigned char byte;
  if (poll(&input, 1, milliseconds) <= 0)
    return -1;
  ssize_t length = read(STDIN_FILENO, &byte, 1);
  /* Nobody is there any more. */
  if (length == 0 || (length < 0 && errno != EINTR))
    ended_by = SIGHUP;
  return length == 1 ? byte : -1;
}

/* ESC [ A, ESC O A, ESC [ 5 ~ and the like; ESC alone is the key itself. */
static int escape(void)
{
  enum { GAP_MS = 50 };
  int kind = next_byte(GAP_MS), last, number = 0;
  if (kind != '[' && kind != 'O')
    return kind < 0 ? 033 : KEY_OTHER;
  while ((last = next_byte(GAP_MS)) >= '0' && last <= ';')
    number = last <= '9' && number < 1000 ? 10 * number + last - '0' : number;
  switch (last) {
  case 'A': return KEY_UP;
  case 'B': return KEY_DOWN;
  case 'H': return KEY_HOME;
  case 'F': return KEY_END;
  case '~':
    return number == 5   ? KEY_PAGE_UP
           : number == 6 ? KEY_PAGE_DOWN
           : number == 1 ? KEY_HOME
           : number == 4 ? KEY_END
                         : KEY_OTHER;
  default: return KEY_OTHER;
  }
}

int watch_key(int milliseconds)
{
  if (stopped)
    stop();
  redraw = 0;
  int key = next_byte(milliseconds);
  return key < 0 ? 0 : key == 033 ? escape() : key;
}

/* --- drawing ------------------------------------------------------------------------------- */

/* Bytes of a sequence that colors, 0: there is none. */
static size_t color_length(const char *text, size_t length)
{
  size_t used = 2;
  if (length < 2 || text[0] != '\033' || text[1] != '[')
    return 0;
  while (used < length && text[used] != 'm')
    used++;
  return used < length ? used + 1 : used;
}

static bool begins_character(char byte)
{
  return ((unsigned char)byte & 0xc0) != 0x80;
}

/* So many columns of a line: at the edge the terminal would put the last character in the
 * place of the one there. Marked it has no color: reversed it is another one as it is. */
static void write_line(struct watch_text *out, const char *line, size_t length, size_t columns,
                       bool mark)
{
  for (size_t i = 0, used = 0; i < length;) {
    size_t color = color_length(line + i, length - i), bytes = color ? color : 1;
    used += !color && begins_character(line[i]);
    if (color ? !mark : used <= columns)
      watch_text_write(out, line + i, bytes);
    i += bytes;
  }
}

void watch_draw(const struct watch_text *text, size_t first, int64_t marked, const char *bottom)
{
  struct watch_text out = {0};
  unsigned rows, columns;
  watch_size(&rows, &columns);
  watch_text_printf(&out, "\033[H");
  const char *at = text->data ? text->data : "";
  for (size_t number = 0, shown = 0; *at && shown + 1 < rows; number++) {
    size_t length = strcspn(at, "\n");
    if (number >= first) {
      bool mark = marked >= 0 && number == (size_t)marked;
      /* What was there goes first: behind a full line it would take the last character. */
      watch_text_printf(&out, "\033[K%s", mark ? "\033[7m" : "");
      write_line(&out, at, length, columns, mark);
      watch_text_printf(&out, "%s\r\n", mark ? "\033[0m" : "");
      shown++;
    }
    at += length + (at[length] == '\n');
  }
  watch_text_printf(&out, "\033[J\033[%u;1H\033[7m", rows);
  write_line(&out, bottom, strlen(bottom), columns, true);
  watch_text_printf(&out, "\033[0m");
  if (!out.failed)
    put(out.data);
  watch_text_release(&out);
}
