/* Names for people: whole and short. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "symbols/demangle.h"
#include "symbols/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
  const char *mangled, *full, *brief;
};

static void check(const struct name *names, size_t count)
{
  struct hd_arena arena = HD_ARENA_INIT;
  for (size_t i = 0; i < count; i++) {
    const char *full = hd_demangle(&arena, names[i].mangled, true);
    const char *brief = hd_demangle(&arena, names[i].mangled, false);
    assert_non_null(full);
    assert_non_null(brief);
    assert_string_equal(full, names[i].full ? names[i].full : names[i].brief);
    assert_string_equal(brief, names[i].brief);
  }
  hd_arena_deinit(&arena);
}

#define CHECK(names) check(names, sizeof names / sizeof *names)

static void test_cxx(void **state)
{
  (void)state;
  static const struct name names[] = {
      {"_Z3fooi", "foo(int)", "foo"},
      {"_ZN1CILb1EE1hEv", "C<true>::h()", "C::h"},
      {"_ZN1SILi1EE1gIiEEvT_", "void S<1>::g<int>(int)", "S::g"},
      {"_Z2enIiENSt9enable_ifIXgtstT_Li1EEmE4typeES1_",
       "std::enable_if<((sizeof (int))>(1)), unsigned long>::type en<int>(int)", "en"},
      {"_Z4callIPFiiEEDTclfp_Li1EEET_",
       "decltype ({parm#1}(1)) call<int (*)(int)>(int (*)(int))", "call"},
      {"_ZN12_GLOBAL__N_14Anon1fESt8functionIFviEE",
       "(anonymous namespace)::Anon::f(std::function<void (int)>)",
       "(anonymous namespace)::Anon::f"},
      {"_ZNSt6vectorIiSaIiEED2Ev", "std::vector<int, std::allocator<int> >::~vector()",
       "std::vector::~vector"},
      {"_ZNK9__gnu_cxx17__normal_iteratorIPivEdeEv",
       "__gnu_cxx::__normal_iterator<int*, void>::operator*() const",
       "__gnu_cxx::__normal_iterator::operator*"},
      {"_Znwm", "operator new(unsigned long)", "operator new"},
      {"_ZdaPv", "operator delete[](void*)", "operator delete[]"},
      {"_ZThn8_N1W1gEv", "non-virtual thunk to W::g()", "non-virtual thunk to W::g"},
      {"_ZTv0_n24_N1W1gEv", "virtual thunk to W::g()", "virtual thunk to W::g"},
      {"_ZTV1CIiE", "vtable for C<int>", "vtable for C"},
      {"_ZZ2enIiENSt9enable_ifIXgtstT_Li1EEmE4typeES1_EN1X1qEv", "en<int>(int)::X::q()",
       "en::X::q"},
      {"_ZGVZ3foovE1x", "guard variable for foo()::x", "guard variable for foo::x"},
  };
  CHECK(names);
}

static void test_operators(void **state)
{
  (void)state;
  static const struct name names[] = {
      {"_ZNK2ns1AltERKS0_", "ns::A::operator<(ns::A const&) const", "ns::A::operator<"},
      {"_ZN2nsltIiEEbRKSt6vectorIT_SaIS2_EENS_1AE",
       "bool ns::operator< <int>(std::vector<int, std::allocator<int> > const&, ns::A)",
       "ns::operator<"},
      {"_ZN2ns1AlsIiEERS0_RKT_", "ns::A& ns::A::operator<< <int>(int const&)",
       "ns::A::operator<<"},
      {"_ZNK2ns1AssERKS0_", "ns::A::operator<=>(ns::A const&) const", "ns::A::operator<=>"},
      {"_ZN2ns1AptEv", "ns::A::operator->()", "ns::A::operator->"},
      {"_ZN2ns1ApmEi", "ns::A::operator->*(int)", "ns::A::operator->*"},
      {"_ZN2ns1AgtERKS0_", "ns::A::operator>(ns::A const&)", "ns::A::operator>"},
      {"_ZN2ns1AclEi", "ns::A::operator()(int)", "ns::A::operator()"},
      {"_ZN2ns1AixEi", "ns::A::operator[](int)", "ns::A::operator[]"},
      {"_ZN2ns1AcmEi", "ns::A::operator,(int)", "ns::A::operator,"},
      {"_ZN2ns1AcvbEv", "ns::A::operator bool()", "ns::A::operator bool"},
      {"_ZN2ns1AcvPiEv", "ns::A::operator int*()", "ns::A::operator int*"},
      {"_ZN2ns1AcvSt6vectorIiSaIiEEEv",
       "ns::A::operator std::vector<int, std::allocator<int> >()",
       "ns::A::operator std::vector"},
      {"_ZN1QIXadL_ZNK2ns1AltERKS1_EEE1mEv", "Q<&(ns::A::operator<(ns::A const&) const)>::m()",
       "Q::m"},
  };
  CHECK(names);
}

static void test_lambdas(void **state)
{
  (void)state;
  static const struct name names[] = {
      {"_ZZ4mainENKUliE0_clEi", "main::{lambda(int)#2}::operator()(int) const",
       "main::{lambda(int)#2}::operator()"},
      {"_ZZZ4mainENKUliE0_clEiENKUliE_clEi",
       "main::{lambda(int)#2}::operator()(int) const::{lambda(int)#1}::operator()(int) const",
       "main::{lambda(int)#2}::operator()::{lambda(int)#1}::operator()"},
      {"_ZZN1SILi1EE1gIiEEvT_ENKUlS2_iE_clIiEEDaS2_i",
       "auto S<1>::g<int>(int)::{lambda(auto:1, int)#1}::operator()<int>(int, int) const",
       "S::g::{lambda(auto:1, int)#1}::operator()"},
      /* The blank in "operator<< <int>" once cut more than there was. */
      {"_ZZN2nslsIiEERNS_1SES2_T_ENKUlS3_E_clIiEEDaS3_",
       "auto ns::operator<< <int>(ns::S&, int)::{lambda(auto:1)#1}::operator()<int>(int) const",
       "ns::operator<<::{lambda(auto:1)#1}::operator()"},
      {"_ZZ4mainENKUlSt8functionIFviEEE_clES1_",
       "main::{lambda(std::function<void (int)>)#1}::operator()(std::function<void (int)>) const",
       "main::{lambda(std::function)#1}::operator()"},
      {"_ZZ4mainENKUlSt6vectorIS_IiSaIiEESaIS1_EEE_clES3_", NULL,
       "main::{lambda(std::vector)#1}::operator()"},
  };
  check(names, 4);
  struct hd_arena arena = HD_ARENA_INIT;
  const char *nested = hd_demangle(&arena, names[4].mangled, false);
  assert_null(strpbrk(nested, "<>"));
  hd_arena_deinit(&arena);
}

