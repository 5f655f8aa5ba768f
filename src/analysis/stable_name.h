/* The part of a function's name that is the same in the next build, too. */
#ifndef HD_ANALYSIS_STABLE_NAME_H
#define HD_ANALYSIS_STABLE_NAME_H

#include "base/buffer.h"

/* Appends a name without what compilers number anew as code is added: the suffixes of
 * copies (".constprop.0", " [clone .isra.1]"), the numbers of lambdas and closures
 * ("{lambda()#2}", "{closure#1}", Go's "main.f.func2.1"), and the hash of Rust's legacy
 * mangling ("::h0123456789abcdef"). */
void hd_stable_name(struct hd_buffer *out, const char *name);

#endif
