/* Lines of a leak report and the forms of their frames. */
#include "readers/lsan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "function|file|line|module|offset|build-id", "-" where it is of no form. */
static void write_frame(struct hd_buffer *out, const char *text)
{
  struct hd_lsan_frame frame;
  size_t length = strlen(text);
  char *copy = malloc(length ? length : 1); /* a read past its end is seen */
  assert_non_null(copy);
  memcpy(copy, text, length);
  hd_buffer_clear(out);
  if (hd_lsan_frame_of(hd_scan_of(copy, length), &frame))
    hd_buffer_printf(out, "%.*s|%.*s|%u|%.*s|%llx|%.*s", (int)hd_scan_left(&frame.function),
                     frame.function.at, (int)hd_scan_left(&frame.file), frame.file.at, frame.line,
                     (int)hd_scan_left(&frame.module), frame.module.at,
                     (unsigned long long)frame.offset, (int)hd_scan_left(&frame.build_id),
                     frame.build_id.at);
  else
    hd_buffer_puts(out, "-");
  free(copy);
}

static const struct {
  const char *text, *wanted;
} frame_cases[] = {
    /* C */
    {"in main /src/a.c:12:3", "main|/src/a.c|12||0|"},
    {"in main /src/a.c:12", "main|/src/a.c|12||0|"},
    {"in main /src/a.c", "main|/src/a.c|0||0|"},
    {"in main", "main||0||0|"},
    {"in strdup string/./string/strdup.c:42:15", "strdup|string/./string/strdup.c|42||0|"},
    {"in malloc ../../../../src/libsanitizer/asan/asan_malloc_linux.cpp:69",
     "malloc|../../../../src/libsanitizer/asan/asan_malloc_linux.cpp|69||0|"},
    {"in f.constprop.0 /a.c:1", "f.constprop.0|/a.c|1||0|"},
    {"in f+0x1f /a.c:1", "f|/a.c|1||0|"},
    /* paths */
    {"in f /home/me/my project (old)/a b.c:7", "f|/home/me/my project (old)/a b.c|7||0|"},
    {"in f /a:b/c:d.c:7:8", "f|/a:b/c:d.c|7||0|"},
    {"in f /a/x:3:12:5", "f|/a/x:3|12||0|"},
    {"in f my dir/a.c:7", "f|my dir/a.c|7||0|"},
    {"in f /a.c:99999999999", "f|/a.c|0||0|"},
    {"in f /a.c:", "f|/a.c:|0||0|"},
    /* C++ */
    {"in operator new(unsigned long) ../asan_new_delete.cpp:95",
     "operator new(unsigned long)|../asan_new_delete.cpp|95||0|"},
    {"in operator new[](unsigned long) asan_new_delete.cpp:98:3",
     "operator new[](unsigned long)|asan_new_delete.cpp|98||0|"},
    {"in operator new new.cc:3", "operator new|new.cc|3||0|"},
    {"in operator bool /a.cc:31", "operator bool|/a.cc|31||0|"},
    {"in operator() a.cc:12", "operator()|a.cc|12||0|"},
    {"in operator< a.cc:22", "operator<|a.cc|22||0|"},
    {"in f <stdin>:22", "f|<stdin>|22||0|"},
    {"in operator<< <int> a.cc:22", "operator<< <int>|a.cc|22||0|"},
    {"in S::operator+(S const&) const a.cc:8", "S::operator+(S const&) const|a.cc|8||0|"},
    {"in S::operator<(S const&) const a.cc:8", "S::operator<(S const&) const|a.cc|8||0|"},
    {"in S::operator->() const & a.cc:8", "S::operator->() const &|a.cc|8||0|"},
    {"in std::ostream& operator<< <int>(std::ostream&, int) a.cc:8",
     "std::ostream& operator<< <int>(std::ostream&, int)|a.cc|8||0|"},
    {"in Q operator/(Q, Q) /q/r.cc:1", "Q operator/(Q, Q)|/q/r.cc|1||0|"},
    {"in std::map<int, std::pair<A, B> >::operator[](int&&) /usr/include/c++/12/bits/map.h:530",
     "std::map<int, std::pair<A, B> >::operator[](int&&)|/usr/include/c++/12/bits/map.h|530||0|"},
    {"in __invoke_impl<double*, main()::<lambda(int)>&, int> bits/invoke.h:61",
     "__invoke_impl<double*, main()::<lambda(int)>&, int>|bits/invoke.h|61||0|"},
    {"in void (anonymous namespace)::go<int>(std::function<int* (int)>) b.cc:10:118",
     "void (anonymous namespace)::go<int>(std::function<int* (int)>)|b.cc|10||0|"},
    {"in main::'lambda'(int)::operator()(int) const b.cc:1",
     "main::'lambda'(int)::operator()(int) const|b.cc|1||0|"},
    {"in main::$_0::operator()(int) const b.cc:1", "main::$_0::operator()(int) const|b.cc|1||0|"},
    {"in f(int) [clone .cold] b.cc:1", "f(int) [clone .cold]|b.cc|1||0|"},
    {"in decltype(auto) f<int>(int) /b.cc:1", "decltype(auto) f<int>(int)|/b.cc|1||0|"},
    {"in void (*g<int>())(int) b.cc:1", "void (*g<int>())(int)|b.cc|1||0|"},
    /* Rust, Objective-C, and brackets that do not close */
    {"in <alloc::vec::Vec<T> as core::clone::Clone>::clone src/lib.rs:5:9",
     "<alloc::vec::Vec<T> as core::clone::Clone>::clone|src/lib.rs|5||0|"},
    {"in -[Foo initWith:bar:] foo.m:5", "-[Foo initWith:bar:]|foo.m|5||0|"},
    {"in f<(a /b.cc:1", "f<(a|/b.cc|1||0|"},
    /* modules */
    {"(/bin/a+0x11f9)", "||0|/bin/a|11f9|"},
    {"(/bin/a+0x11f9) (BuildId: C77e21D6)", "||0|/bin/a|11f9|C77e21D6"},
    {"in main (/bin/a+0x11f9) (BuildId: c77e)", "main||0|/bin/a|11f9|c77e"},
    {"in main+0x1f (/bin/a+0x11f9)", "main||0|/bin/a|11f9|"},
    {"in operator new[](unsigned long) (/bin/b-clang+++0xe014d) (BuildId: 2f4e)",
     "operator new[](unsigned long)||0|/bin/b-clang++|e014d|2f4e"},
    {"in f(int) (/opt/my app (x86)/a+0x1)", "f(int)||0|/opt/my app (x86)/a|1|"},
    {"in f (a.out+0x1)", "f||0|a.out|1|"},
    {"(/bin/a:x86_64+0x1)", "||0|/bin/a|1|"},
    {"(/bin/a+0x1b+0x2)", "||0|/bin/a+0x1b|2|"},
    {"([stack]+0x1dbdf)", "||0|[stack]|1dbdf|"},
    {"(<unknown module>)", "||0||0|"},
    {"in jit (<unknown module>)", "jit||0||0|"},
    {"in  (/bin/a+0x1)", "||0|/bin/a|1|"},
    /* no frames */
    {"", "-"},
    {"in", "-"},
    {"in ", "-"},
    {"main /src/a.c:1", "-"},
    {"(/bin/a)", "-"},
    {"(+0x1)", "-"},
    {"(BuildId: c77e)", "-"},
    {"(/bin/a+0x)", "-"},
    {"(/bin/a+0x11112222333344445)", "-"},
    {"in +0x1", "-"},
};

