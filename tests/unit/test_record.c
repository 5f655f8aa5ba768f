#include "support/recording.h"

#include "record/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void test_the_exit_status_is_passed_through(void **state)
{
  (void)state;
  static const int wanted[] = {0, 1, 7, 125, 255};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    char text[16];
    snprintf(text, sizeof text, "%d", wanted[i]);
    struct recording r = RECORD(FORKER, "exit", text);
    assert_recorded(&r, wanted[i]);
    assert_int_equal(r.result.signal, 0);
    assert_int_equal(r.result.processes, 1);
    assert_int_equal(r.result.snapshots, 2);
    assert_int_equal(r.result.failed, 0);
  }
}

static void test_a_fatal_signal_is_told(void **state)
{
  (void)state;
  struct recording r = RECORD(FORKER, "segv");
  assert_recorded(&r, 128 + SIGSEGV);
  assert_int_equal(r.result.signal, SIGSEGV);
  assert_int_equal(r.result.snapshots, 1); /* the fake agent had no chance at exit */
  r = RECORD(FORKER, "abort");
  assert_recorded(&r, 128 + SIGABRT);
  r = RECORD(FORKER, "quick");
  assert_recorded(&r, 5);
}

struct events {
  size_t count;
  struct hd_record_event last[16];
  char paths[16][512], programs[16][64];
};

static void take_event(void *context, const struct hd_record_event *event)
{
  struct events *events = context;
  size_t i = events->count++ % 16;
  events->last[i] = *event;
  snprintf(events->paths[i], sizeof events->paths[i], "%s", event->path);
  snprintf(events->programs[i], sizeof events->programs[i], "%s", event->program);
}

static void test_each_snapshot_is_told_once(void **state)
{
  (void)state;
  struct events events = {0};
  char *argv[] = {(char *)FORKER, (char *)"exit", (char *)"0", NULL};
  struct recording r = record_with(
      (struct hd_record_options){.argv = argv, .on_snapshot = take_event, .context = &events});
  assert_recorded(&r, 0);
  assert_int_equal(events.count, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(events.last[i].sequence, i);
    assert_int_equal(events.last[i].live_bytes, i ? 30 * 64 : 10 * 64);
    assert_int_equal(events.last[i].rss, 4096);
    assert_true(events.last[i].pid > 0);
    assert_true(events.last[i].elapsed_ns >= 0 && events.last[i].elapsed_ns < 60000000000);
    assert_string_equal(events.programs[i], "/usr/bin/fake");
    assert_true(exists(events.paths[i]));
  }
  assert_true(events.last[0].elapsed_ns <= events.last[1].elapsed_ns);
}

static void test_a_file_that_is_no_snapshot_is_told_as_unknown(void **state)
{
  (void)state;
  struct events events = {0};
  char *argv[] = {(char *)"/bin/sh", (char *)"-c",
                  (char *)"cd \"$HEAPDIFF_DIR\" && echo '{\"heapdiff\":1' > .b.tmp && "
                          "mv .b.tmp bad.1.000000.heapdiff && sleep 0.1",
                  NULL};
  struct recording r = record_with(
      (struct hd_record_options){.argv = argv, .on_snapshot = take_event, .context = &events});
  assert_recorded(&r, 0);
  size_t unknown = 0;
  for (size_t i = 0; i < events.count; i++)
    if (strstr(events.paths[i], "/bad.1.")) {
      unknown++;
      assert_int_equal(events.last[i].live_bytes, -1);
      assert_int_equal(events.last[i].rss, -1);
    }
  assert_int_equal(unknown, 1);
}

/* Runs a recording with standard output in a file; the text, for the caller to
 * free. */
