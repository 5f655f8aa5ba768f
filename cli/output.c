#include "output.h"

#include "command.h"
#include "messages.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_BUFFER = 65536, STATUS_SIGNAL = 128 };

static int write_errno; /* of the first write that failed, 0 none */

void output_start(void)
{
  /* Opened the wrong way round: reading what the caller closed fails, and so does
   * writing to it. */
  static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd] | O_CLOEXEC) < 0)
      return;
  static char buffer[OUTPUT_BUFFER];
  static char error_buffer[BUFSIZ];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  setvbuf(stderr, error_buffer, _IOLBF, sizeof error_buffer);
}

bool output_write(void *context, const char *data, size_t length)
{
  (void)context;
  if (write_errno)
    return false;
  progress_end();
  errno = 0;
  if (fwrite(data, 1, length, stdout) == length)
    return true;
  write_errno = errno ? errno : EIO;
  return false;
}

void output_flush(void)
{
  errno = 0;
  if (fflush(stdout) != 0 && !write_errno)
    write_errno = errno ? errno : EIO;
}

bool output_failed(void)
{
  return write_errno != 0;
}

int output_finish(int status)
{
  bool failed = ferror(stdout) != 0;
  errno = 0;
  if (fclose(stdout) != 0 && !write_errno)
    write_errno = errno;
  if (failed && !write_errno)
    write_errno = EIO;
  if (!write_errno)
    return status;
  if (write_errno == EPIPE)
    return STATUS_SIGNAL + SIGPIPE;
  message("standard output: %s", strerror(write_errno));
  return STATUS_INTERNAL;
}
