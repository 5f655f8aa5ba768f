#include "base/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct hd_cursor over(const char *bytes, size_t length)
{
  return hd_cursor_of(bytes, length);
}

#define OVER(text) over(text, sizeof text - 1)

static void test_varints(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t length;
    uint64_t value;
  } good[] = {
      {"\x00", 1, 0},
      {"\x7f", 1, 127},
      {"\x80\x01", 2, 128},
      {"\xac\x02", 2, 300},
      {"\x80\x00", 2, 0}, /* longer than need be, but sound */
      {"\xff\xff\xff\xff\x0f", 5, UINT32_MAX},
      {"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9, INT64_MAX},
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct hd_cursor cursor = over(good[i].bytes, good[i].length);
    uint64_t value = 42;
    assert_true(hd_cursor_varint(&cursor, &value));
    assert_true(value == good[i].value);
    assert_true(hd_cursor_done(&cursor));
    assert_int_equal(cursor.fault, HD_CURSOR_FINE);
    /* Every shorter cut of it is short, and stays where it began. */
    for (size_t cut = 0; cut < good[i].length; cut++) {
      cursor = over(good[i].bytes, cut);
      assert_false(hd_cursor_varint(&cursor, &value));
      assert_int_equal(cursor.fault, HD_CURSOR_SHORT);
      assert_int_equal(hd_cursor_offset(&cursor), 0);
    }
  }
}

static void test_varints_too_long(void **state)
{
  (void)state;
  uint64_t value;
  struct hd_cursor cursor = OVER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
  assert_false(hd_cursor_varint(&cursor, &value));
  assert_int_equal(cursor.fault, HD_CURSOR_LONG_INT);
  cursor = OVER("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
  assert_false(hd_cursor_varint(&cursor, &value));
  assert_int_equal(cursor.fault, HD_CURSOR_LONG_INT);
  assert_int_equal(hd_cursor_offset(&cursor), 0);
}

static void test_fixed(void **state)
{
  (void)state;
  uint32_t small;
  uint64_t large;
  struct hd_cursor cursor = OVER("\x01\x02\x03\x84\xf1\x02\x03\x04\x05\x06\x07\x88");
  assert_true(hd_cursor_fixed32(&cursor, &small));
  assert_int_equal(small, 0x84030201u);
  assert_true(hd_cursor_fixed64(&cursor, &large));
  assert_true(large == 0x88070605040302f1ull);
  cursor = OVER("\x01\x02\x03");
  assert_false(hd_cursor_fixed32(&cursor, &small));
  assert_int_equal(cursor.fault, HD_CURSOR_SHORT);
  cursor = OVER("\x01\x02\x03\x04\x05\x06\x07");
  assert_false(hd_cursor_fixed64(&cursor, &large));
  assert_int_equal(hd_cursor_offset(&cursor), 0);
}

static void test_fields(void **state)
{
  (void)state;
  /* 1: 150, 2: "abc", 3: fixed64, 4: fixed32, 300: 0 */
  struct hd_cursor cursor = OVER("\x08\x96\x01\x12\x03"
                                 "abc"
                                 "\x19\x01\0\0\0\0\0\0\x80\x25\x02\0\0\0\xe0\x12\0");
  struct hd_wire_field field;
  assert_true(hd_cursor_field(&cursor, &field));
  assert_true(field.number == 1 && field.type == HD_WIRE_VARINT && field.value == 150);
  assert_true(hd_cursor_field(&cursor, &field));
  assert_true(field.number == 2 && field.type == HD_WIRE_BYTES && field.value == 3);
  assert_memory_equal(field.data, "abc", 3);
  struct hd_cursor inside = hd_cursor_inside(&cursor, &field);
  assert_int_equal(hd_cursor_offset(&inside), 5);
  assert_int_equal(hd_cursor_left(&inside), 3);
  assert_true(hd_cursor_field(&cursor, &field));
  assert_true(field.number == 3 && field.type == HD_WIRE_FIXED64 &&
              field.value == 0x8000000000000001ull);
  assert_true(hd_cursor_field(&cursor, &field));
  assert_true(field.number == 4 && field.type == HD_WIRE_FIXED32 && field.value == 2);
  assert_true(hd_cursor_field(&cursor, &field));
  assert_true(field.number == 300 && field.value == 0 && !field.data);
  assert_true(hd_cursor_done(&cursor));
}

static void check_broken(const char *bytes, size_t length, enum hd_cursor_fault fault)
{
  struct hd_cursor cursor = over(bytes, length);
  struct hd_wire_field field;
  assert_true(hd_cursor_field(&cursor, &field));
  assert_false(hd_cursor_field(&cursor, &field));
  assert_int_equal(cursor.fault, fault);
  /* The place is that of the tag. */
  assert_int_equal(hd_cursor_offset(&cursor), 2);
  assert_true(strlen(hd_cursor_fault_text(fault)) > 10);
}

#define BROKEN(text, fault) check_broken("\x08\x01" text, sizeof text + 1, fault)

static void test_broken_fields(void **state)
{
  (void)state;
  BROKEN("\x00\x01", HD_CURSOR_BAD_FIELD);
  BROKEN("\x80\x80\x80\x80\x10\x01", HD_CURSOR_BAD_FIELD); /* number 2^29 */
  BROKEN("\x0b\x0c", HD_CURSOR_BAD_TYPE);                  /* a group */
  BROKEN("\x0c", HD_CURSOR_BAD_TYPE);
  BROKEN("\x0e\x01", HD_CURSOR_BAD_TYPE);
  BROKEN("\x0f\x01", HD_CURSOR_BAD_TYPE);
  BROKEN("\x08", HD_CURSOR_SHORT);
  BROKEN("\x0d\x01\x02\x03", HD_CURSOR_SHORT);
  BROKEN("\x12\x04"
         "abc",
         HD_CURSOR_SHORT);
  BROKEN("\x12\x80\x80\x80\x80\x04", HD_CURSOR_SHORT); /* 1 GiB */
  BROKEN("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", HD_CURSOR_SHORT);
  BROKEN("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", HD_CURSOR_LONG_INT);
}

static void test_empty(void **state)
{
  (void)state;
  struct hd_cursor cursor = hd_cursor_of(NULL, 0);
  struct hd_wire_field field;
  assert_true(hd_cursor_done(&cursor));
  assert_false(hd_cursor_field(&cursor, &field));
  assert_int_equal(cursor.fault, HD_CURSOR_SHORT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_varints),       cmocka_unit_test(test_varints_too_long),
      cmocka_unit_test(test_fixed),         cmocka_unit_test(test_fields),
      cmocka_unit_test(test_broken_fields), cmocka_unit_test(test_empty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
