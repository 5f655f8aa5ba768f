#include "log.h"

#include "clock.h"
#include "config.h"
#include "files.h"
#include "memory.h"
#include "sys.h"

#include <fcntl.h>
#include <string.h>

enum { FILE_MODE = 0644, LINE_BYTES = 1024, PROGRAM_BYTES = 256 };

struct texts {
  char program[HD_PATH_BYTES], path[HD_PATH_BYTES + sizeof "/" HD_LOG_NAME], line[LINE_BYTES];
};

static void add_program(struct hd_text *line, char *path)
{
  hd_read_link("/proc/self/exe", path, HD_PATH_BYTES);
  const char *slash = strrchr(path, '/');
  if (slash && strlen(slash) < PROGRAM_BYTES)
    hd_text_add(line, slash + 1);
  hd_text_add(line, " (pid ");
  hd_text_number(line, (uint64_t)hd_getpid(), 1);
  hd_text_add(line, "): ");
}

/* One write: lines of several processes do not mix. */
static void append(const char *path, char *line, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
      line[i] = '?';
  line[length] = '\n';
  long fd = hd_sys4(SYS_openat, AT_FDCWD, path,
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
  if (fd < 0)
    return;
  hd_sys3(SYS_write, fd, line, length + 1);
  hd_sys1(SYS_close, fd);
}

void hd_log_line(const char *what, const char *more)
{
  struct texts *texts = hd_map(sizeof *texts);
  if (!texts)
    return;
  struct hd_text path = {texts->path, 0, sizeof texts->path, false};
  struct hd_text line = {texts->line, 0, sizeof texts->line - 1, false};
  hd_text_add(&path, hd_config.directory);
  hd_text_add(&path, "/" HD_LOG_NAME);
  hd_text_number(&line, hd_clock_ns(CLOCK_REALTIME) / 1000000000u, 1);
  hd_text_add(&line, " ");
  add_program(&line, texts->program);
  hd_text_add(&line, what);
  hd_text_add(&line, more);
  if (!path.failed && !line.failed)
    append(texts->path, texts->line, line.length);
  hd_unmap(texts, sizeof *texts);
}
