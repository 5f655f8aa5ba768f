/* The files of a service's series: names, what is thinned out, what is not written. */
#include "input/file_name.h"
#include "record/fetch_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static char folder[64];

static int set_up(void **state)
{
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/hd-store-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
  (void)state;
  char command[256];
  snprintf(command, sizeof command, "rm -rf %s %s.old", folder, folder);
  return system(command);
}

static struct hd_fetched profile(int64_t time_ns, bool heap, const char *body)
{
  struct hd_fetched fetched = {.answer = {.fd = memfd_create("body", MFD_CLOEXEC)},
                               .time_ns = time_ns,
                               .has_heap = heap,
                               .has_goroutines = !heap};
  assert_int_equal(write(fetched.answer.fd, body, strlen(body)), strlen(body));
  return fetched;
}

static void add(struct hd_store *store, int64_t time_ns)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_fetched heap = profile(time_ns, true, "heap"),
                    goroutines = profile(time_ns + SECOND / 10, false, "goroutines");
  const struct hd_fetched *both[] = {&heap, &goroutines};
  assert_true(hd_store_add(store, both, &error));
  hd_answer_close(&heap.answer);
  hd_answer_close(&goroutines.answer);
}

static size_t count_files(const char *part)
{
  DIR *directory = opendir(folder);
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(directory));)
    count += strstr(entry->d_name, part) != NULL;
  closedir(directory);
  return count;
}

static void test_names_tell_the_time(void **state)
{
  (void)state;
  struct hd_output_directory directory;
  struct hd_store store;
  struct hd_error error = HD_ERROR_INIT;
  char path[PATH_MAX];
  assert_true(hd_output_directory_open(folder, &directory, &error));
  hd_store_init(&store, &directory, "http://name:geheim@host:6060/x?y", 0, 0);
  add(&store, INT64_C(1795633392) * SECOND + 125 * SECOND / 1000);
  snprintf(path, sizeof path, "%s/host-6060.heap.20261125T190312.125Z.heapdiff", folder);
  assert_int_equal(access(path, F_OK), 0);
  assert_int_equal(count_files("host-6060.goroutine.20261125T190312.225Z.heapdiff"), 1);
  struct hd_file_name name = hd_file_name_read(path);
  assert_int_equal(name.time_ns, INT64_C(1795633392125) * (SECOND / 1000));
  assert_int_equal(name.length, strlen("host-6060.heap"));
  hd_store_deinit(&store);
  hd_output_directory_close(&directory);
}

static void test_other_names_have_no_time(void **state)
{
  (void)state;
  static const char *const names[] = {
      "a.20261325T190312.125Z.heapdiff", "a.20261125T190312.125Z",
      ".20261125T190312.125Z.heapdiff",  "a.20261125T190312.12Z.heapdiff",
      "a.20261125x190312.125Z.heapdiff", "a.heapdiff",
      "a.00001125T190312.125Z.heapdiff", "x20261125T190312.125Z.heapdiff"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (hd_file_name_read(names[i]).time_ns)
      fail_msg("%s has a time", names[i]);
}

/* Of a thousand regular moments forty are kept, first and last among them, and no gap is
 * more than four times as long as another. */
static void test_thinning_is_even(void **state)
{
  (void)state;
  enum { ALL = 1000, KEPT = 40 };
  struct hd_output_directory directory;
  struct hd_store store;
  struct hd_error error = HD_ERROR_INIT;
  int64_t least = INT64_MAX, most = 0;
  assert_true(hd_output_directory_open(folder, &directory, &error));
  hd_store_init(&store, &directory, "host:1", KEPT, 0);
  for (int i = 0; i < ALL; i++)
    add(&store, (1000000 + i) * SECOND);
  assert_int_equal(store.moments.count, KEPT);
  assert_int_equal(store.thinned, ALL - KEPT);
  assert_int_equal(count_files(".heap."), KEPT);
  assert_int_equal(count_files(".goroutine."), KEPT);
  assert_int_equal(store.moments.items[0].time_ns, 1000000 * SECOND);
  assert_int_equal(store.moments.items[KEPT - 1].time_ns, (1000000 + ALL - 1) * SECOND);
  /* The newest are still dense. */
  for (size_t i = 1; i < KEPT; i++) {
    int64_t gap = store.moments.items[i].time_ns - store.moments.items[i - 1].time_ns;
    least = gap < least && i < KEPT / 2 ? gap : least;
    most = gap > most ? gap : most;
  }
  assert_true(most <= 4 * least);
  hd_store_deinit(&store);
  hd_output_directory_close(&directory);
}

/* Of the bytes, too: the first and the last stay whatever they take. */
static void test_thinning_by_size(void **state)
{
  (void)state;
  struct hd_output_directory directory;
  struct hd_store store;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_output_directory_open(folder, &directory, &error));
  hd_store_init(&store, &directory, "host:1", 0, 0);
  add(&store, SECOND);
  uint64_t one = store.bytes;
  assert_true(one > 0);
  hd_store_deinit(&store);
  hd_store_init(&store, &directory, "host:1", 0, 5 * one + one / 2);
  for (int i = 0; i < 20; i++)
    add(&store, (100 + i) * SECOND);
  assert_int_equal(store.moments.count, 5);
  assert_int_equal(store.bytes, 5 * one);
  assert_int_equal(store.moments.items[0].time_ns, 100 * SECOND);
  assert_int_equal(store.moments.items[4].time_ns, 119 * SECOND);
  store.keep_bytes = 1;
  add(&store, 200 * SECOND);
  assert_int_equal(store.moments.count, 2);
  hd_store_deinit(&store);
  hd_output_directory_close(&directory);
}

static void test_least_never_takes_the_ends(void **state)
{
  (void)state;
  struct hd_stored three[] = {{.time_ns = 0}, {.time_ns = 1000}, {.time_ns = 1001}};
  assert_int_equal(hd_store_least(three, 3), 1);
  struct hd_stored five[] = {
      {.time_ns = 0}, {.time_ns = 10}, {.time_ns = 12}, {.time_ns = 13}, {.time_ns = 30}};
  assert_int_equal(hd_store_least(five, 5), 2);
}

/* What cannot be written is counted, and leaves nothing behind. */
static void test_full_disk(void **state)
{
  (void)state;
  struct hd_output_directory directory;
  struct hd_store store;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_output_directory_open(folder, &directory, &error));
  hd_store_init(&store, &directory, "host:1", 0, 0);
  struct hd_output_directory gone = directory;
  gone.fd = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  store.directory = &gone;
  add(&store, SECOND);
  assert_int_equal(store.failed, 2);
  assert_int_not_equal(store.failed_errno, 0);
  assert_int_equal(store.moments.count, 0);
  close(gone.fd);
  hd_store_deinit(&store);
  hd_output_directory_close(&directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_names_tell_the_time, set_up, tear_down),
      cmocka_unit_test(test_other_names_have_no_time),
      cmocka_unit_test_setup_teardown(test_thinning_is_even, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_thinning_by_size, set_up, tear_down),
      cmocka_unit_test(test_least_never_takes_the_ends),
      cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