static void frames(void **state)
{
  (void)state;
  struct hd_buffer out = HD_BUFFER_INIT;
  for (size_t i = 0; i < sizeof frame_cases / sizeof *frame_cases; i++) {
    write_frame(&out, frame_cases[i].text);
    if (strcmp(hd_buffer_text(&out), frame_cases[i].wanted) != 0)
      fail_msg("'%s'\n is      %s\n and not %s", frame_cases[i].text, hd_buffer_text(&out),
               frame_cases[i].wanted);
  }
  hd_buffer_deinit(&out);
}

static void lines(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    enum hd_lsan_kind kind;
    int64_t pid;
    uint64_t bytes, objects, number;
    size_t prefix;
  } cases[] = {
      {"", HD_LSAN_BLANK, 0, 0, 0, 0, 0},
      {" \t\r", HD_LSAN_BLANK, 0, 0, 0, 0, 0},
      {"hello", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"==12==ERROR: LeakSanitizer: detected memory leaks", HD_LSAN_REPORT, 12, 0, 0, 0, 0},
      {"2024-01-01 7: ==12==ERROR: LeakSanitizer: detected memory leaks", HD_LSAN_REPORT, 12, 0, 0,
       0, 0},
      {"ERROR: LeakSanitizer: detected memory leaks", HD_LSAN_REPORT, 0, 0, 0, 0, 0},
      {"=12==ERROR: LeakSanitizer: detected memory leaks", HD_LSAN_REPORT, 0, 0, 0, 0, 0},
      {"==99999999999==ERROR: LeakSanitizer: detected memory leaks", HD_LSAN_REPORT, 0, 0, 0, 0, 0},
      {"==1==ERROR: AddressSanitizer: SEGV on unknown address", HD_LSAN_ERROR, 1, 0, 0, 0, 0},
      {"ERROR: cannot start MySanitizer: no", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"==1==LeakSanitizer has encountered a fatal error.", HD_LSAN_NO_CHECK, 0, 0, 0, 0, 0},
      {"SUMMARY: AddressSanitizer: 5 byte(s) leaked in 2 allocation(s).", HD_LSAN_SUMMARY, 0, 5, 2,
       0, 0},
      {"SUMMARY: AddressSanitizer: 5 byte(s) leaked in 2 alloc", HD_LSAN_OTHER, 0, 5, 2, 0, 0},
      {"SUMMARY: AddressSanitizer: SEGV in main", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"Direct leak of 5 byte(s) in 2 object(s) allocated from:", HD_LSAN_LEAK, 0, 5, 2, 0, 0},
      {"12: Indirect leak of 5 byte(s) in 2 object(s) allocated from:", HD_LSAN_LEAK, 0, 5, 2, 0,
       4},
      {"irect leak of 5 byte(s) in 2 object(s) allocated from:", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"direct leak of 5 byte(s) in 2 object(s) allocated from:", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"Direct leak of 5 byte(s)", HD_LSAN_OTHER, 0, 5, 0, 0, 0},
      {"    #3 0x1f in f /a.c:1", HD_LSAN_FRAME, 0, 0, 0, 3, 0},
      {"#1: job #2\t#3 0x1f  (/a+0x1)", HD_LSAN_FRAME, 0, 0, 0, 3, 0},
      {"#0 parsed in 0x10 ms", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"#0 0x", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"#0 0x1g", HD_LSAN_OTHER, 0, 0, 0, 0, 0},
      {"Objects leaked above:", HD_LSAN_OBJECTS, 0, 0, 0, 0, 0},
      {"Omitting 7 more leak(s).", HD_LSAN_LEFT_OUT, 0, 0, 0, 0, 0},
      {"Too many leaks! Only the first 5000 leaks encountered will be reported.", HD_LSAN_LEFT_OUT,
       0, 0, 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hd_lsan_line line = hd_lsan_line_of(hd_scan_of(cases[i].text, strlen(cases[i].text)));
    print_message("  %s\n", cases[i].text);
    assert_int_equal(line.kind, cases[i].kind);
    if (line.kind == HD_LSAN_OTHER)
      continue;
    assert_int_equal(line.pid, cases[i].pid);
    assert_int_equal(line.bytes, cases[i].bytes);
    assert_int_equal(line.objects, cases[i].objects);
    assert_int_equal(line.prefix, cases[i].prefix);
    assert_int_equal(line.kind == HD_LSAN_FRAME ? line.number : 0, cases[i].number);
  }
}

static void colors(void **state)
{
  (void)state;
  static const struct {
    const char *text, *plain;
  } cases[] = {
      {"plain", "plain"},       {"\x1b[1m\x1b[34mDirect\x1b[0m leak\x1b[38;5;1m", "Direct leak"},
      {"a\x1b", "a"},           {"a\x1b[", "a"},
      {"a\x1b[1", "a"},         {"a\x1b(Bc", "aBc"},
      {"\x1b[1\x80x", "\x80x"},
  };
  struct hd_buffer scratch = HD_BUFFER_INIT;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hd_scan line = hd_scan_of(cases[i].text, strlen(cases[i].text));
    assert_true(hd_lsan_plain(&line, &scratch));
    if (hd_scan_left(&line) != strlen(cases[i].plain) ||
        memcmp(line.at, cases[i].plain, hd_scan_left(&line)) != 0)
      fail_msg("case %zu: '%.*s'", i, (int)hd_scan_left(&line), line.at);
  }
  hd_buffer_deinit(&scratch);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames),
      cmocka_unit_test(lines),
      cmocka_unit_test(colors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
