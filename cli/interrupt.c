#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

enum { SOON_NS = 1000000, AGAIN_NS = 20000000 };

static volatile sig_atomic_t came, insists;
static timer_t again; /* sends SIGALRM */
static bool has_timer;

static void set_timer(long first_ns, long again_ns)
{
  const struct itimerspec interval = {{.tv_nsec = again_ns}, {.tv_nsec = first_ns}};
  timer_settime(again, 0, &interval, NULL);
}

/* It interrupts nothing by itself: what was just being written would be lost. */
static void on_interrupt(int number)
{
  (void)number;
  came = 1;
  if (insists)
    set_timer(SOON_NS, AGAIN_NS);
}

static void nothing(int number)
{
  (void)number;
}

/* A handler, not SIG_IGN: exec sets it back, but would hand SIG_IGN on. */
static void handle(int number, void (*handler)(int), int flags)
{
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

void interrupt_watch(void)
{
  handle(SIGINT, on_interrupt, SA_RESTART);
}

bool interrupt_came(void)
{
  return came;
}

void interrupt_clear(void)
{
  came = 0;
}

void interrupt_insist(bool on)
{
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  if (!has_timer) {
    handle(SIGALRM, nothing, 0);
    has_timer = timer_create(CLOCK_MONOTONIC, &event, &again) == 0;
  }
  insists = on && has_timer;
  if (!on && has_timer)
    set_timer(0, 0);
}

void interrupt_no_sigpipe(void)
{
  handle(SIGPIPE, nothing, SA_RESTART);
}
