/* What is known of a process before it is touched, and when one of its threads may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attach/process.h"
#include "attach/refusal.h"
#include "attach/safe.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- /proc --------------------------------------------------------------------------------- */

static void test_the_status_of_a_process(void **state)
{
  (void)state;
  struct hd_process_status status;
  assert_true(hd_process_status_parse("Name:\tredis-server\nUmask:\t0022\nState:\tS (sleeping)\n"
                                      "Tgid:\t4711\nNgid:\t0\nPid:\t4711\nPPid:\t1\n"
                                      "TracerPid:\t99\nUid:\t100\t101\t102\t103\n"
                                      "Gid:\t200\t201\t202\t203\nNSpid:\t4711\t17\t3\n"
                                      "VmSize:\t   1000 kB\nSigIgn:\t0000000000001010\n",
                                      &status));
  assert_string_equal(status.name, "redis-server");
  assert_int_equal(status.state, 'S');
  assert_int_equal(status.process, 4711);
  assert_int_equal(status.tracer, 99);
  assert_int_equal(status.innermost_pid, 3);
  assert_int_equal(status.uid, 100);
  assert_int_equal(status.fsuid, 103);
  assert_int_equal(status.gid, 200);
  assert_int_equal(status.fsgid, 203);
  assert_true(status.ignored == 0x1010);
  assert_false(status.kernel);
}

static void test_threads_of_the_kernel_and_zombies(void **state)
{
  (void)state;
  struct hd_process_status status;
  assert_true(
      hd_process_status_parse("Name:\tkthreadd\nState:\tS (sleeping)\nTgid:\t2\n", &status));
  assert_true(status.kernel);
  assert_true(hd_process_status_parse("Name:\tgone\nState:\tZ (zombie)\nTgid:\t5\n", &status));
  assert_false(status.kernel);
  assert_int_equal(status.state, 'Z');
  assert_false(hd_process_status_parse("", &status));
  assert_false(hd_process_status_parse("State:\tS\n", &status));
}

static void test_a_name_with_control_characters(void **state)
{
  (void)state;
  struct hd_process_status status;
  assert_true(hd_process_status_parse("Name:\ta\033[2Jb\nState:\tR\nVmSize:\t1\n", &status));
  assert_string_equal(status.name, "a?[2Jb");
}

static void test_the_memory_map(void **state)
{
  (void)state;
  struct hd_maps maps = {0};
  char first[] = "55d0-55e0 r-xp 00001000 fd:01 1234     /opt/my program/a (deleted)\n";
  char second[] = "7f00-7f10 rw-p 00000000 00:00 0 \n";
  char third[] = "7f20-7f30 r--s 00000000 08:11 77   /tmp/new\\012line\n";
  char nonsense[] = "what is this?\n", empty[] = "";
  assert_true(hd_maps_add(&maps, first) && hd_maps_add(&maps, second) &&
              hd_maps_add(&maps, third) && hd_maps_add(&maps, nonsense) &&
              hd_maps_add(&maps, empty));
  assert_int_equal(maps.items.count, 3);
  assert_string_equal(maps.items.items[0].path, "/opt/my program/a");
  assert_true(maps.items.items[0].deleted && maps.items.items[0].executable);
  assert_int_equal(maps.items.items[0].start, 0x55d0);
  assert_int_equal(maps.items.items[0].offset, 0x1000);
  assert_int_equal(maps.items.items[0].major, 0xfd);
  assert_int_equal(maps.items.items[0].inode, 1234);
  assert_string_equal(maps.items.items[1].path, "");
  assert_false(maps.items.items[1].executable);
  assert_string_equal(maps.items.items[2].path, "/tmp/new\nline");
  assert_int_equal(maps.items.items[2].minor, 0x11);
  hd_maps_deinit(&maps);
}

static void test_this_process(void **state)
{
  (void)state;
  struct hd_process_status status;
  struct hd_maps maps;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_process_status_read(getpid(), &status));
  assert_int_equal(status.process, getpid());
  assert_int_equal(status.uid, getuid());
  assert_true(hd_process_start(getpid()) > 0);
  assert_true(hd_process_cpu_s(getpid()) >= 0);
  assert_true(hd_maps_read(getpid(), &maps, &error));
  bool here = false;
  for (size_t i = 0; i < maps.items.count; i++) {
    const struct hd_mapping *mapping = &maps.items.items[i];
    uint64_t at = (uint64_t)(uintptr_t)&test_this_process;
    if (at < mapping->start || at >= mapping->end)
      continue;
    int fd = hd_mapping_open(getpid(), mapping);
    here = fd >= 0 && mapping->executable;
    close(fd);
  }
  assert_true(here);
  hd_maps_deinit(&maps);
  assert_false(hd_process_status_read(0x7ffffffe, &status));
  assert_true(hd_process_start(0x7ffffffe) == 0);
}

/* --- safe points --------------------------------------------------------------------------- */

#define LIBC(name)                                                                                 \
  {                                                                                                \
    .kind = HD_CODE_LIBC, .function = (name)                                                       \
  }
