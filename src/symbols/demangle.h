/* From a demangled name to the short one that a table shows (demangle_short.c).
 * Each function appends to `out` and returns false where the text is not built as
 * expected: then the caller shows it whole. */
#ifndef HD_SYMBOLS_DEMANGLE_H
#define HD_SYMBOLS_DEMANGLE_H

#include "base/buffer.h"

/* "void ns::f<int>(int)::{lambda(int)#1}::operator()" ->
 * "ns::f::{lambda(int)#1}::operator()" */
bool hd_shorten_cxx(const char *text, struct hd_buffer *out);
/* "<vec::Vec<T> as ops::Drop>::drop" -> "<vec::Vec as ops::Drop>::drop" */
bool hd_shorten_rust(const char *text, struct hd_buffer *out);
/* "std.stdio.writeln!(int).writeln(int)" -> "std.stdio.writeln.writeln" */
bool hd_shorten_d(const char *text, struct hd_buffer *out);

#endif
