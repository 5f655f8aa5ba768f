/* Programs that record refuses, and scripts. */
#include "support/recording.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/statvfs.h>

static void test_what_cannot_be_found(void **state)
{
  (void)state;
  struct recording r = RECORD("no-such-program-anywhere");
  assert_refused(&r, HD_RECORD_NOT_FOUND, "no-such-program-anywhere");
  r = RECORD("/nonexistent/program");
  assert_refused(&r, HD_RECORD_NOT_FOUND, "no such program");
  r = RECORD("");
  assert_refused(&r, HD_RECORD_NOT_FOUND, "empty");
  assert_false(exists(in_scratch("data")));
}

static void test_what_cannot_be_executed(void **state)
{
  (void)state;
  write_text(in_scratch("plain"), "#!/bin/sh\nexit 0\n", 0644);
  struct recording r = RECORD((char *)in_scratch("plain"));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "cannot be executed: Permission denied");
  r = RECORD("/tmp");
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "is a directory");
  char deep[PATH_MAX + 100];
  memset(deep, 'a', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  r = RECORD(deep);
  assert_refused(&r, HD_RECORD_NOT_FOUND, "too long");
  assert_false(exists(in_scratch("data")));
}

static void test_the_search_along_path(void **state)
{
  (void)state;
  char path[PATH_MAX], *older = strdup(getenv("PATH"));
  mkdir(in_scratch("bin"), 0755);
  mkdir(in_scratch("bin/tool"), 0755); /* a directory is no program */
  mkdir(in_scratch("more"), 0755);
  write_text(in_scratch("more/tool"), "#!/bin/sh\nexit 21\n", 0755);
  write_text(in_scratch("more/plain"), "#!/bin/sh\nexit 0\n", 0644);
  snprintf(path, sizeof path, "%s/bin:%s/more", scratch, scratch);
  setenv("PATH", path, 1);
  struct recording found = RECORD("tool"), plain = RECORD("plain"), absent = RECORD("ls");
  setenv("PATH", older, 1);
  free(older);
  assert_recorded(&found, 21);
  assert_refused(&plain, HD_RECORD_CANNOT_RUN, "/more/plain: cannot be executed");
  assert_refused(&absent, HD_RECORD_NOT_FOUND, "PATH");
}

static void test_scripts(void **state)
{
  (void)state;
  write_text(in_scratch("script"), "#! /bin/sh -e\nexit $(($1 + 1))\n", 0755);
  struct recording r = RECORD((char *)in_scratch("script"), "8");
  assert_recorded(&r, 9);
  write_text(in_scratch("bare"), "exit $1\n", 0755);
  r = RECORD((char *)in_scratch("bare"), "6");
  assert_recorded(&r, 6);
  write_text(in_scratch("broken"), "#!/nonexistent/interpreter\n", 0755);
  r = RECORD((char *)in_scratch("broken"));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "interpreter /nonexistent/interpreter");
  char text[PATH_MAX];
  snprintf(text, sizeof text, "#!%s\n", PROGRAMS "/static");
  write_text(in_scratch("of-static"), text, 0755);
  r = RECORD((char *)in_scratch("of-static"));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "statically linked");
  snprintf(text, sizeof text, "#!%s\n", in_scratch("loop"));
  write_text(in_scratch("loop"), text, 0755);
  r = RECORD((char *)in_scratch("loop"));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "nested");
  write_bytes(in_scratch("garbage"), "\x01\0\x02\0garbage", 11, 0755);
  r = RECORD((char *)in_scratch("garbage"));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "Exec format error");
}

static void test_static_programs(void **state)
{
  (void)state;
  struct recording r = RECORD(PROGRAMS "/static");
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "statically linked");
}

/* A copy of the forker in which `size` bytes at `offset` are others. */
static const char *patched(const char *name, size_t offset, const void *bytes, size_t size)
{
  size_t length;
  char *data = read_bytes(FORKER, &length);
  assert_true(offset + size <= length);
  memcpy(data + offset, bytes, size);
  write_bytes(in_scratch(name), data, length, 0755);
  free(data);
  return in_scratch(name);
}

