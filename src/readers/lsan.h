/* Leak reports of LeakSanitizer, which AddressSanitizer prints, too, in a log with
 * anything else around them:
 *
 *   ==4711==ERROR: LeakSanitizer: detected memory leaks
 *
 *   Direct leak of 100 byte(s) in 1 object(s) allocated from:
 *       #0 0x55e575b1b184 in leak /src/a.c:7:3
 *       #1 0x55e575b1b1f9  (/src/a+0x11f9) (BuildId: c77e...)
 *
 *   SUMMARY: LeakSanitizer: 100 byte(s) leaked in 1 allocation(s).
 *
 * (compiler-rt's lib/lsan/lsan_common.cpp and sanitizer_stacktrace_printer.cpp). A
 * line is first told by what stands in it (lsan_line.c), a frame taken apart
 * (lsan_frame.c), stacks are made of frames (lsan_stack.c), and lsan.c follows the
 * reports. */
#ifndef HD_READERS_LSAN_H
#define HD_READERS_LSAN_H

#include "base/buffer.h"
#include "readers/heap_text_scan.h"
#include "readers/reader.h"

/* --- lines (lsan_line.c) --- */

enum hd_lsan_kind {
  HD_LSAN_OTHER,
  HD_LSAN_BLANK,
  HD_LSAN_REPORT,   /* pid, 0 unknown */
  HD_LSAN_LEAK,     /* direct, bytes, objects, prefix */
  HD_LSAN_FRAME,    /* number, address, text: what is behind the address */
  HD_LSAN_OBJECTS,  /* a list of addresses follows */
  HD_LSAN_LEFT_OUT, /* text: leaks that are not in the report */
  HD_LSAN_SUMMARY,  /* bytes, objects, tool */
  HD_LSAN_ERROR,    /* tool, text: another error that it found */
  HD_LSAN_NO_CHECK, /* leaks could not be looked for */
};

struct hd_lsan_line {
  enum hd_lsan_kind kind;
  int64_t pid;
  bool direct;
  uint64_t bytes, objects;
  uint64_t number, address;
  size_t prefix; /* length of what a logger put before it */
  struct hd_scan tool, text;
};

/* What a line is, wherever in it. `line` has no colors (hd_lsan_plain). */
struct hd_lsan_line hd_lsan_line_of(struct hd_scan line);
/* Takes a terminal's colors off; the result is the line itself or in `scratch`.
 * False when memory is short. */
bool hd_lsan_plain(struct hd_scan *line, struct hd_buffer *scratch);

/* --- frames (lsan_frame.c) --- */

/* Pieces of the frame's text; empty where it does not say. Either `file` or
 * `module`, or none of both. */
struct hd_lsan_frame {
  struct hd_scan function, file, module, build_id;
  uint32_t line;   /* 0 unknown */
  uint64_t offset; /* in the module: address as linked */
};

/* Takes what stands behind a frame's address apart, false where it is of no known
 * form. */
bool hd_lsan_frame_of(struct hd_scan text, struct hd_lsan_frame *frame);

/* --- stacks (lsan_stack.c) --- */

/* The stack at hand, and what was made of those before it. Frames of one address
 * are a function and what is inlined into it: one location. */
struct hd_lsan_stack {
  struct hd_profile *profile;
  struct hd_strings texts;    /* of locations, and of modules */
  HD_VEC(uint32_t) locations; /* [text id] -> location */
  HD_VEC(uint32_t) modules;   /* [text id] -> module */
  HD_VEC(uint32_t) path;      /* innermost first */
  uint64_t next;              /* number of the frame that is to come */
  uint64_t fingerprint;       /* of the addresses: the same ones in the same process */

  /* The location at hand. */
  uint64_t address, offset;
  uint32_t module;
  struct hd_buffer text;
  HD_VEC(struct hd_frame) frames;
};

void hd_lsan_stack_begin(struct hd_lsan_stack *stack);
/* Adds the next frame; *fine says whether it could be read. */
bool hd_lsan_stack_add(struct hd_lsan_stack *stack, const struct hd_lsan_line *line, bool *fine,
                       struct hd_error *error);
/* The stack's id in the profile, 0 where it has no frames. */
bool hd_lsan_stack_end(struct hd_lsan_stack *stack, uint32_t *id, struct hd_error *error);
void hd_lsan_stack_deinit(struct hd_lsan_stack *stack);

#endif
