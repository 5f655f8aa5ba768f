#include "input/kept.h"

#include "input/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool copy(int from, int to)
{
  char buffer[64 << 10];
  off_t at = 0;
  for (ssize_t n; (n = pread(from, buffer, sizeof buffer, at)) != 0;) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 || write(to, buffer, (size_t)n) != n)
      return false;
    at += n;
  }
  return true;
}

/* The file appears when it is whole; its name tells the host and the order. */
static bool write_file(const struct hd_handle *handle, const char *directory, const char *path)
{
  struct hd_buffer temporary = HD_BUFFER_INIT;
  hd_buffer_printf(&temporary, "%s/.%ld.tmp", directory, (long)getpid());
  int fd = temporary.failed
               ? -1
               : open(temporary.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  bool fine = fd >= 0 && copy(handle->fetched - 1, fd);
  if (fd >= 0)
    fine = close(fd) == 0 && fine;
  fine = fine && rename(temporary.data, path) == 0;
  if (fd >= 0 && !fine)
    unlink(temporary.data);
  hd_buffer_deinit(&temporary);
  return fine;
}

bool hd_keep(struct hd_kept *kept, const struct hd_handle *handle)
{
  struct hd_buffer directory = HD_BUFFER_INIT, stem = HD_BUFFER_INIT;
  const char *path = NULL;
  hd_url_file_stem(handle->name, &stem);
  if (!stem.failed && hd_state_path("fetched", true, &directory)) {
    mkdir(directory.data, 0700);
    path = hd_arena_printf(&kept->arena, "%s/%s.%ld-%zu", directory.data, stem.data, (long)getpid(),
                           kept->paths.count + 1);
  }
  bool fine = path && write_file(handle, directory.data, path) && hd_vec_push(&kept->paths, path);
  hd_buffer_deinit(&directory);
  hd_buffer_deinit(&stem);
  return fine;
}

static bool is_kept(const struct hd_kept *kept, const char *name)
{
  for (size_t i = 0; i < kept->paths.count; i++)
    if (strcmp(strrchr(kept->paths.items[i], '/') + 1, name) == 0)
      return true;
  return false;
}

void hd_kept_settle(const struct hd_kept *kept)
{
  struct hd_buffer path = HD_BUFFER_INIT;
  DIR *directory = hd_state_path("fetched", false, &path) ? opendir(path.data) : NULL;
  for (struct dirent *entry; directory && (entry = readdir(directory));)
    if (!is_kept(kept, entry->d_name))
      unlinkat(dirfd(directory), entry->d_name, 0); /* of "." and ".." it fails */
  if (directory)
    closedir(directory);
  hd_buffer_deinit(&path);
}

void hd_kept_deinit(struct hd_kept *kept)
{
  hd_vec_deinit(&kept->paths);
  hd_arena_deinit(&kept->arena);
}
