#include "record/descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

static void add_children_of_thread(pid_t pid, const char *tid, hd_pids *found)
{
  char path[64 + NAME_MAX];
  long child;
  snprintf(path, sizeof path, "/proc/%ld/task/%s/children", (long)pid, tid);
  FILE *file = fopen(path, "re");
  while (file && fscanf(file, "%ld", &child) == 1 && found->count < HD_MOST_DESCENDANTS)
    if (!hd_vec_push(found, (pid_t)child))
      break;
  if (file)
    fclose(file);
}

static void add_children(pid_t pid, hd_pids *found)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && (entry = readdir(directory));)
    if (isdigit((unsigned char)entry->d_name[0]))
      add_children_of_thread(pid, entry->d_name, found);
  if (directory)
    closedir(directory);
}

void hd_descendants(pid_t pid, hd_pids *descendants)
{
  *descendants = (hd_pids){0};
  add_children(pid, descendants);
  for (size_t i = 0; i < descendants->count; i++)
    add_children(descendants->items[i], descendants);
}