static void test_rust(void **state)
{
  (void)state;
  static const struct name names[] = {
      {"_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$LT$$LP$$RP$$GT$..$u7b$$u7b$closure$u7d$"
       "$u7d$$GT$17h0123456789abcdefE",
       "core::ptr::drop_in_place<std::rt::lang_start<()>::{{closure}}>",
       "core::ptr::drop_in_place"},
      {"_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789"
       "abcdefE",
       "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop",
       "<alloc::vec::Vec as core::ops::drop::Drop>::drop"},
      {"_ZN4main4work28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
       "main::work::{{closure}}", "main::work::{{closure}}"},
      {"_RNvXs_NtCs1234_5alloc3vecINtB4_3VechENtNtCs1234_4core5clone5Clone5clone",
       "<alloc::vec::Vec<u8> as core::clone::Clone>::clone",
       "<alloc::vec::Vec as core::clone::Clone>::clone"},
      {"_RINvNtC3std3mem8align_ofjE", "std::mem::align_of::<usize>", "std::mem::align_of"},
      {"_RNvMNtC5alloc3vecINtB2_3VechE4push", "<alloc::vec::Vec<u8>>::push",
       "alloc::vec::Vec::push"},
      {"_RNCNvC4main4work0", "main::work::{closure#0}", "main::work::{closure#0}"},
      {"_RNvC4main4work.llvm.1234567890", "main::work", "main::work"},
  };
  CHECK(names);
}

