#include "ending.h"

#include <signal.h>
#include <stddef.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t ended_by;

static void on_signal(int number)
{
  ended_by = number;
}

void ending_watch(void)
{
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
  struct sigaction before;
  for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
    if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
      sigaction(ending[i], &action, NULL);
}

int ending_signal(void)
{
  return ended_by;
}

bool ending_came(void *context)
{
  (void)context;
  return ended_by != 0;
}
