/* The client of an agent's control, against a thread of this process that plays the agent;
 * and what a running process is reached through. */
#include "support/scratch.h"

#include "attach/process.h"
#include "record/control.h"
#include "record/copy_file.h"
#include "record/reach.h"
#include "record/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* --- the agent's part ---------------------------------------------------------------------- */

/* How the mock behaves; in shared memory, as the process may be killed. */
struct play {
  uint32_t version;
  off_t size;
  bool sealed, silent, late;
  int error;
  char settings[8192];
  uint64_t rate;
};
static struct play *play;

static long futex(uint32_t *word, int operation, uint32_t value)
{
  return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void answer(struct hd_control *control)
{
  switch (control->command) {
  case HD_COMMAND_RECORD:
    snprintf(play->settings, sizeof play->settings, "%s", control->settings);
    control->state = HD_CONTROL_RECORDING;
    snprintf(control->directory, sizeof control->directory, "/where/it/writes");
    break;
  case HD_COMMAND_STOP: control->state = HD_CONTROL_DORMANT; break;
  case HD_COMMAND_SNAPSHOT:
    snprintf(control->snapshot, sizeof control->snapshot, "/a/snapshot.heapdiff");
    break;
  case HD_COMMAND_RATE: play->rate = control->rate; break;
  }
  control->error = play->error;
  snprintf(control->message, sizeof control->message, "%s", play->error ? "in its words" : "");
}

static void *act(void *unused)
{
  unshare(CLONE_FILES);
  int fd = memfd_create(HD_CONTROL_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || ftruncate(fd, (off_t)sizeof(struct hd_control)) != 0)
    _exit(1);
  struct hd_control *control =
      mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (control == MAP_FAILED || (play->size && ftruncate(fd, play->size) != 0))
    _exit(1);
  if (play->sealed)
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  prctl(PR_SET_NAME, HD_THREAD_NAME);
  if (play->size)
    for (;;)
      pause();
  if (play->late)
    usleep(50000);
  control->version = play->version;
  control->pid = getpid();
  control->counters.snapshots = 42;
  __atomic_store_n(&control->magic, HD_CONTROL_MAGIC, __ATOMIC_RELEASE);
  for (;;) {
    uint32_t events = __atomic_exchange_n(&control->events, 0, __ATOMIC_ACQ_REL);
    if (!(events & HD_EVENT_CONTROL) || play->silent) {
      futex(&control->events, FUTEX_WAIT, 0);
      continue;
    }
    answer(control);
    __atomic_store_n(&control->answered, control->asked, __ATOMIC_RELEASE);
    futex(&control->answered, FUTEX_WAKE, INT32_MAX);
  }
  return unused;
}

static pid_t child;

static int begin(void **state)
{
  play = mmap(NULL, sizeof *play, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(play != MAP_FAILED);
  *play = (struct play){.version = HD_CONTROL_VERSION, .sealed = true};
  return scratch_make(state);
}

/* A process with such a thread in it. */
static void start(void)
{
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pthread_create(&thread, NULL, act, NULL) != 0)
      _exit(1);
    for (;;)
      pause();
  }
}

/* Until it has its name, and its memory, which comes before. */
static void wait_for_its_thread(void)
{
  char name[64], comm[32];
  for (int i = 0; i < 60000; i++) {
    snprintf(name, sizeof name, "/proc/%d/task", child);
    DIR *directory = opendir(name);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
      snprintf(name, sizeof name, "task/%.20s/comm", entry->d_name);
      if (hd_process_text(child, name, comm, sizeof comm) > 0 && strcmp(comm, "heapdiff\n") == 0)
        i = 60000;
    }
    if (directory)
      closedir(directory);
    usleep(1000);
  }
}

static void kill_child(void)
{
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  child = 0;
}

static int end(void **state)
{
  kill_child();
  munmap(play, sizeof *play);
  return scratch_remove(state);
}

static struct hd_control_client open_it(void)
{
  struct hd_control_client client;
  struct hd_error error = HD_ERROR_INIT;
  start();
  if (!hd_control_await(child, 60000, &client, &error))
    fail_msg("%s", error.text);
  assert_non_null(client.shared);
  return client;
}

/* --- the client ------------------------------------------------------------------------------ */

