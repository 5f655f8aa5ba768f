#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t came;

static void on_interrupt(int number)
{
  (void)number;
  came = 1;
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
  handle(SIGINT, on_interrupt, 0);
}

bool interrupt_came(void)
{
  return came;
}

void interrupt_clear(void)
{
  came = 0;
}

void interrupt_no_sigpipe(void)
{
  handle(SIGPIPE, nothing, SA_RESTART);
}
