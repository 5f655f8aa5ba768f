#include "record/control.h"

#include "attach/process.h"
#include "record/agent_path.h"
#include "record/status.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)

/* Waits are this long at most, and then it is looked whether anybody is there. */
enum { SLICE_MS = 100, RETRY_MS = 2, START_MS = 2000 };

#define LINK_HEAD "/memfd:" HD_CONTROL_NAME

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

static void pause_ms(int64_t ms)
{
  struct timespec time = {ms / 1000, ms % 1000 * NS_PER_MS};
  nanosleep(&time, NULL);
}

/* --- finding it --------------------------------------------------------------------------- */

bool hd_control_has_agent(pid_t pid)
{
  struct hd_maps maps;
  struct hd_error ignored = HD_ERROR_INIT;
  bool found = false;
  if (!hd_maps_read(pid, &maps, &ignored))
    return false;
  for (size_t i = 0; i < maps.items.count && !found; i++) {
    const char *slash = strrchr(maps.items.items[i].path, '/');
    found = slash && strcmp(slash + 1, HD_AGENT_FILE) == 0;
  }
  hd_maps_deinit(&maps);
  return found;
}

static bool is_agent_thread(pid_t pid, const char *tid)
{
  char name[64], comm[32];
  snprintf(name, sizeof name, "task/%s/comm", tid);
  return hd_process_text(pid, name, comm, sizeof comm) > 0 &&
         strcmp(comm, HD_THREAD_NAME "\n") == 0;
}

/* The memory behind a link of that name, -1 where it is something else. */
static int open_link(const char *path)
{
  char link[sizeof LINK_HEAD + 32];
  ssize_t length = readlink(path, link, sizeof link - 1);
  if (length < (ssize_t)sizeof LINK_HEAD - 1 || memcmp(link, LINK_HEAD, sizeof LINK_HEAD - 1) != 0)
    return -1;
  return open(path, O_RDWR | O_CLOEXEC);
}

/* *denied: its files cannot be looked at. */
static int open_control(pid_t pid, const char *tid, bool *denied)
{
  char path[sizeof "/proc//task//fd/" + 3 * NAME_MAX];
  int fd = -1;
  snprintf(path, sizeof path, "/proc/%ld/task/%s/fd", (long)pid, tid);
  DIR *directory = opendir(path);
  if (!directory) {
    *denied |= errno == EACCES || errno == EPERM;
    return -1;
  }
  for (struct dirent *entry; fd < 0 && (entry = readdir(directory));) {
    if (!isdigit((unsigned char)entry->d_name[0]))
      continue;
    snprintf(path, sizeof path, "/proc/%ld/task/%s/fd/%s", (long)pid, tid, entry->d_name);
    fd = open_link(path);
  }
  closedir(directory);
  return fd;
}

static bool fail_version(struct hd_error *error)
{
  return hd_fail_input(error, "the agent in it is of another version of heapdiff: use that one");
}

/* Memory that may shrink would end this process: it is sealed as soon as it has its size.
 * *starting: it is not yet. */
static bool map(struct hd_control_client *client, bool *starting, struct hd_error *error)
{
  struct stat info;
  int seals = fcntl(client->fd, F_GET_SEALS);
  if (fstat(client->fd, &info) != 0)
    return fail_version(error);
  *starting = info.st_size == 0 || seals < 0 || !(seals & F_SEAL_SHRINK);
  if (*starting)
    return false;
  if (info.st_size < (off_t)sizeof *client->shared)
    return fail_version(error);
  void *memory =
      mmap(NULL, sizeof *client->shared, PROT_READ | PROT_WRITE, MAP_SHARED, client->fd, 0);
  if (memory == MAP_FAILED)
    return hd_fail_internal(error, "the agent's control cannot be mapped: %s", strerror(errno));
  client->shared = memory;
  return true;
}

static bool check(struct hd_control_client *client, bool *starting, struct hd_error *error)
{
  struct hd_process_status status;
  struct hd_control *shared = client->shared;
  if (__atomic_load_n(&shared->magic, __ATOMIC_ACQUIRE) == 0) {
    *starting = true;
    return false;
  }
  if (shared->magic != HD_CONTROL_MAGIC || shared->version != HD_CONTROL_VERSION)
    return fail_version(error);
  if (hd_process_status_read(client->pid, &status) && status.innermost_pid &&
      shared->pid != status.innermost_pid) {
    *starting = true; /* a child's copy of its parent's, until it has its own */
    return false;
  }
  return true;
}

static bool find(pid_t pid, struct hd_control_client *client, bool *denied, bool *starting,
                 struct hd_error *error)
{
  char path[64];
  *client = (struct hd_control_client)HD_CONTROL_CLIENT_INIT;
  client->pid = pid;
  snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && client->fd < 0 && (entry = readdir(directory));) {
    if (!isdigit((unsigned char)entry->d_name[0]) || !is_agent_thread(pid, entry->d_name))
      continue;
    client->fd = open_control(pid, entry->d_name, denied);
    client->agent = (pid_t)atol(entry->d_name);
  }
  if (directory)
    closedir(directory);
  if (client->fd < 0)
    return true;
  if (map(client, starting, error) && check(client, starting, error))
    return true;
  hd_control_close(client);
  return false;
}