static void test_commands(void **state)
{
  (void)state;
  struct hd_control_client client = open_it();
  struct hd_error error = HD_ERROR_INIT;
  struct hd_control_answer reply;
  char directory[4096];
  assert_true(hd_control_lives(&client));
  assert_false(hd_control_is_recording(&client));
  assert_true(hd_control_counters(&client).snapshots == 42);
  assert_true(hd_control_ask(&client,
                             &(struct hd_control_request){.command = HD_COMMAND_RECORD,
                                                          .settings = "A=1\nB=2\n",
                                                          .timeout_ms = 60000},
                             &reply, &error));
  assert_string_equal(play->settings, "A=1\nB=2\n");
  assert_true(hd_control_is_recording(&client));
  hd_control_directory(&client, directory);
  assert_string_equal(directory, "/where/it/writes");
  assert_true(hd_control_ask(
      &client, &(struct hd_control_request){.command = HD_COMMAND_SNAPSHOT, .timeout_ms = 60000},
      &reply, &error));
  assert_string_equal(reply.snapshot, "/a/snapshot.heapdiff");
  assert_true(hd_control_ask(
      &client,
      &(struct hd_control_request){.command = HD_COMMAND_RATE, .rate = 4096, .timeout_ms = 60000},
      &reply, &error));
  assert_true(play->rate == 4096);
  assert_true(hd_control_ask(
      &client, &(struct hd_control_request){.command = HD_COMMAND_STOP, .timeout_ms = 60000}, NULL,
      &error));
  assert_false(hd_control_is_recording(&client));
  hd_control_close(&client);
}

static const struct hd_control_request snapshot = {.command = HD_COMMAND_SNAPSHOT,
                                                   .timeout_ms = 60000};

static void test_a_no_is_in_the_agents_words(void **state)
{
  (void)state;
  struct hd_control_client client = open_it();
  struct hd_error error = HD_ERROR_INIT;
  struct hd_control_answer reply;
  play->error = EACCES;
  assert_false(hd_control_ask(&client, &snapshot, &reply, &error));
  assert_int_equal(reply.error, EACCES);
  assert_string_equal(error.text, "in its words");
  hd_control_close(&client);
}

static void test_no_answer(void **state)
{
  (void)state;
  struct hd_control_client client = open_it();
  struct hd_error error = HD_ERROR_INIT;
  play->silent = true;
  struct hd_control_request hasty = {.command = HD_COMMAND_SNAPSHOT, .timeout_ms = 30};
  assert_false(hd_control_ask(&client, &hasty, NULL, &error));
  assert_non_null(strstr(error.text, "does not answer"));
  /* The next one is answered again. */
  play->silent = false;
  error = (struct hd_error)HD_ERROR_INIT;
  if (!hd_control_ask(&client, &snapshot, NULL, &error))
    fail_msg("%s", error.text);
  hd_control_close(&client);
}

static void test_the_process_ends_meanwhile(void **state)
{
  (void)state;
  struct hd_control_client client = open_it();
  struct hd_error error = HD_ERROR_INIT;
  play->silent = true;
  pid_t killer = fork();
  if (killer == 0) {
    usleep(100000);
    kill(child, SIGKILL);
    _exit(0);
  }
  assert_false(hd_control_ask(&client, &snapshot, NULL, &error));
  assert_string_equal(error.text, "the process has ended");
  assert_false(hd_control_lives(&client));
  waitpid(killer, NULL, 0);
  hd_control_close(&client);
}

static void test_two_clients(void **state)
{
  (void)state;
  struct hd_control_client one = open_it(), two;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_control_open(child, &two, &error));
  assert_int_equal(flock(one.fd, LOCK_EX), 0);
  struct hd_control_request hasty = {.command = HD_COMMAND_SNAPSHOT, .timeout_ms = 30};
  assert_false(hd_control_ask(&two, &hasty, NULL, &error));
  assert_non_null(strstr(error.text, "another heapdiff"));
  assert_int_equal(flock(one.fd, LOCK_UN), 0);
  error = (struct hd_error)HD_ERROR_INIT;
  assert_true(hd_control_ask(&two, &snapshot, NULL, &error));
  hd_control_close(&one);
  hd_control_close(&two);
}