#define LIBC_LEAF(name)                                                                            \
  {                                                                                                \
    .kind = HD_CODE_LIBC, .function = (name), .interrupted = true                                  \
  }
#define OTHER                                                                                      \
  {                                                                                                \
    .kind = HD_CODE_OTHER                                                                          \
  }
#define OTHER_LEAF                                                                                 \
  {                                                                                                \
    .kind = HD_CODE_OTHER, .interrupted = true                                                     \
  }
#define LOADER                                                                                     \
  {                                                                                                \
    .kind = HD_CODE_LOADER                                                                         \
  }
#define ALLOCATOR                                                                                  \
  {                                                                                                \
    .kind = HD_CODE_ALLOCATOR                                                                      \
  }
#define PROGRAM                                                                                    \
  {                                                                                                \
    .kind = HD_CODE_PROGRAM_ALLOCATOR                                                              \
  }

static const struct hd_call none = {-1, 0};

static bool is_safe(struct hd_call call, bool whole, size_t count,
                    const struct hd_code_frame *frames)
{
  struct hd_code_stack stack = {.count = count, .whole = whole};
  const char *why = NULL;
  memcpy(stack.frames, frames, count * sizeof *frames);
  bool safe = hd_stack_is_safe(&stack, call, &why);
  if (!safe)
    assert_non_null(why);
  return safe;
}

#define SAFE(call, ...)                                                                            \
  is_safe(call, true,                                                                              \
          sizeof((struct hd_code_frame[]){__VA_ARGS__}) / sizeof(struct hd_code_frame),            \
          (struct hd_code_frame[]){__VA_ARGS__})
#define CUT_SAFE(call, ...)                                                                        \
  is_safe(call, false,                                                                             \
          sizeof((struct hd_code_frame[]){__VA_ARGS__}) / sizeof(struct hd_code_frame),            \
          (struct hd_code_frame[]){__VA_ARGS__})
#define CALL(number) ((struct hd_call){number, 0})
#define FUTEX(operation) ((struct hd_call){SYS_futex, operation})

static void test_the_programs_own_code_is_safe(void **state)
{
  (void)state;
  assert_true(SAFE(none, OTHER_LEAF, OTHER, LIBC(NULL), LIBC("__libc_start_main"), OTHER));
  assert_true(SAFE(none, LIBC_LEAF("memcpy"), OTHER, LIBC(NULL)));
  assert_true(SAFE(none, LIBC_LEAF("qsort"), LIBC("qsort_r"), OTHER, LIBC(NULL)));
  assert_true(CUT_SAFE(none, OTHER_LEAF));
}

static void test_inside_malloc_is_not(void **state)
{
  (void)state;
  assert_false(SAFE(none, LIBC_LEAF("malloc"), OTHER));
  assert_false(SAFE(none, LIBC_LEAF(NULL), LIBC("malloc"), OTHER));
  assert_false(SAFE(none, LIBC_LEAF("memcpy"), LIBC("realloc"), OTHER, OTHER));
  assert_false(SAFE(none, OTHER_LEAF, LIBC("dl_iterate_phdr"), OTHER));
  assert_false(SAFE(none, LIBC_LEAF("free"), OTHER));
  /* free() has jumped on to a function without a name. */
  assert_false(SAFE(none, LIBC_LEAF(NULL), OTHER, OTHER));
  assert_false(SAFE(CALL(SYS_munmap), LIBC_LEAF("munmap"), LIBC("free"), OTHER));
  assert_false(SAFE(CALL(SYS_madvise), LIBC_LEAF(NULL), OTHER));
  assert_false(SAFE(none, LIBC_LEAF("pthread_create"), OTHER));
  assert_false(SAFE(CALL(SYS_clone3), LIBC_LEAF(NULL), LIBC("fork"), OTHER));
}

static void test_waits(void **state)
{
  (void)state;
  assert_true(SAFE(CALL(SYS_epoll_wait), LIBC_LEAF("epoll_wait"), OTHER));
  assert_true(SAFE(CALL(SYS_clock_nanosleep), LIBC_LEAF(NULL), LIBC("nanosleep"), OTHER));
  assert_true(SAFE(CALL(SYS_read), LIBC_LEAF("read"), LIBC(NULL), LIBC("fgets"), OTHER));
  /* pthread_join has jumped on to a function without a name. */
  assert_true(SAFE(FUTEX(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME), LIBC_LEAF(NULL), OTHER));
  assert_true(SAFE(FUTEX(FUTEX_WAIT_PRIVATE), LIBC_LEAF(NULL), LIBC("pthread_mutex_lock"), OTHER));
  /* A lock of malloc's. */
  assert_false(SAFE(FUTEX(FUTEX_WAIT_PRIVATE), LIBC_LEAF(NULL), OTHER));
  assert_false(SAFE(FUTEX(FUTEX_WAIT_PRIVATE), LIBC_LEAF(NULL), LIBC("calloc"), OTHER));
  /* malloc's first arena asks the kernel for the number of processors. */
  assert_false(SAFE(CALL(SYS_read), LIBC_LEAF("read"), LIBC(NULL), LIBC("malloc"), OTHER));
}

