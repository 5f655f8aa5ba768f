/* The code of a running process: its modules, the functions of its libc, and the stack of
 * one of its threads while that is stopped. Files are read when the image is made, so that
 * nothing but the thread's memory is read while it waits; debug information is not looked
 * for (.eh_frame is in every program). */
#ifndef HD_ATTACH_IMAGE_H
#define HD_ATTACH_IMAGE_H

#include "attach/process.h"

enum hd_module_kind {
  HD_CODE_UNKNOWN, /* in no module: compiled at run time, or mapped since */
  HD_CODE_OTHER,   /* the program and its libraries */
  HD_CODE_LIBC,
  HD_CODE_LOADER,           /* ld.so */
  HD_CODE_ALLOCATOR,        /* a library with a malloc of its own, libc aside */
  HD_CODE_PROGRAM_ALLOCATOR /* the program, where it has a malloc linked into it */
};

/* Of the innermost frame and those around it, each the caller of the one before. */
struct hd_code_frame {
  enum hd_module_kind kind;
  bool interrupted; /* not by a call: the innermost, and one that a signal came to */
  uint64_t pc;
  const char *function; /* in libc alone, by its exported symbols; NULL: none there */
};

enum { HD_MOST_CODE_FRAMES = 256 };

struct hd_code_stack {
  struct hd_code_frame frames[HD_MOST_CODE_FRAMES];
  size_t count;
  bool whole; /* up to where the thread began */
};

struct hd_image;

/* `maps` must live as long. */
bool hd_image_create(pid_t pid, const struct hd_maps *maps, struct hd_image **image,
                     struct hd_error *error);
void hd_image_destroy(struct hd_image *image);

/* Whether glibc is among its modules. */
bool hd_image_has_libc(const struct hd_image *image);
/* The address of an exported function of libc (or of libdl, where that is one of its own);
 * 0: none. */
uint64_t hd_image_function(const struct hd_image *image, const char *name);
/* The address of a system call instruction in libc; 0: none. */
uint64_t hd_image_syscall(const struct hd_image *image);

/* The stack of thread `tid`, which the caller has stopped. False: not even its innermost
 * frame could be had. */
bool hd_image_stack(struct hd_image *image, pid_t tid, struct hd_code_stack *stack);

#endif