static void test_none_there(void **state)
{
  (void)state;
  struct hd_control_client client;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_control_open(getpid(), &client, &error));
  assert_null(client.shared);
  hd_control_close(&client);
  assert_true(hd_control_open(0x7ffffffe, &client, &error));
  assert_null(client.shared);
}

static void test_one_that_starts(void **state)
{
  (void)state;
  play->late = true;
  struct hd_control_client client = open_it();
  assert_int_equal(client.shared->pid, child);
  hd_control_close(&client);
}

static void assert_other_version(void)
{
  struct hd_control_client client;
  struct hd_error error = HD_ERROR_INIT;
  start();
  assert_false(hd_control_await(child, 60000, &client, &error));
  assert_non_null(strstr(error.text, "another version"));
  assert_null(client.shared);
}

static void test_another_version(void **state)
{
  (void)state;
  play->version = HD_CONTROL_VERSION + 1;
  assert_other_version();
}

/* Memory that may shrink, or is too short, is not even mapped. */
static void test_memory_that_cannot_be_trusted(void **state)
{
  (void)state;
  play->sealed = false;
  struct hd_control_client client;
  struct hd_error error = HD_ERROR_INIT;
  start();
  wait_for_its_thread();
  assert_false(hd_control_await(child, 100, &client, &error));
  assert_non_null(strstr(error.text, "does not get ready"));
  kill_child();
  play->sealed = true;
  play->size = 4096;
  assert_other_version();
}

/* --- settings, files ---------------------------------------------------------------------------
 */

static void test_settings_as_lines(void **state)
{
  (void)state;
  struct hd_settings settings = HD_SETTINGS_INIT;
  char text[8192], small[16];
  settings.rate = 77;
  assert_true(hd_settings_text(&settings, "/some where", text, sizeof text));
  assert_true(strncmp(text, "HEAPDIFF_DIR=/some where\n", 25) == 0);
  assert_non_null(strstr(text, "\nHEAPDIFF_RATE=77\n"));
  assert_non_null(strstr(text, "\nHEAPDIFF_FORMAT=0\n"));
  assert_int_equal(text[strlen(text) - 1], '\n');
  assert_false(hd_settings_text(&settings, "/some where", small, sizeof small));
  assert_false(hd_settings_text(&settings, "/two\nlines", text, sizeof text));
}

static void test_the_same_view(void **state)
{
  (void)state;
  struct hd_process_status status;
  struct hd_reach reach;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_process_status_read(getpid(), &status));
  assert_true(hd_reach_open(getpid(), &status, &reach, &error));
  assert_true(hd_reach_sees(&reach, scratch));
  assert_false(hd_reach_sees(&reach, in_scratch("nowhere")));
  hd_reach_close(&reach);
}

static const char *in_apart(const struct hd_reach *reach, const char *name)
{
  static char path[PATH_MAX + 64];
  snprintf(path, sizeof path, "%s/%s", reach->apart, name);
  return path;
}

static void fetch(struct hd_reach *reach, const struct hd_output_directory *directory,
                  uint64_t thinned)
{
  assert_true(hd_reach_fetch(reach, directory, thinned));
}