static char *output_of(struct hd_record_options options, struct recording *recording)
{
  size_t size;
  fflush(stdout);
  int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
  int fd = open(in_scratch("output"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(saved >= 0 && fd >= 0);
  dup2(fd, STDOUT_FILENO);
  close(fd);
  *recording = record_with(options);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  return read_bytes(in_scratch("output"), &size);
}

static void test_the_environment(void **state)
{
  (void)state;
  char wanted[PATH_MAX], *argv[] = {(char *)FORKER, (char *)"environment", NULL};
  struct recording r;
  setenv("LD_PRELOAD", PROGRAMS "/libplugin_a.so", 1);
  setenv("HEAPDIFF_RATE", "99", 1);
  char *text = output_of(
      (struct hd_record_options){.argv = argv, .rate = 4096, .interval_ms = 250, .max_frames = 33},
      &r);
  unsetenv("LD_PRELOAD");
  unsetenv("HEAPDIFF_RATE");
  assert_recorded(&r, 0);
  assert_non_null(strstr(text, "LD_PRELOAD=" FAKE_AGENT ":" PROGRAMS "/libplugin_a.so\n"));
  assert_non_null(strstr(text, "HEAPDIFF_RATE=4096\n"));
  assert_null(strstr(text, "HEAPDIFF_RATE=99\n"));
  assert_non_null(strstr(text, "HEAPDIFF_INTERVAL_MS=250\n"));
  assert_non_null(strstr(text, "HEAPDIFF_MAX_FRAMES=33\n"));
  assert_non_null(strstr(text, "HEAPDIFF_STATUS=/proc/"));
  snprintf(wanted, sizeof wanted, "HEAPDIFF_DIR=%s/data\n", scratch);
  assert_non_null(strstr(text, wanted));
  free(text);
}

static void test_no_descriptor_leaks_into_the_program(void **state)
{
  (void)state;
  char *argv[] = {(char *)FORKER, (char *)"descriptors", NULL}, before[64] = "";
  struct recording r;
  FILE *direct = popen(FORKER " descriptors", "r");
  assert_non_null(direct);
  assert_non_null(fgets(before, sizeof before, direct));
  pclose(direct);
  char *text = output_of((struct hd_record_options){.argv = argv}, &r);
  assert_recorded(&r, 0);
  assert_string_equal(text, before);
  free(text);
}

static void test_an_agent_whose_path_cannot_be_preloaded(void **state)
{
  (void)state;
  size_t size;
  char *agent = read_bytes(FAKE_AGENT, &size);
  assert_int_equal(mkdir(in_scratch("a b:c"), 0755), 0);
  write_bytes(in_scratch("a b:c/agent.so"), agent, size, 0755);
  free(agent);
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)FORKER " exit 0; true", NULL};
  struct recording r =
      record_with((struct hd_record_options){.argv = argv, .agent = in_scratch("a b:c/agent.so")});
  assert_recorded(&r, 0);
  assert_int_equal(r.result.processes, 2);
}

static void test_the_agent_is_looked_for(void **state)
{
  (void)state;
  struct recording r = record_with((struct hd_record_options){
      .argv = (char *[]){(char *)FORKER, NULL}, .agent = "/nonexistent/agent.so"});
  assert_refused(&r, HD_RECORD_FAILED, "/nonexistent/agent.so");
  r = record_with((struct hd_record_options){.argv = (char *[]){(char *)FORKER, NULL},
                                             .agent = SOURCE_DIR "/CMakeLists.txt"});
  assert_refused(&r, HD_RECORD_FAILED, "not a shared library");
  assert_false(exists(in_scratch("data")));

  struct hd_record_options options = {.argv = (char *[]){(char *)FORKER, (char *)"quick", NULL},
                                      .directory = in_scratch("data")};
  r = (struct recording){.error = HD_ERROR_INIT};
  setenv("HEAPDIFF_AGENT", FAKE_AGENT, 1);
  r.good = hd_record(&options, &r.result, &r.exit_code, &r.error);
  assert_recorded(&r, 5);
  assert_int_equal(r.result.processes, 1);
  setenv("HEAPDIFF_AGENT", "/nonexistent/other.so", 1);
  r.good = hd_record(&options, &r.result, &r.exit_code, &r.error);
  unsetenv("HEAPDIFF_AGENT");
  assert_refused(&r, HD_RECORD_FAILED, "$HEAPDIFF_AGENT");
}

static void test_losses_are_told(void **state)
{
  (void)state;
  setenv("FAKE_AGENT_FAIL", "1", 1);
  struct recording r = RECORD(FORKER, "exit", "0");
  unsetenv("FAKE_AGENT_FAIL");
  assert_recorded(&r, 0);
  assert_int_equal(r.result.snapshots, 1);
  assert_int_equal(r.result.failed, 1);
  assert_int_equal(r.result.failed_errno, ENOSPC);
}

static void test_processes_without_the_counters_show_by_their_files(void **state)
{
  (void)state;
  struct recording r = RECORD("/bin/sh", "-c", "unset HEAPDIFF_STATUS; " FORKER " exit 0; exit 4");
  assert_recorded(&r, 4);
  assert_int_equal(r.result.processes, 2);
  assert_true(r.result.snapshots >= 3); /* a shell may end by _exit, without its second */
}

static void test_a_program_that_the_agent_did_not_reach(void **state)
{
  (void)state;
  /* A library that is loaded and is no agent: as if LD_PRELOAD were ignored. */
  struct recording r = record_with((struct hd_record_options){
      .argv = (char *[]){(char *)FORKER, (char *)"exit", (char *)"3", NULL},
      .agent = PROGRAMS "/libplugin_a.so"});
  assert_recorded(&r, 3);
  assert_int_equal(r.result.processes, 0);
  assert_int_equal(r.result.snapshots, 0);
}

static void test_forks_are_counted(void **state)
{
  (void)state;
  struct recording r = RECORD(FORKER, "exec", FORKER, "quick");
  assert_recorded(&r, 5);
  assert_int_equal(r.result.processes, 2);
}

