/* Which frames only pass an allocation on (wrappers.def), so that the call site
 * of `v.push_back(x)` or `strdup(p)` is the line that says so. A frame is a wrapper where
 * one of its texts says so: what a text says is asked once, whatever the number of frames
 * that have it. */
#ifndef HD_ANALYSIS_WRAPPERS_H
#define HD_ANALYSIS_WRAPPERS_H

#include "base/regex.h"

#include <stddef.h>

/* What a text is of a frame: bits, so that the answers in several roles fit one word. */
enum hd_wrapper_role {
  HD_WRAPPER_AS_NAME = 1,    /* the function, for people */
  HD_WRAPPER_AS_LINKAGE = 2, /* its linkage name */
  HD_WRAPPER_AS_FILE = 4,    /* the source file */
  HD_WRAPPER_AS_MODULE = 8,  /* the path of the module */
};

/* What it says of the frame. */
enum {
  HD_WRAPPER_NAME = 16,          /* it is a wrapper */
  HD_WRAPPER_RUST_NAME = 32,     /* it is one, if it is Rust's */
  HD_WRAPPER_RUST_LINKAGE = 64,  /* it is Rust's */
  HD_WRAPPER_FILE = 128,         /* it is a wrapper */
  HD_WRAPPER_IS_RUST = 256,      /* it is Rust's, by its file */
  HD_WRAPPER_MODULE = 512,       /* it is a wrapper */
  HD_WRAPPER_FACTS = 1024,       /* the first bit that is free for others */
};

/* `extra` are the user's own patterns, found anywhere in the function name. */
unsigned hd_wrapper_facts(const char *text, enum hd_wrapper_role role,
                          struct hd_regex *const *extra, size_t extra_count);

/* Whether all of a module is a wrapper, by the name of its file: the C library and
 * its like. */
bool hd_wrapper_module(const char *path);

#endif