static void test_the_loader_and_other_allocators(void **state)
{
  (void)state;
  assert_false(SAFE(none, OTHER_LEAF, LOADER, LOADER, LIBC("dlopen"), OTHER));
  assert_false(SAFE(CALL(SYS_read), OTHER_LEAF, LOADER, OTHER));
  assert_false(SAFE(none, LIBC_LEAF("memset"), ALLOCATOR, OTHER));
  assert_false(SAFE(CALL(SYS_nanosleep), LIBC_LEAF("nanosleep"), ALLOCATOR, OTHER));
  assert_true(SAFE(none, OTHER_LEAF, OTHER));
  /* Linked into the program, it may be anywhere there. */
  assert_false(SAFE(none, LIBC_LEAF("memset"), PROGRAM, LIBC(NULL)));
  assert_true(SAFE(CALL(SYS_epoll_wait), LIBC_LEAF("epoll_wait"), PROGRAM, LIBC(NULL), PROGRAM));
  assert_false(SAFE(CALL(SYS_nanosleep), LIBC_LEAF("nanosleep"), PROGRAM));
}

static void test_below_a_signal_handler(void **state)
{
  (void)state;
  assert_true(SAFE(none, OTHER_LEAF, LIBC(NULL), OTHER_LEAF, OTHER));
  assert_false(SAFE(none, OTHER_LEAF, LIBC(NULL), LIBC_LEAF("malloc"), OTHER));
  assert_false(SAFE(none, OTHER_LEAF, LIBC(NULL), LIBC_LEAF(NULL), OTHER));
  /* A wait of the handler's says nothing of what it interrupted. */
  assert_false(SAFE(CALL(SYS_read), LIBC_LEAF("read"), OTHER, LIBC(NULL), LIBC_LEAF(NULL), OTHER));
}

static void test_a_stack_that_ends_in_libc(void **state)
{
  (void)state;
  assert_false(CUT_SAFE(none, LIBC_LEAF("memcpy")));
  assert_true(CUT_SAFE(none, LIBC_LEAF("memcpy"), OTHER));
  assert_true(SAFE(CALL(SYS_rt_sigtimedwait), LIBC_LEAF(NULL), LIBC(NULL)));
}

static void test_names_are_whole(void **state)
{
  (void)state;
  assert_true(SAFE(none, LIBC_LEAF("freeaddrinfo"), OTHER));
  assert_true(SAFE(none, LIBC_LEAF("exit_not"), OTHER));
  assert_false(SAFE(none, LIBC_LEAF("malloc_trim"), OTHER));
  assert_false(SAFE(none, LIBC_LEAF("posix_spawnp"), OTHER));
}

/* --- refusals ------------------------------------------------------------------------------- */

static void assert_refusal(struct hd_trace_rules rules, int why, const char *words)
{
  struct hd_error error = HD_ERROR_INIT;
  assert_false(hd_trace_refused(&rules, why, &error));
  assert_int_equal(error.kind, HD_ERROR_INPUT);
  if (!strstr(error.text, words))
    fail_msg("\"%s\" is not in \"%s\"", words, error.text);
  if (!strstr(error.text, "record --dormant"))
    fail_msg("no way out in \"%s\"", error.text);
}

static void test_yama_is_explained(void **state)
{
  (void)state;
  assert_refusal((struct hd_trace_rules){1, false}, EPERM, "sysctl kernel.yama.ptrace_scope=0");
  assert_refusal((struct hd_trace_rules){1, false}, EPERM, "PR_SET_PTRACER");
  assert_refusal((struct hd_trace_rules){2, false}, EPERM, "root alone may attach");
  assert_refusal((struct hd_trace_rules){3, true}, EPERM, "until the next boot");
  assert_refusal((struct hd_trace_rules){3, false}, EPERM, "root neither");
}

static void test_other_refusals(void **state)
{
  (void)state;
  assert_refusal((struct hd_trace_rules){-1, false}, EPERM, "CAP_SYS_PTRACE");
  assert_refusal((struct hd_trace_rules){0, false}, EPERM, "run heapdiff as root");
  assert_refusal((struct hd_trace_rules){1, true}, EPERM, "a security policy");
  assert_refusal((struct hd_trace_rules){-1, true}, EPERM, "outside of heapdiff's container");
  assert_refusal((struct hd_trace_rules){1, false}, EIO, strerror(EIO));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_status_of_a_process),
      cmocka_unit_test(test_threads_of_the_kernel_and_zombies),
      cmocka_unit_test(test_a_name_with_control_characters),
      cmocka_unit_test(test_the_memory_map),
      cmocka_unit_test(test_this_process),
      cmocka_unit_test(test_the_programs_own_code_is_safe),
      cmocka_unit_test(test_inside_malloc_is_not),
      cmocka_unit_test(test_waits),
      cmocka_unit_test(test_the_loader_and_other_allocators),
      cmocka_unit_test(test_below_a_signal_handler),
      cmocka_unit_test(test_a_stack_that_ends_in_libc),
      cmocka_unit_test(test_names_are_whole),
      cmocka_unit_test(test_yama_is_explained),
      cmocka_unit_test(test_other_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
