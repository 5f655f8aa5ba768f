#include "attach/choice.h"

#include "attach/process.h"
#include "attach/safe.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum { RANK_WAITS, RANK_FUTEX, RANK_RUNS, RANK_OTHER, RANKS, RANK_NEVER = RANKS };

/* A worker of io_uring is a thread in name only: it never runs the program's code. */
static bool is_the_kernels(const char *name)
{
  return strncmp(name, "iou-", 4) == 0;
}

/* By /proc/PID/task/TID/syscall: "running", or the call's number first. */
static int rank_of(pid_t pid, const char *tid)
{
  char name[64], text[4096];
  struct hd_process_status status;
  snprintf(name, sizeof name, "task/%s/status", tid);
  if (hd_process_text(pid, name, text, sizeof text) < 0 ||
      !hd_process_status_parse(text, &status) || !strchr("RS", status.state) ||
      is_the_kernels(status.name))
    return RANK_NEVER;
  snprintf(name, sizeof name, "task/%s/syscall", tid);
  if (hd_process_text(pid, name, text, sizeof text) <= 0)
    return RANK_OTHER;
  if (!isdigit((unsigned char)text[0]))
    return RANK_RUNS;
  long call = strtol(text, NULL, 10);
  return hd_syscall_waits(call) ? RANK_WAITS : call == SYS_futex ? RANK_FUTEX : RANK_OTHER;
}

/* The first `turn` of equal rank go behind the others. */
static void put_in_order(hd_choices *choices, unsigned round)
{
  hd_choices sorted = {0};
  for (int rank = 0; rank < RANKS; rank++) {
    size_t first = sorted.count, equal;
    for (size_t i = 0; i < choices->count; i++)
      if (choices->items[i].rank == rank && !hd_vec_push(&sorted, choices->items[i])) {
        hd_vec_deinit(&sorted);
        return;
      }
    equal = sorted.count - first;
    for (size_t turn = equal ? round % equal : 0; turn > 0; turn--) {
      struct hd_choice moved = sorted.items[first];
      memmove(&sorted.items[first], &sorted.items[first + 1], (equal - 1) * sizeof moved);
      sorted.items[first + equal - 1] = moved;
    }
  }
  hd_vec_deinit(choices);
  *choices = sorted;
}

bool hd_choices_read(pid_t pid, unsigned round, hd_choices *choices)
{
  char path[64];
  *choices = (hd_choices){0};
  snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
  DIR *directory = opendir(path);
  bool good = true;
  for (struct dirent *entry; good && directory && (entry = readdir(directory));) {
    if (!isdigit((unsigned char)entry->d_name[0]))
      continue;
    int rank = rank_of(pid, entry->d_name);
    if (rank != RANK_NEVER)
      good = hd_vec_push(choices, (struct hd_choice){(pid_t)atol(entry->d_name), rank});
  }
  if (directory)
    closedir(directory);
  put_in_order(choices, round);
  return good;
}
