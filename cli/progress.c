#include "progress.h"

#include "numbers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 500, REDRAW_MS = 200, WHAT = 256 };

static const char clear_line[] = "\r\033[K";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static struct {
  char what[WHAT];
  uint64_t done, total;
  int64_t since;         /* 0: nothing is waited for */
  bool changed, drawing; /* drawing: the thread runs */
} now_waiting;

/* What the line on the terminal is. It is DRAWN by the thread alone, and ENDED by a
 * signal's handler: then nothing is drawn any more. */
enum { CLEAR, BEING_DRAWN, DRAWN, ENDED };
static _Atomic(int) line;

static bool line_moves(int from, int to)
{
  return atomic_compare_exchange_strong(&line, &from, to);
}

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Past stdio, whose lock a child that is forked meanwhile would inherit. */
static void put(const char *text, size_t length)
{
  while (length) {
    ssize_t n = write(STDERR_FILENO, text, length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    text += n;
    length -= (size_t)n;
  }
}

/* The thread has all signals blocked: it comes to the end of a line that it has begun,
 * unless the terminal is stopped. */
static void end_line(void)
{
  const struct timespec pause = {.tv_nsec = 1000000};
  for (int ms = 0; ms < PATIENCE_MS; ms++) {
    if (line_moves(CLEAR, ENDED))
      return;
    if (line_moves(DRAWN, ENDED)) {
      put(clear_line, sizeof clear_line - 1);
      return;
    }
    nanosleep(&pause, NULL);
  }
}

/* Ctrl-C leaves no half line; then it does what it does. */
static void on_interrupt(int number)
{
  int error = errno;
  end_line();
  signal(number, SIG_DFL);
  raise(number);
  errno = error;
}

static void watch_interrupt(void)
{
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before, action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
      sigaction(signals[i], &action, NULL);
}

static void draw(void)
{
  if (!line_moves(CLEAR, BEING_DRAWN) && !line_moves(DRAWN, BEING_DRAWN))
    return;
  char text[WHAT + 3 * NUMBER_TEXT], have[NUMBER_TEXT], all[NUMBER_TEXT];
  format_size(have, (int64_t)now_waiting.done);
  format_size(all, (int64_t)now_waiting.total);
  int length =
      now_waiting.total ? snprintf(text, sizeof text, "%sheapdiff: %s: %s of %s", clear_line,
                                   now_waiting.what, have, all)
      : now_waiting.done
          ? snprintf(text, sizeof text, "%sheapdiff: %s: %s", clear_line, now_waiting.what, have)
          : snprintf(text, sizeof text, "%sheapdiff: %s", clear_line, now_waiting.what);
  /* Names of files may have anything in them. */
  for (int i = (int)sizeof clear_line - 1; i < length; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
      text[i] = '?';
  put(text, (size_t)length);
  atomic_store(&line, DRAWN);
  now_waiting.changed = false;
}

static void *keep_drawing(void *context)
{
  (void)context;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (!now_waiting.since)
      pthread_cond_wait(&begun, &lock);
    int64_t left = now_waiting.since + PATIENCE_MS - now_ms();
    if (left <= 0 && (now_waiting.changed || atomic_load(&line) == CLEAR))
      draw();
    pthread_mutex_unlock(&lock);
    int64_t ms = left > 0 && left < REDRAW_MS ? left : REDRAW_MS;
    struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&lock);
  }
  return NULL;
}

/* The thread gets no signals: what waits in the main one is to be woken by them. */
static void start_drawing(void)
{
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  if (pthread_create(&thread, NULL, keep_drawing, NULL) == 0)
    pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  watch_interrupt();
  now_waiting.drawing = true;
}

bool progress_show(void *context, const char *what, uint64_t done, uint64_t total)
{
  (void)context;
  if (!what) {
    progress_end();
    return true;
  }
  pthread_mutex_lock(&lock);
  now_waiting.changed |= strncmp(now_waiting.what, what, WHAT - 1) != 0 ||
                         now_waiting.done != done || now_waiting.total != total;
  snprintf(now_waiting.what, sizeof now_waiting.what, "%s", what);
  now_waiting.done = done;
  now_waiting.total = total;
  if (!now_waiting.since)
    now_waiting.since = now_ms();
  if (!now_waiting.drawing)
    start_drawing();
  pthread_cond_signal(&begun);
  pthread_mutex_unlock(&lock);
  return true;
}

void progress_end(void)
{
  pthread_mutex_lock(&lock);
  if (atomic_load(&line) == DRAWN) {
    put(clear_line, sizeof clear_line - 1);
    line_moves(DRAWN, CLEAR);
  }
  now_waiting.since = 0;
  pthread_mutex_unlock(&lock);
}
