/* Where a recording goes, and what becomes of an older one. */
#include "support/recording.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

static size_t count_files(const char *path)
{
  size_t count = 0;
  DIR *directory = opendir(path);
  assert_non_null(directory);
  for (struct dirent *entry; (entry = readdir(directory));)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(directory);
  return count;
}

static void test_an_older_recording_is_moved_aside(void **state)
{
  (void)state;
  struct recording r = RECORD(FORKER, "exit", "0");
  assert_recorded(&r, 0);
  assert_string_equal(r.result.moved_to, "");
  assert_string_equal(r.result.directory, in_scratch("data"));
  r = RECORD(FORKER, "quick"); /* leaves one snapshot instead of two */
  assert_recorded(&r, 5);
  assert_string_equal(r.result.moved_to, in_scratch("data.old"));
  assert_int_equal(count_files(in_scratch("data.old")), 2);
  assert_int_equal(count_files(in_scratch("data")), 1);
  r = RECORD(FORKER, "exit", "0"); /* the older .old stays as it is */
  assert_recorded(&r, 0);
  assert_string_equal(r.result.moved_to, in_scratch("data.old.2"));
  assert_int_equal(count_files(in_scratch("data.old")), 2);
  assert_int_equal(count_files(in_scratch("data.old.2")), 1);
  assert_int_equal(count_files(in_scratch("data")), 2);
  assert_int_equal(r.result.snapshots, 2);
  r = RECORD(FORKER, "quick");
  assert_string_equal(r.result.moved_to, in_scratch("data.old.3"));
  assert_int_equal(count_files(in_scratch("data.old.2")), 1);
}

static void test_leftovers_go_with_it(void **state)
{
  (void)state;
  mkdir(in_scratch("data"), 0700);
  write_text(in_scratch("data/a.1.000000.heapdiff"), "{\"heapdiff\":1}\n", 0600);
  write_text(in_scratch("data/.a.1.000001.heapdiff.tmp"), "{\"heapdiff\":1,", 0600);
  write_text(in_scratch("data/zipped.heapdiff"), "\x1f\x8b\x08", 0600);
  struct recording r = RECORD(FORKER, "exit", "0");
  assert_recorded(&r, 0);
  assert_int_equal(count_files(in_scratch("data.old")), 3);
  assert_int_equal(count_files(in_scratch("data")), 2);
}

static void test_other_files_are_never_touched(void **state)
{
  (void)state;
  mkdir(in_scratch("data"), 0755);
  write_text(in_scratch("data/a.1.000000.heapdiff"), "{\"heapdiff\":1}\n", 0600);
  write_text(in_scratch("data/notes.txt"), "mine", 0600);
  write_text(in_scratch("data/thesis.heapdiff"), "not a snapshot at all", 0600);
  mkdir(in_scratch("data/sub.heapdiff"), 0755);
  struct recording r = RECORD(FORKER, "quick");
  assert_recorded(&r, 5);
  assert_true(exists(in_scratch("data/notes.txt")));
  assert_true(exists(in_scratch("data/thesis.heapdiff")));
  assert_true(exists(in_scratch("data/sub.heapdiff")));
  assert_true(exists(in_scratch("data.old/a.1.000000.heapdiff")));
  assert_int_equal(count_files(in_scratch("data.old")), 1);

  write_text(in_scratch("data.old/precious"), "mine", 0600);
  r = RECORD(FORKER, "quick");
  assert_recorded(&r, 5);
  assert_true(exists(in_scratch("data.old/precious")));
  assert_true(exists(in_scratch("data.old/a.1.000000.heapdiff")));
  assert_int_equal(count_files(in_scratch("data.old.2")), 1);
  assert_int_equal(count_files(in_scratch("data")), 4);
}

static void test_what_is_in_the_way_is_passed_by(void **state)
{
  (void)state;
  mkdir(in_scratch("data"), 0755);
  write_text(in_scratch("elsewhere"), "mine", 0600);
  write_text(in_scratch("data/a.1.000000.heapdiff"), "{\"heapdiff\":1}\n", 0600);
  assert_int_equal(symlink("elsewhere", in_scratch("data.old")), 0);
  assert_int_equal(symlink("nowhere", in_scratch("data.old.2")), 0);
  write_text(in_scratch("data.old.3"), "mine", 0600);
  struct recording r = RECORD(FORKER, "quick");
  assert_recorded(&r, 5);
  assert_string_equal(r.result.moved_to, in_scratch("data.old.4"));
  assert_true(exists(in_scratch("data.old.4/a.1.000000.heapdiff")));
  assert_false(exists(in_scratch("nowhere")));
}

