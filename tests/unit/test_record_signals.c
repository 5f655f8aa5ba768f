/* Signals, as a shell, a terminal and a service manager send them. */
#include "support/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static void wait_a_little(void)
{
  struct timespec time = {0, 2000000};
  nanosleep(&time, NULL);
}

/* In a child: records `forker signals` and ends with its status. */
static void record_and_exit(void)
{
  char *argv[] = {(char *)FORKER, (char *)"signals", (char *)in_scratch("signals"), NULL};
  struct hd_record_options options = {
      .argv = argv, .agent = FAKE_AGENT, .directory = in_scratch("data")};
  struct hd_record_result result;
  struct hd_error error = HD_ERROR_INIT;
  int exit_code = 0;
  hd_record(&options, &result, &exit_code, &error);
  _exit(exit_code);
}

/* Waits until the program says on `fd` that it is ready. */
static pid_t await_ready(int fd)
{
  char text[256] = "";
  size_t length = 0;
  while (!strchr(text, '\n') && length < sizeof text - 1) {
    ssize_t got = read(fd, text + length, sizeof text - 1 - length);
    if (got <= 0)
      fail_msg("the program ended before it was ready: \"%s\"", text);
    length += (size_t)got;
  }
  long pid = 0;
  assert_int_equal(sscanf(text, "ready %ld", &pid), 1);
  return (pid_t)pid;
}

/* Starts a recording in a process group of its own. */
static pid_t start(pid_t *program)
{
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    setpgid(0, 0);
    dup2(ends[1], STDOUT_FILENO);
    record_and_exit();
  }
  close(ends[1]);
  *program = await_ready(ends[0]);
  close(ends[0]);
  return pid;
}

/* How often the program has got a signal so far. */
static int times_got(int number)
{
  int count = 0, found;
  FILE *file = fopen(in_scratch("signals"), "r");
  while (file && fscanf(file, "%d", &found) == 1)
    count += found == number;
  if (file)
    fclose(file);
  return count;
}

static void await_signal(int number)
{
  for (int i = 0; i < 60000 && !times_got(number); i++)
    wait_a_little();
  assert_int_equal(times_got(number), 1);
}

/* Ends the recording through record; its status is the program's. */
static void finish(pid_t record)
{
  int status;
  assert_int_equal(kill(record, SIGTERM), 0);
  assert_int_equal(waitpid(record, &status, 0), record);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 7);
  assert_int_equal(times_got(SIGTERM), 1);
}

static void test_signals_of_other_processes_are_passed_on(void **state)
{
  (void)state;
  int sent[] = {SIGHUP,   SIGINT,  SIGQUIT, SIGUSR1,     SIGUSR2,
                SIGWINCH, SIGALRM, SIGCONT, SIGRTMIN + 3};
  pid_t program, record = start(&program);
  for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
    assert_int_equal(kill(record, sent[i]), 0);
    await_signal(sent[i]);
  }
  finish(record);
}

static void test_the_programs_own_signals_do_not_come_back(void **state)
{
  (void)state;
  /* The shell signals its parent, which is record, then itself is not ended. */
  struct recording r =
      RECORD("/bin/sh", "-c", "kill -USR1 $PPID; kill -TERM $PPID; sleep 0.1; exit 12");
  assert_recorded(&r, 12);
}

static void test_sigpipe_does_not_end_record(void **state)
{
  (void)state;
  struct recording r = RECORD("/bin/sh", "-c", "(kill -PIPE $PPID); sleep 0.05; exit 13");
  assert_recorded(&r, 13);
}

static void test_a_job_stops_and_goes_on(void **state)
{
  (void)state;
  int status;
  pid_t program, record = start(&program);
  assert_int_equal(kill(record, SIGTSTP), 0);
  assert_int_equal(waitpid(record, &status, WUNTRACED), record);
  assert_true(WIFSTOPPED(status));
  await_signal(SIGTSTP);
  assert_int_equal(kill(record, SIGCONT), 0);
  assert_int_equal(waitpid(record, &status, WCONTINUED), record);
  await_signal(SIGCONT);
  finish(record);
}

static void test_the_terminals_signals_come_once(void **state)
{
  (void)state;
  int terminal;
  pid_t record = forkpty(&terminal, NULL, NULL, NULL);
  assert_true(record >= 0);
  if (record == 0)
    record_and_exit();
  await_ready(terminal);
  assert_int_equal(write(terminal, "\003", 1), 1); /* Ctrl-C */
  await_signal(SIGINT);
  assert_int_equal(write(terminal, "\034", 1), 1); /* Ctrl-\ */
  await_signal(SIGQUIT);
  finish(record);
  assert_int_equal(times_got(SIGINT), 1);
  assert_int_equal(times_got(SIGQUIT), 1);
  close(terminal);
}

static void test_a_program_that_is_killed(void **state)
{
  (void)state;
  int status;
  pid_t program, record = start(&program);
  assert_int_equal(kill(program, SIGKILL), 0);
  assert_int_equal(waitpid(record, &status, 0), record);
  assert_int_equal(WEXITSTATUS(status), 128 + SIGKILL);
}

static void test_a_killed_record_leaves_the_program(void **state)
{
  (void)state;
  int status;
  /* The program is this process's child then, and waited for: it still writes when it ends. */
  assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  pid_t program, record = start(&program);
  assert_int_equal(kill(record, SIGKILL), 0);
  assert_int_equal(waitpid(record, &status, 0), record);
  assert_int_equal(kill(program, SIGUSR1), 0);
  await_signal(SIGUSR1);
  assert_int_equal(kill(program, SIGTERM), 0);
  assert_int_equal(waitpid(program, &status, 0), program);
  assert_int_equal(times_got(SIGTERM), 1);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_signals_of_other_processes_are_passed_on),
      TEST(test_the_programs_own_signals_do_not_come_back),
      TEST(test_sigpipe_does_not_end_record),
      TEST(test_a_job_stops_and_goes_on),
      TEST(test_the_terminals_signals_come_once),
      TEST(test_a_program_that_is_killed),
      TEST(test_a_killed_record_leaves_the_program),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
