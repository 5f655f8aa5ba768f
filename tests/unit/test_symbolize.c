/* hd_symbolize_snapshots: stopped, short of memory, without room: what is there is whole,
 * and either the old or the new. */
#include "base/alloc.h"
#include "support/scratch.h"

#include <heapdiff/symbolize.h>

#include <dirent.h>
#include <stdlib.h>

/* A snapshot whose one address has a name already: no program is needed. */
static const char snapshot[] =
    "{\"heapdiff\":1,\"kind\":\"heap\",\"pid\":7,\"program\":\"/bin/a\",\"rate\":1,"
    "\"measures\":[\"inuse_space\",\"inuse_objects\"]}\n"
    "{\"strings\":[\"f\",\"/x/f.c\"]}\n"
    "{\"module\":{\"path\":\"/bin/"
    "a\",\"build_id\":\"abcd\",\"load\":4096,\"size\":9,\"offset\":0}}\n"
    "{\"frames\":[[0,100,[[0,1,9,8]]],[0,200]]}\n"
    "{\"stack\":[0,1],\"records\":[{\"values\":[100,1]}]}\n"
    "{\"end\":{\"strings\":2,\"modules\":1,\"frames\":2,\"stacks\":1,\"records\":1}}\n";

static const char *const names[] = {"a.heapdiff", "b.heapdiff", "c.heapdiff"};
enum { SNAPSHOTS = sizeof names / sizeof *names };

static char data[PATH_MAX], out[PATH_MAX];

static const char *in_folder(const char *folder, const char *name)
{
  static char paths[8][PATH_MAX + 64];
  static unsigned turn;
  char *path = paths[turn++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void fill(void)
{
  snprintf(data, sizeof data, "%s", in_scratch("data"));
  snprintf(out, sizeof out, "%s", in_scratch("out"));
  mkdir(data, 0700);
  for (size_t i = 0; i < SNAPSHOTS; i++) {
    write_text(in_folder(data, names[i]), snapshot, 0640);
    unlink(in_folder(out, names[i]));
  }
  write_text(in_folder(data, "stranger"), "no snapshot\n", 0600);
}

static bool run(const struct hd_symbolize_options *options, struct hd_symbolize_result *result,
                struct hd_error *error)
{
  hd_session *session = NULL;
  const struct hd_session_options none = {.no_symbols = true};
  const char *path = data;
  bool fine = hd_session_create(&none, &session, error) &&
              hd_symbolize_snapshots(session, &path, 1, options, result, error);
  hd_session_destroy(session);
  return fine;
}

/* Names that are not hidden, and hidden ones, of which there must be none. */
static size_t count_files(const char *folder)
{
  size_t count = 0;
  DIR *stream = opendir(folder);
  assert_non_null(stream);
  for (struct dirent *entry; (entry = readdir(stream));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
      continue;
    assert_int_not_equal(entry->d_name[0], '.');
    count++;
  }
  closedir(stream);
  return count;
}

/* A snapshot is the old one or, where `written`, the new one: whole in either case. */
static void assert_whole(const char *path, bool written)
{
  size_t size;
  char *text = read_bytes(path, &size);
  bool old = strcmp(text, snapshot) == 0;
  assert_int_equal(old, !written);
  assert_non_null(strstr(text, "{\"end\":{\"strings\":2,\"modules\":1,\"frames\":2,\"stacks\":1,"
                               "\"records\":1}}\n"));
  assert_non_null(strstr(text, "\"path\":\"/bin/a\",\"build_id\":\"abcd\""));
  free(text);
}

static void test_in_place(void **state)
{
  (void)state;
  struct hd_symbolize_result result;
  struct hd_error error = HD_ERROR_INIT;
  struct stat status;
  fill();
  assert_true(run(&(struct hd_symbolize_options){0}, &result, &error));
  assert_int_equal(result.snapshots, SNAPSHOTS);
  assert_int_equal(result.addresses, 2);
  assert_int_equal(result.named, 1);
  assert_false(result.stopped);
  for (size_t i = 0; i < SNAPSHOTS; i++)
    assert_whole(in_folder(data, names[i]), true);
  assert_int_equal(stat(in_folder(data, names[0]), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0640);
  assert_int_equal(count_files(data), SNAPSHOTS + 1);
}

/* Before the second one is read, or before it is written. */
static bool stop_after(void *context)
{
  return --*(int *)context < 0;
}

static void test_stopped(void **state)
{
  (void)state;
  for (int asked = 2; asked < 4; asked++) {
    struct hd_symbolize_result result;
    struct hd_error error = HD_ERROR_INIT;
    int left = asked;
    struct hd_symbolize_options options = {.stop = stop_after, .context = &left};
    fill();
    assert_true(run(&options, &result, &error));
    assert_true(result.stopped);
    assert_int_equal(result.snapshots, 1);
    for (size_t i = 0; i < SNAPSHOTS; i++)
      assert_whole(in_folder(data, names[i]), i == 0);
    assert_int_equal(count_files(data), SNAPSHOTS + 1);
  }
}

/* The second one cannot be written: the first is done, the third is as it was. */
static void test_cannot_write(void **state)
{
  (void)state;
  struct hd_symbolize_result result;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_symbolize_options options = {.directory = in_scratch("out")};
  fill();
  mkdir(out, 0700);
  assert_int_equal(mkdir(in_folder(out, names[1]), 0700), 0);
  assert_false(run(&options, &result, &error));
  assert_int_equal(error.kind, HD_ERROR_INTERNAL);
  assert_non_null(strstr(error.source, names[1]));
  assert_int_equal(result.snapshots, 1);
  assert_int_equal(count_files(out), 2);
  assert_whole(in_folder(out, names[0]), true);
  assert_int_equal(rmdir(in_folder(out, names[1])), 0);
}

static long allowed;

static bool allow_some(void)
{
  return allowed-- > 0;
}

static void test_no_memory(void **state)
{
  (void)state;
  bool done = false;
  for (long n = 0; !done; n++) {
    struct hd_symbolize_result result = {0};
    struct hd_error error = HD_ERROR_INIT;
    fill();
    allowed = n;
    hd_alloc_set_hook(allow_some);
    bool fine = run(&(struct hd_symbolize_options){0}, &result, &error);
    done = fine && allowed > 0;
    hd_alloc_set_hook(NULL);
    assert_true(fine || error.kind == HD_ERROR_INTERNAL);
    for (size_t i = 0; i < SNAPSHOTS; i++)
      assert_whole(in_folder(data, names[i]), i < result.snapshots);
    assert_int_equal(count_files(data), SNAPSHOTS + 1);
    assert_true(n < 5000);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_stopped),
      cmocka_unit_test(test_cannot_write),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests_name("symbolize", tests, scratch_make, scratch_remove);
}
