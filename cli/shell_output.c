#include "shell.h"

#include "interrupt.h"
#include "messages.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Where an answer goes. */
struct target {
  FILE *stream;     /* NULL: standard output */
  const char *name; /* of the file, for people */
  char *temporary;  /* that takes the file's place when it is whole; NULL: none */
  int failed;       /* errno of the first write that failed */
};

static bool write_to(void *context, const char *data, size_t length)
{
  struct target *target = context;
  if (interrupt_came())
    return false;
  if (!target->stream)
    return output_write(NULL, data, length);
  if (fwrite(data, 1, length, target->stream) == length)
    return true;
  target->failed = errno ? errno : EIO;
  return false;
}

static struct hd_style style(const struct shell *shell, const struct target *target)
{
  struct hd_style looks = style_of(&shell->args.style);
  looks.no_hint = true;
  if (target->stream) {
    looks.color = strcmp(shell->args.style.color, "always") == 0;
    looks.width = 0;
  }
  return looks;
}

/* --- files ---------------------------------------------------------------------------- */

/* What is there and is no regular file (/dev/null, a FIFO) is written to as it is; a file
 * appears whole or not at all. */
static bool open_file(struct shell *shell, struct target *target)
{
  struct stat status;
  if (stat(target->name, &status) == 0 && !S_ISREG(status.st_mode)) {
    target->stream = fopen(target->name, "we");
  } else if (asprintf(&target->temporary, "%s.XXXXXX", target->name) < 0) {
    target->temporary = NULL;
    errno = ENOMEM;
  } else {
    int fd = mkostemp(target->temporary, O_CLOEXEC);
    target->stream = fd < 0 ? NULL : fdopen(fd, "w");
  }
  if (target->stream)
    return true;
  if (!interrupt_came())
    shell_complain(shell, "%s: %s", target->name, strerror(errno));
  free(target->temporary);
  return false;
}

static mode_t mode_of(const char *name)
{
  struct stat status;
  if (stat(name, &status) == 0)
    return status.st_mode & 07777;
  mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

static bool close_file(struct shell *shell, struct target *target, bool fine)
{
  if (target->temporary)
    fchmod(fileno(target->stream), mode_of(target->name));
  errno = 0;
  if (fclose(target->stream) != 0 && !target->failed)
    target->failed = errno ? errno : EIO;
  fine &= !target->failed;
  if (target->temporary && fine && rename(target->temporary, target->name) != 0)
    target->failed = errno;
  if (target->temporary && (!fine || target->failed))
    unlink(target->temporary);
  free(target->temporary);
  if (target->failed && !interrupt_came())
    shell_complain(shell, "%s: %s", target->name, strerror(target->failed));
  return fine && !target->failed;
}

/* --- programs ------------------------------------------------------------------------- */

/* A pager that was killed leaves the terminal as it needed it. */
static bool close_program(struct shell *shell, struct target *target,
                          const struct termios *terminal)
{
  /* What nobody reads any more must not hide how the command ended. */
  if (fflush(target->stream) != 0)
    __fpurge(target->stream);
  int status = pclose(target->stream);
  if (terminal)
    tcsetattr(STDIN_FILENO, TCSADRAIN, terminal);
  if (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE))
    return true;
  if (status < 0)
    shell_complain(shell, "the command cannot be run: %s", strerror(errno));
  else if (WIFSIGNALED(status))
    shell_complain(shell, "the command was ended by signal %d", WTERMSIG(status));
  else
    shell_complain(shell, "the command ended with status %d", WEXITSTATUS(status));
  return false;
}

/* ---------------------------------------------------------------------------------------- */

static bool report(struct shell *shell, struct target *target, const hd_view *view)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_style looks = style(shell, target);
  if (hd_report(view, &looks, write_to, target, &error))
    return true;
  /* Who stops reading has seen enough. */
  bool unread = target->stream && target->failed == EPIPE;
  if (!interrupt_came() && !unread && !target->failed && !output_failed())
    shell_complain(shell, "%s", error.text);
  return unread;
}

/* A FIFO waits for who reads it, maybe for ever: Ctrl-C ends that. */
static bool print_to_file(struct shell *shell, struct target *target, const hd_view *view)
{
  interrupt_insist(shell->interactive);
  bool fine = open_file(shell, target) && close_file(shell, target, report(shell, target, view));
  interrupt_insist(false);
  return fine;
}

bool shell_print(struct shell *shell, const struct shell_line *line, const hd_view *view)
{
  struct target target = {.name = line->to_file};
  struct termios terminal;
  bool has_terminal = shell->interactive && tcgetattr(STDIN_FILENO, &terminal) == 0;
  output_flush();
  if (line->to_file)
    return print_to_file(shell, &target, view);
  if (line->to_program && !(target.stream = popen(line->to_program, "we"))) {
    shell_complain(shell, "the command cannot be run: %s", strerror(errno));
    return false;
  }
  bool fine = report(shell, &target, view);
  if (line->to_program)
    return close_program(shell, &target, has_terminal ? &terminal : NULL) && fine;
  output_flush();
  return fine;
}
