#include "record/supervise.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often the directory is looked through where inotify is not to be had. */
enum { SCAN_INTERVAL_MS = 500 };

/* Not passed on: faults and limits of record itself; SIGTTIN and SIGTTOU, which
 * must keep stopping a background job; profiling timers. */
static const int left_alone[] = {
    SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT,   SIGSYS,
    SIGTTIN, SIGTTOU, SIGXCPU, SIGXFSZ, SIGPROF, SIGVTALRM,
};

bool hd_signals_begin(struct hd_signals *signals, struct hd_error *error)
{
  sigfillset(&signals->set);
  for (size_t i = 0; i < sizeof left_alone / sizeof *left_alone; i++)
    sigdelset(&signals->set, left_alone[i]);
  signals->fd = signalfd(-1, &signals->set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals->fd < 0)
    return hd_fail_internal(error, "no descriptor for signals: %s", strerror(errno));
  pthread_sigmask(SIG_BLOCK, &signals->set, &signals->mask);
  struct sigaction normal = {.sa_handler = SIG_DFL};
  sigaction(SIGCHLD, &normal, &signals->child_action);
  return true;
}

void hd_signals_end(struct hd_signals *signals)
{
  struct signalfd_siginfo info;
  while (read(signals->fd, &info, sizeof info) > 0)
    continue;
  close(signals->fd);
  sigaction(SIGCHLD, &signals->child_action, NULL);
  pthread_sigmask(SIG_SETMASK, &signals->mask, NULL);
}

static void send_on(pid_t pid, const struct signalfd_siginfo *info)
{
  if (info->ssi_code == SI_QUEUE) {
    union sigval value = {.sival_ptr = (void *)(uintptr_t)info->ssi_ptr};
    sigqueue(pid, (int)info->ssi_signo, value);
  } else {
    kill(pid, (int)info->ssi_signo);
  }
}

/* As the default action would: nothing where SIGTSTP is ignored, or where no shell
 * is left to continue the job (an orphaned process group). */
static void stop_with_the_job(void)
{
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGTSTP);
  raise(SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
  pthread_sigmask(SIG_BLOCK, &only, NULL);
}

/* Codes up to 0 are those of processes (kill, sigqueue, tgkill), positive ones
 * the kernel's: siginfo_t in sigaction(2). */
static void pass_on(pid_t pid, const struct signalfd_siginfo *info)
{
  bool from_process = info->ssi_code <= 0;
  bool from_program = from_process && info->ssi_pid == (uint32_t)pid;
  if (info->ssi_signo == SIGCHLD || info->ssi_signo == SIGPIPE)
    return;
  if (from_process && !from_program)
    send_on(pid, info);
  if (info->ssi_signo == SIGTSTP)
    stop_with_the_job();
}

static void take_signals(pid_t pid, struct hd_signals *signals)
{
  struct signalfd_siginfo info;
  while (read(signals->fd, &info, sizeof info) == (ssize_t)sizeof info)
    pass_on(pid, &info);
}

/* Whether the program has ended; *failed where it can never be known. */
static bool ended(pid_t pid, int *status, bool *failed)
{
  pid_t got;
  do
    got = waitpid(pid, status, WNOHANG);
  while (got < 0 && errno == EINTR);
  *failed = got < 0;
  return got == pid;
}

bool hd_supervise(pid_t pid, struct hd_signals *signals, struct hd_watch *watch, int *status,
                  struct hd_error *error)
{
  bool scanning = watch->on_snapshot && watch->fd < 0;
  for (;;) {
    bool failed;
    /* Asked before each wait: its SIGCHLD is pending or still to come then. */
    if (ended(pid, status, &failed))
      break;
    if (failed)
      return hd_fail_internal(error, "the program's end was lost: %s", strerror(errno));
    struct pollfd waiting[] = {{.fd = signals->fd, .events = POLLIN},
                               {.fd = watch->fd, .events = POLLIN}};
    if (poll(waiting, 2, scanning ? SCAN_INTERVAL_MS : -1) < 0 && errno != EINTR)
      return hd_fail_internal(error, "waiting for the program failed: %s", strerror(errno));
    take_signals(pid, signals);
    if (scanning)
      hd_watch_scan(watch);
    else
      hd_watch_take(watch);
  }
  hd_watch_scan(watch);
  return true;
}