static void test_the_caller_gets_its_signals_back(void **state)
{
  (void)state;
  sigset_t before, after;
  struct sigaction ignored = {.sa_handler = SIG_IGN}, found;
  sigaction(SIGCHLD, &ignored, NULL);
  sigemptyset(&before);
  sigaddset(&before, SIGUSR2);
  sigprocmask(SIG_SETMASK, &before, NULL);
  struct recording r = RECORD(FORKER, "exit", "11");
  sigprocmask(SIG_SETMASK, NULL, &after);
  sigaction(SIGCHLD, NULL, &found);
  sigemptyset(&before);
  sigprocmask(SIG_SETMASK, &before, NULL);
  signal(SIGCHLD, SIG_DFL);
  assert_recorded(&r, 11);
  assert_true(found.sa_handler == SIG_IGN);
  assert_int_equal(sigismember(&after, SIGUSR2), 1);
  assert_int_equal(sigismember(&after, SIGTERM), 0);
}

static void test_the_program_gets_the_callers_signals(void **state)
{
  (void)state;
  sigset_t blocked, before;
  char *argv[] = {(char *)"grep", (char *)"Sig", (char *)"/proc/self/status", NULL};
  struct recording r;
  unsigned long long mask = 0, ignored = 0;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigprocmask(SIG_SETMASK, &blocked, &before);
  signal(SIGCHLD, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  char *text = output_of((struct hd_record_options){.argv = argv}, &r);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
  sigprocmask(SIG_SETMASK, &before, NULL);
  assert_recorded(&r, 0);
  assert_int_equal(sscanf(strstr(text, "SigBlk:"), "SigBlk: %llx", &mask), 1);
  assert_int_equal(sscanf(strstr(text, "SigIgn:"), "SigIgn: %llx", &ignored), 1);
  assert_int_equal(mask, 1ull << (SIGUSR2 - 1));
  assert_int_equal(ignored & (1ull << (SIGCHLD - 1) | 1ull << (SIGHUP - 1)),
                   1ull << (SIGCHLD - 1) | 1ull << (SIGHUP - 1));
  free(text);
}

/* Lets the one go on that waits for it, too. */
static int told_end = -1;

static void take_event_and_tell(void *context, const struct hd_record_event *event)
{
  take_event(context, event);
  assert_int_equal(write(told_end, "x", 1), 1);
}

/* Not only when the program has ended: that ends when it has been told of its snapshot. */
static void test_without_inotify_the_directory_is_looked_through(void **state)
{
  (void)state;
  int ends[2];
  char byte;
  struct events events = {0};
  struct hd_error error = HD_ERROR_INIT;
  struct hd_output_directory directory;
  struct hd_signals signals;
  struct hd_watch watch;
  int status = 0;
  assert_true(hd_output_directory_open(in_scratch("data"), &directory, &error));
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  told_end = ends[1];
  hd_watch_init(&watch, &directory, take_event_and_tell, &events);
  assert_true(watch.fd >= 0);
  close(watch.fd);
  watch.fd = -1;
  assert_true(hd_signals_begin(&signals, &error));
  pid_t pid = fork();
  if (pid == 0) {
    write_text(in_scratch("data/x.1.000000.heapdiff"), "{\"heapdiff\":1}\n", 0600);
    alarm(120);
    _exit(read(ends[0], &byte, 1) == 1 ? 3 : 4);
  }
  assert_true(hd_supervise(pid, &signals, &watch, &status, &error));
  assert_int_equal(WEXITSTATUS(status), 3);
  assert_int_equal(events.count, 1);
  close(ends[0]);
  close(ends[1]);
  hd_signals_end(&signals);
  hd_watch_deinit(&watch);
  hd_output_directory_close(&directory);
}

static void test_bad_options(void **state)
{
  (void)state;
  struct recording r = record_with((struct hd_record_options){.argv = (char *[]){NULL}});
  assert_refused(&r, HD_RECORD_FAILED, "no program");
  r = record_with(
      (struct hd_record_options){.argv = (char *[]){(char *)FORKER, NULL}, .max_frames = 1000000});
  assert_refused(&r, HD_RECORD_FAILED, "frames at most");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_the_exit_status_is_passed_through),
      TEST(test_a_fatal_signal_is_told),
      TEST(test_each_snapshot_is_told_once),
      TEST(test_a_file_that_is_no_snapshot_is_told_as_unknown),
      TEST(test_the_environment),
      TEST(test_no_descriptor_leaks_into_the_program),
      TEST(test_an_agent_whose_path_cannot_be_preloaded),
      TEST(test_the_agent_is_looked_for),
      TEST(test_losses_are_told),
      TEST(test_processes_without_the_counters_show_by_their_files),
      TEST(test_a_program_that_the_agent_did_not_reach),
      TEST(test_forks_are_counted),
      TEST(test_the_caller_gets_its_signals_back),
      TEST(test_the_program_gets_the_callers_signals),
      TEST(test_without_inotify_the_directory_is_looked_through),
      TEST(test_bad_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