static void test_a_directory_apart(void **state)
{
  (void)state;
  struct hd_process_status status;
  struct hd_reach reach;
  struct hd_output_directory directory = HD_OUTPUT_DIRECTORY_INIT;
  struct hd_error error = HD_ERROR_INIT;
  char apart[PATH_MAX], first[PATH_MAX + 64], *bytes;
  size_t size;
  struct stat info;
  assert_true(hd_process_status_read(getpid(), &status));
  assert_true(hd_output_directory_open(in_scratch("data"), &directory, &error));
  assert_true(hd_reach_open(getpid(), &status, &reach, &error));
  assert_true(hd_reach_make_apart(&reach, &directory, &error));
  snprintf(apart, sizeof apart, "%s", reach.apart);
  assert_int_equal(stat(apart, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0700);
  write_text(in_apart(&reach, "p.1.000000.heapdiff"), "first", 0600);
  write_text(in_apart(&reach, "p.1.000001.heapdiff"), "second", 0600);
  write_text(in_apart(&reach, ".p.1.000002.heapdiff.tmp"), "half", 0600);
  write_text(in_apart(&reach, HD_LOG_NAME), "a line\n", 0600);
  assert_int_equal(symlink("/etc/passwd", in_apart(&reach, "p.1.000003.heapdiff")), 0);
  assert_false(hd_reach_fetch(&reach, &directory, 0)); /* the link */
  assert_int_equal(unlink(in_apart(&reach, "p.1.000003.heapdiff")), 0);
  fetch(&reach, &directory, 0);
  snprintf(first, sizeof first, "%s/p.1.000000.heapdiff", directory.absolute);
  bytes = read_bytes(first, &size);
  assert_string_equal(bytes, "first");
  free(bytes);
  assert_false(exists(in_scratch("data/p.1.000003.heapdiff")));
  assert_true(exists(in_scratch("data/" HD_LOG_NAME)));
  assert_int_equal(stat(in_apart(&reach, "p.1.000000.heapdiff"), &info), 0);
  assert_int_equal(info.st_size, 0);
  /* Gone there: here only where the agent says that it has thinned it out. */
  assert_int_equal(unlink(in_apart(&reach, "p.1.000000.heapdiff")), 0);
  fetch(&reach, &directory, 0);
  assert_true(exists(first));
  fetch(&reach, &directory, 1);
  assert_false(exists(first));
  assert_true(exists(in_scratch("data/p.1.000001.heapdiff")));
  assert_int_equal(unlink(in_apart(&reach, ".p.1.000002.heapdiff.tmp")), 0);
  hd_reach_close(&reach);
  assert_false(exists(apart));
  hd_output_directory_close(&directory);
}

static void test_what_was_not_fetched_stays(void **state)
{
  (void)state;
  struct hd_process_status status;
  struct hd_reach reach;
  struct hd_output_directory directory = HD_OUTPUT_DIRECTORY_INIT;
  struct hd_error error = HD_ERROR_INIT;
  char path[PATH_MAX + 64];
  assert_true(hd_process_status_read(getpid(), &status));
  assert_true(hd_output_directory_open(in_scratch("data"), &directory, &error));
  assert_true(hd_reach_open(getpid(), &status, &reach, &error));
  assert_true(hd_reach_make_apart(&reach, &directory, &error));
  snprintf(path, sizeof path, "%s", in_apart(&reach, "p.1.000000.heapdiff"));
  write_text(path, "only here", 0600);
  hd_reach_close(&reach);
  assert_true(exists(path));
  assert_int_equal(unlink(path), 0);
  *strrchr(path, '/') = '\0';
  assert_int_equal(rmdir(path), 0);
  hd_output_directory_close(&directory);
}

static void test_the_agent_is_copied_where_it_is_not_seen(void **state)
{
  (void)state;
  struct hd_process_status status;
  struct hd_reach reach;
  struct hd_error error = HD_ERROR_INIT;
  char copy[PATH_MAX];
  struct stat info;
  write_text(in_scratch("agent.so"), "code", 0600);
  assert_true(hd_process_status_read(getpid(), &status));
  assert_true(hd_reach_open(getpid(), &status, &reach, &error));
  assert_true(hd_reach_agent(&reach, in_scratch("agent.so"), &error));
  assert_string_equal(reach.agent, in_scratch("agent.so"));
  /* Another user cannot read it there. */
  reach.uid = geteuid() + 1;
  if (geteuid() != 0) {
    hd_reach_close(&reach);
    return;
  }
  assert_true(hd_reach_agent(&reach, in_scratch("agent.so"), &error));
  snprintf(copy, sizeof copy, "%s", reach.agent);
  assert_string_not_equal(copy, in_scratch("agent.so"));
  assert_int_equal(stat(copy, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0755);
  assert_int_equal(info.st_size, 4);
  hd_reach_forget_agent(&reach);
  assert_false(exists(copy));
  hd_reach_close(&reach);
  *strrchr(copy, '/') = '\0';
  assert_false(exists(copy));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_commands),
      TEST(test_a_no_is_in_the_agents_words),
      TEST(test_no_answer),
      TEST(test_the_process_ends_meanwhile),
      TEST(test_two_clients),
      TEST(test_none_there),
      TEST(test_one_that_starts),
      TEST(test_another_version),
      TEST(test_memory_that_cannot_be_trusted),
      TEST(test_settings_as_lines),
      TEST(test_the_same_view),
      TEST(test_a_directory_apart),
      TEST(test_what_was_not_fetched_stays),
      TEST(test_the_agent_is_copied_where_it_is_not_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