static struct recording record_to(const char *directory)
{
  return record_with((struct hd_record_options){
      .argv = (char *[]){(char *)FORKER, (char *)"quick", NULL}, .directory = directory});
}

static void test_directories_that_will_not_do(void **state)
{
  (void)state;
  write_text(in_scratch("file"), "text", 0600);
  struct recording r = record_to(in_scratch("file"));
  assert_refused(&r, HD_RECORD_FAILED, "is not a directory");
  r = record_to(in_scratch("file/below"));
  assert_refused(&r, HD_RECORD_FAILED, "cannot be made");
  r = record_to(in_scratch("missing/below"));
  assert_refused(&r, HD_RECORD_FAILED, "cannot be made: No such file");
  r = record_to("/proc/heapdiff.data");
  assert_refused(&r, HD_RECORD_FAILED, "/proc/heapdiff.data: the output directory cannot be made");
  r = record_to("");
  assert_refused(&r, HD_RECORD_FAILED, "empty");
  if (getuid() != 0) {
    mkdir(in_scratch("closed"), 0500);
    r = record_to(in_scratch("closed"));
    assert_refused(&r, HD_RECORD_FAILED, "not writable");
  }
}

static void test_a_directory_that_is_being_recorded_to(void **state)
{
  (void)state;
  mkdir(in_scratch("data"), 0755);
  int fd = open(in_scratch("data"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  struct recording r = RECORD(FORKER, "quick");
  assert_refused(&r, HD_RECORD_FAILED, "another heapdiff is recording");
  close(fd);
  r = RECORD(FORKER, "quick");
  assert_recorded(&r, 5);
}

static void test_a_failure_leaves_the_older_recording(void **state)
{
  (void)state;
  struct recording r = RECORD(FORKER, "exit", "0");
  assert_recorded(&r, 0);
  r = RECORD("no-such-program-anywhere");
  assert_false(r.good);
  r = RECORD(PROGRAMS "/static");
  assert_false(r.good);
  assert_int_equal(count_files(in_scratch("data")), 2);
  assert_false(exists(in_scratch("data.old")));
}

static void test_names_with_slashes_and_links(void **state)
{
  (void)state;
  struct recording r = record_to(in_scratch("data///"));
  assert_recorded(&r, 5);
  assert_string_equal(r.result.directory, in_scratch("data"));
  assert_int_equal(symlink("data", in_scratch("latest")), 0);
  r = record_to(in_scratch("latest/"));
  assert_recorded(&r, 5);
  assert_non_null(strstr(r.result.moved_to, "/data.old"));
  assert_true(exists(in_scratch("data.old")));
}

static void test_the_default_is_in_the_working_directory(void **state)
{
  (void)state;
  char before[PATH_MAX];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(scratch), 0);
  struct hd_record_options options = {.argv = (char *[]){(char *)FORKER, (char *)"quick", NULL},
                                      .agent = FAKE_AGENT};
  struct recording r = {.error = HD_ERROR_INIT};
  r.good = hd_record(&options, &r.result, &r.exit_code, &r.error);
  assert_int_equal(chdir(before), 0);
  assert_recorded(&r, 5);
  assert_string_equal(r.result.directory, "heapdiff.data");
  assert_int_equal(count_files(in_scratch("heapdiff.data")), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_an_older_recording_is_moved_aside),
      TEST(test_leftovers_go_with_it),
      TEST(test_other_files_are_never_touched),
      TEST(test_what_is_in_the_way_is_passed_by),
      TEST(test_directories_that_will_not_do),
      TEST(test_a_directory_that_is_being_recorded_to),
      TEST(test_a_failure_leaves_the_older_recording),
      TEST(test_names_with_slashes_and_links),
      TEST(test_the_default_is_in_the_working_directory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
