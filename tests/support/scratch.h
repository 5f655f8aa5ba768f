/* A directory of its own for a test, and files in it. Everything asserts. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64]; /* the directory, absolute */

/* cmocka setup and teardown. */
static inline int scratch_make(void **state)
{
  (void)state;
  snprintf(scratch, sizeof scratch, "/tmp/heapdiff-test.XXXXXX");
  return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int kind,
                                     struct FTW *walk)
{
  (void)info;
  (void)kind;
  (void)walk;
  return remove(path);
}

static inline int scratch_remove(void **state)
{
  (void)state;
  return nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in the scratch directory. Eight may be in use at once. */
static inline const char *in_scratch(const char *name)
{
  static char paths[8][PATH_MAX];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, PATH_MAX, "%s/%s", scratch, name);
  return path;
}

static inline void write_bytes(const char *path, const void *data, size_t size, mode_t mode)
{
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, mode), 0);
}

static inline void write_text(const char *path, const char *text, mode_t mode)
{
  write_bytes(path, text, strlen(text), mode);
}

/* The whole file, terminated; the caller frees it. */
static inline char *read_bytes(const char *path, size_t *size)
{
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  long length = ftell(file);
  assert_true(length >= 0);
  rewind(file);
  char *data = malloc((size_t)length + 1);
  assert_non_null(data);
  *size = fread(data, 1, (size_t)length, file);
  assert_int_equal(*size, length);
  data[length] = '\0';
  fclose(file);
  return data;
}

static inline int exists(const char *path)
{
  return access(path, F_OK) == 0;
}

#endif