static void test_other_architectures(void **state)
{
  (void)state;
  uint16_t machine = EM_AARCH64, own;
  size_t size;
  char *data = read_bytes(FORKER, &size);
  memcpy(&own, data + offsetof(ElfW(Ehdr), e_machine), sizeof own);
  free(data);
  if (own == machine)
    machine = EM_X86_64;
  const char *path = patched("other", offsetof(ElfW(Ehdr), e_machine), &machine, sizeof machine);
  struct recording r = RECORD((char *)path);
  assert_refused(&r, HD_RECORD_CANNOT_RUN,
                 machine == EM_AARCH64 ? "is a program for aarch64" : "is a program for x86-64");
  unsigned char class32 = ELFCLASS32;
  r = RECORD((char *)patched("narrow", EI_CLASS, &class32, 1));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "is a program for 32-bit");
  unsigned char swapped = ELFDATA2MSB;
  r = RECORD((char *)patched("swapped", EI_DATA, &swapped, 1));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "is a program for");
}

static void test_other_loaders(void **state)
{
  (void)state;
  size_t size;
  char *data = read_bytes(FORKER, &size);
  char *loader = memmem(data, size, "/lib64/ld-linux-x86-64.so.2", 27);
  size_t offset = (size_t)(loader - data);
  free(data);
  if (!loader)
    skip();
  struct recording r = RECORD((char *)patched("musl", offset, "/lib/ld-musl-x86_64.so.1", 25));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "musl");
  r = RECORD((char *)patched("lost", offset, "/lib64/ld-absent.so", 20));
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "needs the dynamic loader /lib64/ld-absent.so");
}

static void test_more_privileges(void **state)
{
  (void)state;
  struct statvfs mount;
  if (getuid() != 0 || statvfs(scratch, &mount) != 0 || (mount.f_flag & ST_NOSUID))
    skip();
  const char *path = patched("setuid", 0, ELFMAG, SELFMAG);
  assert_int_equal(chown(path, 65534, 65534), 0);
  assert_int_equal(chmod(path, 04755), 0);
  struct recording r = RECORD((char *)path);
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "set-uid");
  assert_int_equal(chmod(path, 02755), 0);
  r = RECORD((char *)path);
  assert_refused(&r, HD_RECORD_CANNOT_RUN, "set-gid");
  assert_int_equal(chown(path, 0, 0), 0);
  assert_int_equal(chmod(path, 06755), 0); /* gains nothing: is recorded */
  r = RECORD((char *)path, "exit", "2");
  assert_recorded(&r, 2);
}

/* What the shell and the loader say of damaged files is not the test's output. */
static int silence(int saved)
{
  int mine = saved < 0 ? dup(STDERR_FILENO) : -1;
  int other = saved < 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : saved;
  dup2(other, STDERR_FILENO);
  close(other);
  return mine;
}

/* Cut at each byte of its headers, and with each of them broken: a clear refusal
 * or a run, never a crash. */
static void test_damaged_headers(void **state)
{
  (void)state;
  size_t size;
  char *data = read_bytes(FORKER, &size);
  int saved = silence(-1);
  for (size_t cut = 1; cut < 900; cut += cut < 70 ? 1 : 37) {
    write_bytes(in_scratch("cut"), data, cut, 0755);
    struct recording r = RECORD((char *)in_scratch("cut"));
    assert_false(r.good && r.result.exit_status == 0);
    unlink(in_scratch("cut"));
  }
  for (size_t at = EI_NIDENT; at < 64 + 13 * 56; at += 3) {
    char kept = data[at];
    data[at] = (char)0xff;
    write_bytes(in_scratch("bad"), data, size, 0755);
    data[at] = kept;
    struct recording r = RECORD((char *)in_scratch("bad"), "quick");
    assert_true(r.good || r.error.text[0]);
    unlink(in_scratch("bad"));
  }
  silence(saved);
  free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_what_cannot_be_found),  TEST(test_what_cannot_be_executed),
      TEST(test_the_search_along_path), TEST(test_scripts),
      TEST(test_static_programs),       TEST(test_other_architectures),
      TEST(test_other_loaders),         TEST(test_more_privileges),
      TEST(test_damaged_headers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
