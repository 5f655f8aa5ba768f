/* A file that is written appears whole, or not at all. */
#include "api/new_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[128];

static int set_up(void **state)
{
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/hd-file-XXXXXX");
  if (!mkdtemp(folder))
    return -1;
  snprintf(path, sizeof path, "%s/file", folder);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %.60s", folder);
  return system(command);
}

static size_t count_entries(void)
{
  DIR *directory = opendir(folder);
  size_t count = 0;
  while (readdir(directory))
    count++;
  closedir(directory);
  return count - 2;
}

static void holds(const char *wanted)
{
  char text[64] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_non_null(fgets(text, sizeof text, file));
  fclose(file);
  assert_string_equal(text, wanted);
}

static bool write_whole(const char *text)
{
  struct hd_new_file file;
  struct hd_error error = HD_ERROR_INIT;
  bool fine = hd_new_file_create(&file, path, false, &error) &&
              hd_new_file_write(&file, text, strlen(text), &error) &&
              hd_new_file_finish(&file, &error);
  hd_new_file_drop(&file);
  return fine;
}

static void test_whole(void **state)
{
  (void)state;
  struct stat status;
  assert_true(write_whole("one"));
  holds("one");
  assert_int_equal(chmod(path, 0640), 0);
  assert_true(write_whole("two"));
  holds("two");
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0640);
  assert_int_equal(count_entries(), 1);
}

static void test_dropped(void **state)
{
  (void)state;
  struct hd_new_file file;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(write_whole("one"));
  assert_true(hd_new_file_create(&file, path, false, &error));
  assert_true(hd_new_file_write(&file, "half", 4, &error));
  hd_new_file_drop(&file);
  holds("one");
  assert_int_equal(count_entries(), 1);
}

/* Whoever is killed in the middle leaves nothing: the file has no name yet. */
static void test_killed(void **state)
{
  (void)state;
  int probe = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
  if (probe < 0)
    skip(); /* a file system that has no files without a name */
  close(probe);
  pid_t child = fork();
  if (child == 0) {
    struct hd_new_file file;
    struct hd_error error = HD_ERROR_INIT;
    if (hd_new_file_create(&file, path, false, &error) && hd_new_file_write(&file, "half", 4, &error))
      kill(getpid(), SIGKILL);
    _exit(1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(count_entries(), 0);
}

static void test_no_place(void **state)
{
  (void)state;
  struct hd_new_file file;
  struct hd_error error = HD_ERROR_INIT;
  snprintf(path, sizeof path, "%s/none/file", folder);
  assert_false(hd_new_file_create(&file, path, false, &error));
  assert_int_equal(error.kind, HD_ERROR_INTERNAL);
  hd_new_file_drop(&file);
  assert_int_equal(count_entries(), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_dropped, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_no_place, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