bool hd_control_await(pid_t pid, uint64_t timeout_ms, struct hd_control_client *client,
                      struct hd_error *error)
{
  int64_t end = now_ms() + (int64_t)timeout_ms;
  for (;;) {
    bool denied = false, starting = false;
    bool good = find(pid, client, &denied, &starting, error);
    if ((good && client->shared) || (!good && !starting))
      return good;
    if (denied)
      return hd_fail_input(error, "the files of the agent in it may not be looked at: run heapdiff "
                                  "as root, or as the user that the process runs as");
    if (now_ms() >= end)
      return !starting || hd_fail_input(error, "the agent in it does not get ready: is the process "
                                               "stopped?");
    pause_ms(RETRY_MS);
  }
}

bool hd_control_open(pid_t pid, struct hd_control_client *client, struct hd_error *error)
{
  bool denied = false, starting = false;
  bool good = find(pid, client, &denied, &starting, error);
  if (good && !client->shared && hd_control_has_agent(pid))
    starting = true;
  return starting ? hd_control_await(pid, START_MS, client, error) : good;
}

void hd_control_close(struct hd_control_client *client)
{
  if (client->shared)
    munmap(client->shared, sizeof *client->shared);
  if (client->fd >= 0)
    close(client->fd);
  client->shared = NULL;
  client->fd = -1;
}

/* --- asking it ---------------------------------------------------------------------------- */

bool hd_control_lives(const struct hd_control_client *client)
{
  struct hd_process_status status;
  char name[32], text[4096];
  snprintf(name, sizeof name, "task/%ld/status", (long)client->agent);
  return hd_process_text(client->pid, name, text, sizeof text) > 0 &&
         hd_process_status_parse(text, &status) && !strchr("ZX", status.state);
}

bool hd_control_is_recording(const struct hd_control_client *client)
{
  return __atomic_load_n(&client->shared->state, __ATOMIC_ACQUIRE) == HD_CONTROL_RECORDING;
}

static void copy_text(char *out, const char *shared, size_t size)
{
  memcpy(out, shared, size);
  out[size - 1] = '\0';
}

void hd_control_directory(const struct hd_control_client *client, char out[4096])
{
  copy_text(out, client->shared->directory, sizeof client->shared->directory);
}

struct hd_agent_status hd_control_counters(const struct hd_control_client *client)
{
  return hd_counters_read(&client->shared->counters);
}

static bool lock(const struct hd_control_client *client, int64_t end, struct hd_error *error)
{
  while (flock(client->fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return hd_fail_internal(error, "the agent's control cannot be locked: %s", strerror(errno));
    if (now_ms() >= end)
      return hd_fail_input(error, "another heapdiff talks to the agent in it just now: try again "
                                  "later");
    pause_ms(RETRY_MS);
  }
  return true;
}

static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *timeout)
{
  return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static bool await_answer(const struct hd_control_client *client, uint32_t asked, int64_t end,
                         struct hd_error *error)
{
  struct hd_control *shared = client->shared;
  struct timespec slice = {0, SLICE_MS * NS_PER_MS};
  for (uint32_t answered;
       (answered = __atomic_load_n(&shared->answered, __ATOMIC_ACQUIRE)) != asked;) {
    /* It may have answered just now, and ended with that. */
    if (!hd_control_lives(client))
      return __atomic_load_n(&shared->answered, __ATOMIC_ACQUIRE) == asked ||
             hd_fail_input(error, "the process has ended");
    if (now_ms() >= end)
      return hd_fail_input(error, "the agent in it does not answer: is the process stopped?");
    futex(&shared->answered, FUTEX_WAIT, answered, &slice);
  }
  return true;
}

static bool fill(struct hd_control *shared, const struct hd_control_request *request,
                 struct hd_error *error)
{
  const char *settings = request->settings ? request->settings : "";
  const char *directory = request->directory ? request->directory : "";
  size_t size = strlen(settings) + 1;
  if (size > sizeof shared->settings || strlen(directory) >= sizeof shared->directory)
    return hd_fail_internal(error, "the settings do not fit into the agent's control");
  memcpy(shared->settings, settings, size);
  if (request->command == HD_COMMAND_RATE)
    shared->rate = request->rate;
  shared->command = request->command;
  return true;
}

static bool take_answer(const struct hd_control *shared, struct hd_control_answer *answer,
                        struct hd_error *error)
{
  char words[sizeof shared->message];
  copy_text(words, shared->message, sizeof words);
  if (answer) {
    answer->error = shared->error;
    answer->rate = shared->rate;
    copy_text(answer->snapshot, shared->snapshot, sizeof answer->snapshot);
  }
  if (!shared->error)
    return true;
  return hd_fail_input(error, "%.700s", words[0] ? words : strerror(shared->error));
}

bool hd_control_ask(const struct hd_control_client *client,
                    const struct hd_control_request *request, struct hd_control_answer *answer,
                    struct hd_error *error)
{
  struct hd_control *shared = client->shared;
  int64_t end = now_ms() + (int64_t)request->timeout_ms;
  if (answer)
    *answer = (struct hd_control_answer){0};
  if (!lock(client, end, error))
    return false;
  bool good = fill(shared, request, error);
  if (good) {
    uint32_t asked = __atomic_add_fetch(&shared->asked, 1, __ATOMIC_ACQ_REL);
    __atomic_or_fetch(&shared->events, HD_EVENT_CONTROL, __ATOMIC_ACQ_REL);
    futex(&shared->events, FUTEX_WAKE, INT32_MAX, NULL);
    good = await_answer(client, asked, end, error) && take_answer(shared, answer, error);
  }
  flock(client->fd, LOCK_UN);
  return good;
}