static void test_d(void **state)
{
  (void)state;
  static const struct name names[] = {
      {"_D8demangle4testFaZv", "demangle.test(char)", "demangle.test"},
      {"_D8demangle4testMxFZv", "demangle.test() const", "demangle.test"},
      {"_D4test3fooFiZ3bazMFZv", "test.foo(int).baz()", "test.foo.baz"},
      {"_D3std5stdio__T7writelnTAyaZ7writelnFNfAyaZv",
       "std.stdio.writeln!(immutable(char)[]).writeln(immutable(char)[])",
       "std.stdio.writeln.writeln"},
      {"_Dmain", "D main", "D main"},
  };
  CHECK(names);
}

static void test_clones(void **state)
{
  (void)state;
  static const struct name names[] = {
      {"parse.cold", NULL, "parse"},
      {"parse.part.0", NULL, "parse"},
      {"parse.isra.0.cold", NULL, "parse"},
      {"parse.constprop.1.isra.0", NULL, "parse"},
      {"_Z3fooi.part.0", "foo(int)", "foo"},
      {"_ZN4main3fooEv.cold", "main::foo()", "main::foo"},
      {"crypto/sha256.block.abi0", NULL, "crypto/sha256.block"},
      /* Not clones. */
      {"main", NULL, "main"},
      {"", NULL, ""},
      {".cold", NULL, ".cold"},
      {"main.init.0", NULL, "main.init.0"},
      {"main.part", NULL, "main.part"},
      {"main.(*Cache[...]).fill.func1", NULL, "main.(*Cache[...]).fill.func1"},
      {"type..eq.main.entry", NULL, "type..eq.main.entry"},
      {"a.colder", NULL, "a.colder"},
      {"_start", NULL, "_start"},
      {"_Zwrong", NULL, "_Zwrong"},
      {"_Rwrong", NULL, "_Rwrong"},
      {"_Dwrong", NULL, "_Dwrong"},
      {"_Z", NULL, "_Z"},
  };
  CHECK(names);
}

/* "_Z1f", then `unit` again and again up to `length` characters, then `tail`. */
static char *repeat(const char *head, const char *unit, const char *tail, size_t length)
{
  char *name = malloc(length + 64), *at = name;
  assert_non_null(name);
  at += sprintf(at, "%s", head);
  while ((size_t)(at - name) + strlen(unit) <= length)
    at += sprintf(at, "%s", unit);
  sprintf(at, "%s", tail);
  return name;
}

/* Names longer than 1024 characters are common in C++, and libiberty refuses them
 * while its recursion limit is on. */
static void test_long(void **state)
{
  (void)state;
  struct hd_arena arena = HD_ARENA_INIT;
  char *name = repeat("_ZN3abcI", "N3lib4nameIiEE", "E3getEv", 9000);
  assert_string_equal(hd_demangle(&arena, name, false), "abc::get");
  const char *full = hd_demangle(&arena, name, true);
  assert_true(strncmp(full, "abc<lib::name<int>, lib::name<int>,", 35) == 0);
  free(name);
  name = repeat("_ZN3abcI", "N3lib4nameIiEE", "E3getEv", 60000);
  assert_string_equal(hd_demangle(&arena, name, false), name);
  free(name);
  hd_arena_deinit(&arena);
}

