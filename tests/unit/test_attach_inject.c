/* A library is put into running programs that notice what is done to them. */
#include "support/scratch.h"

#include "attach/inject.h"
#include "attach/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#define VISITED PROGRAMS "/visited"
#define VISITOR PROGRAMS "/libvisitor.so"

struct target {
  pid_t pid;
  FILE *output;
};

static struct target start(const char *way, const char *how)
{
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  struct target target = {.pid = fork()};
  assert_true(target.pid >= 0);
  if (target.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    setenv("VISIT_UNTIL", in_scratch("until"), 1);
    dup2(ends[1], STDOUT_FILENO);
    execl(VISITED, VISITED, way, how, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  char line[64];
  target.output = fdopen(ends[0], "r");
  assert_non_null(target.output);
  assert_non_null(fgets(line, sizeof line, target.output));
  assert_string_equal(line, "ready\n");
  return target;
}

/* That it is well, and lets nothing be held back. */
static void assert_unharmed(struct target *target)
{
  int status;
  char text[8192], line[256] = "";
  assert_true(hd_process_text(target->pid, "status", text, sizeof text) > 0);
  assert_non_null(strstr(text, "SigBlk:\t0000000000000000\n"));
  assert_non_null(strstr(text, "TracerPid:\t0\n"));
  kill(target->pid, SIGTERM);
  if (fgets(line, sizeof line, target->output))
    fail_msg("%s", line);
  fclose(target->output);
  assert_int_equal(waitpid(target->pid, &status, 0), target->pid);
  assert_int_equal(status, 0);
}

static bool visit_for(struct target *target, const char *function, uint64_t call_ms,
                      struct hd_error *error)
{
  struct hd_injection injection = {.pid = target->pid,
                                   .library = VISITOR,
                                   .function = function,
                                   .timeout_ms = 60000,
                                   .call_ms = call_ms};
  struct hd_injected injected;
  bool good = hd_inject(&injection, &injected, error);
  if (good) {
    assert_true(injected.looks > 0);
    assert_true(injected.stopped_ns > 0 && injected.longest_ns >= injected.stopped_ns);
  }
  return good;
}

static bool visit(struct target *target, const char *function, struct hd_error *error)
{
  return visit_for(target, function, 60000, error);
}

static void assert_visit(struct target *target)
{
  struct hd_error error = HD_ERROR_INIT;
  if (!visit(target, "visit", &error))
    fail_msg("%s", error.text);
}

static unsigned count_threads(pid_t pid)
{
  char text[8192];
  assert_true(hd_process_text(pid, "status", text, sizeof text) > 0);
  const char *line = strstr(text, "\nThreads:");
  return line ? (unsigned)strtoul(line + 9, NULL, 10) : 0;
}

static void wait_ms(long ms)
{
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

/* Until a file of the process has these words. */
static void await(pid_t pid, const char *file, const char *words)
{
  char text[8192] = "";
  for (int i = 0; i < 60000; i++) {
    if (hd_process_text(pid, file, text, sizeof text) > 0 && strstr(text, words))
      return;
    wait_ms(1);
  }
  fail_msg("\"%s\" never came: %s", words, text);
}

/* Has a call that takes long come to its end, and waits until it has found its way back. */
static void end_call(pid_t pid)
{
  write_text(in_scratch("until"), "", 0600);
  await(pid, "comm", "visited before");
  await(pid, "status", "SigBlk:\t0000000000000000\n");
}

static void test_every_way_to_wait(void **state)
{
  (void)state;
  static const char *const ways[] = {"sleep",     "poll",    "select",   "epoll",
                                     "condition", "compute", "allocate", "join"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct target target = start(ways[i], NULL);
    unsigned threads = count_threads(target.pid);
    for (unsigned k = 0; k < 5; k++) {
      assert_visit(&target);
      wait_ms(7);
    }
    if (strcmp(ways[i], "join") != 0)
      assert_int_equal(count_threads(target.pid), threads + 5);
    assert_unharmed(&target);
  }
}

static void test_nothing_of_the_errand_stays(void **state)
{
  (void)state;
  struct target target = start("sleep", NULL);
  struct hd_error error = HD_ERROR_INIT;
  struct hd_maps before, after;
  /* The second time nothing is loaded any more, and this one starts no thread. */
  assert_false(visit(&target, "visit_in_vain", &error));
  assert_true(hd_maps_read(target.pid, &before, &error) || error.kind);
  error = (struct hd_error)HD_ERROR_INIT;
  assert_false(visit(&target, "visit_in_vain", &error));
  assert_non_null(strstr(error.text, strerror(ENOTSUP)));
  error = (struct hd_error)HD_ERROR_INIT;
  assert_true(hd_maps_read(target.pid, &after, &error));
  assert_int_equal(before.items.count, after.items.count);
  for (size_t i = 0; i < after.items.count; i++) {
    assert_int_equal(before.items.items[i].start, after.items.items[i].start);
    assert_int_equal(before.items.items[i].end, after.items.items[i].end);
  }
  hd_maps_deinit(&before);
  hd_maps_deinit(&after);
  assert_unharmed(&target);
}

static void test_what_the_loader_says(void **state)
{
  (void)state;
  struct target target = start("epoll", NULL);
  struct hd_error error = HD_ERROR_INIT;
  assert_false(visit(&target, "no_such_function", &error));
  assert_non_null(strstr(error.text, "undefined symbol: no_such_function"));
  error = (struct hd_error)HD_ERROR_INIT;
  struct hd_injection injection = {.pid = target.pid,
                                   .library = "/no/such/library.so",
                                   .function = "visit",
                                   .timeout_ms = 60000,
                                   .call_ms = 60000};
  struct hd_injected injected;
  assert_false(hd_inject(&injection, &injected, &error));
  assert_non_null(strstr(error.text, "/no/such/library.so: cannot open shared object file"));
  assert_unharmed(&target);
}

static void test_a_crash_is_undone(void **state)
{
  (void)state;
  static const char *const ways[] = {"sleep", "compute"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct target target = start(ways[i], NULL);
    struct hd_error error = HD_ERROR_INIT;
    assert_false(visit(&target, "visit_and_crash", &error));
    assert_non_null(strstr(error.text, "crashed"));
    assert_visit(&target);
    assert_unharmed(&target);
  }
}

/* It goes back by itself, through a signal frame: registers, floating point, mask. */
static void test_a_call_that_takes_long_is_left_alone(void **state)
{
  (void)state;
  static const char *const ways[] = {"sleep", "epoll", "compute"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct target target = start(ways[i], "interruptible");
    struct hd_error error = HD_ERROR_INIT;
    assert_false(visit_for(&target, "visit_for_long", 20, &error));
    assert_non_null(strstr(error.text, "did not come back in time"));
    end_call(target.pid);
    assert_unharmed(&target);
    assert_int_equal(unlink(in_scratch("until")), 0);
  }
}

/* As heapdiff is when it is killed in the middle. */
static void test_the_sender_is_killed(void **state)
{
  (void)state;
  static const char *const ways[] = {"select", "compute"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct target target = start(ways[i], "interruptible");
    pid_t sender = fork();
    assert_true(sender >= 0);
    if (sender == 0) {
      struct hd_error error = HD_ERROR_INIT;
      visit(&target, "visit_for_long", &error);
      _exit(0);
    }
    await(target.pid, "comm", "visiting");
    kill(sender, SIGKILL);
    waitpid(sender, NULL, 0);
    end_call(target.pid);
    assert_unharmed(&target);
    assert_int_equal(unlink(in_scratch("until")), 0);
  }
}

static void test_it_ends_in_the_middle(void **state)
{
  (void)state;
  struct target target = start("sleep", NULL);
  struct hd_error error = HD_ERROR_INIT;
  pid_t killer = fork();
  assert_true(killer >= 0);
  if (killer == 0) {
    await(target.pid, "comm", "visiting");
    kill(target.pid, SIGKILL);
    _exit(0);
  }
  assert_false(visit(&target, "visit_for_long", &error));
  assert_non_null(strstr(error.text, "ended"));
  waitpid(killer, NULL, 0);
  waitpid(target.pid, NULL, 0);
  fclose(target.output);
}

static int skip_without_ptrace(void **state)
{
  struct target target = start("sleep", NULL);
  long held = ptrace(PTRACE_SEIZE, target.pid, 0, 0);
  int why = errno;
  kill(target.pid, SIGKILL);
  waitpid(target.pid, NULL, 0);
  fclose(target.output);
  *state = held == 0 ? NULL : strerror(why);
  return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
  void *state = NULL;
  const struct CMUnitTest tests[] = {
      TEST(test_every_way_to_wait),
      TEST(test_nothing_of_the_errand_stays),
      TEST(test_what_the_loader_says),
      TEST(test_a_crash_is_undone),
      TEST(test_a_call_that_takes_long_is_left_alone),
      TEST(test_the_sender_is_killed),
      TEST(test_it_ends_in_the_middle),
  };
  skip_without_ptrace(&state);
  if (state) {
    printf("skipped: no process may be traced here: %s\n", (const char *)state);
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