/* Deep nesting, and texts that grow beyond all bounds: no crash, no long wait. */
static void test_hostile(void **state)
{
  (void)state;
  static const char *const units[] = {"P", "F", "Fi", "1fI", "N", "X", "XX", "Z", "DT", "cv", "A_",
                                      "Mi", "ng", "L_Z", "T_", "J", "Ul", "N1aI", "GR", "Dp",
                                      "u1a", "S_", "S0_", "I1aIiES0_E", "C1aR", "Nv", "Q", "TQ"};
  static const char *const heads[] = {"_Z1f", "_Z", "_Z1fI", "_ZN1f", "_R", "_RNv", "_RIC1a",
                                      "_D1f", "_D1fF", "_ZN", "_GLOBAL__I_"};
  static const size_t lengths[] = {100, 1000, 1500, 16000, 70000};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    for (size_t j = 0; j < sizeof heads / sizeof *heads; j++)
      for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        struct hd_arena arena = HD_ARENA_INIT;
        char *name = repeat(heads[j], units[i], "i", lengths[k]);
        assert_non_null(hd_demangle(&arena, name, true));
        assert_non_null(hd_demangle(&arena, name, false));
        free(name);
        hd_arena_deinit(&arena);
      }
}

/* Each substitution doubles the text: 2^40 characters, were it written out. */
static void test_doubling(void **state)
{
  (void)state;
  static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  struct hd_arena arena = HD_ARENA_INIT;
  char name[2048] = "_Z1fSt4pairIiiE";
  for (unsigned i = 0; i < 30; i++) {
    size_t length = strlen(name);
    snprintf(name + length, sizeof name - length, "S_IS%c_S%c_E", digits[i], digits[i]);
  }
  assert_non_null(hd_demangle(&arena, name, true));
  assert_non_null(hd_demangle(&arena, name, false));
  hd_arena_deinit(&arena);
}

static long allowed;

static bool allow_some(void)
{
  return allowed-- > 0;
}

static void test_no_memory(void **state)
{
  (void)state;
  static const char *const names[] = {"_ZN1SILi1EE1gIiEEvT_", "_D8demangle4testFaZv",
                                      "_RNCNvC4main4work0", "plain"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *result = NULL;
    for (long n = 0; n < 20; n++) {
      struct hd_arena arena = HD_ARENA_INIT;
      allowed = n;
      hd_alloc_set_hook(allow_some);
      result = hd_demangle(&arena, names[i], false);
      hd_alloc_set_hook(NULL);
      if (n == 0)
        assert_null(result);
      if (n == 19)
        assert_non_null(result);
      hd_arena_deinit(&arena);
    }
  }
}

/* A debug file may hold any text as a name: cut anywhere, and with any character
 * replaced, in memory that ends where it does. */
static void test_any_text_is_shortened(void **state)
{
  (void)state;
  static const char *const names[] = {
      "operator<< <int>", "f<(a->b), {lambda(int)#1}>(x)::operator-><T>() const",
      "vtable for a<b<c> >", "<a::b<c> as d>::e<f>", "<impl a for b>::c", "a.b(c).d(e) const",
      "{lambda(std::vector<int>)#1}::operator()"};
  static bool (*const shorten[])(const char *, struct hd_buffer *) = {hd_shorten_cxx,
                                                                      hd_shorten_rust,
                                                                      hd_shorten_d};
  static const char odd[] = "<>(){}-o: .a";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (size_t size = 0; size <= strlen(names[i]); size++)
      for (size_t at = 0; at < size * sizeof odd; at++)
        for (size_t by = 0; by < sizeof shorten / sizeof *shorten; by++) {
          char *text = malloc(size + 1);
          memcpy(text, names[i], size);
          text[size] = '\0';
          text[at / sizeof odd] = odd[at % sizeof odd];
          struct hd_buffer out = HD_BUFFER_INIT;
          shorten[by](text, &out);
          assert_true(out.length <= size);
          hd_buffer_deinit(&out);
          free(text);
        }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cxx),    cmocka_unit_test(test_operators),
      cmocka_unit_test(test_lambdas), cmocka_unit_test(test_rust),
      cmocka_unit_test(test_d),      cmocka_unit_test(test_clones),
      cmocka_unit_test(test_long),   cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_doubling), cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_any_text_is_shortened),
  };
  return cmocka_run_group_tests_name("demangle", tests, NULL, NULL);
}
