/* Dumps of goroutines as they are read; used by go_dump*.c alone. */
#ifndef HD_READERS_GO_DUMP_H
#define HD_READERS_GO_DUMP_H

#include "base/index.h"
#include "model/profile.h"
#include "readers/heap_text_scan.h"

/* --- the first line of a goroutine (go_dump_header.c) --- */

/* "goroutine 18 gp=0xc000 m=nil [chan receive (scan), 5 minutes, locked to thread]:" */
struct hd_go_header {
  uint64_t id;
  struct hd_scan state;  /* without "(scan)", which passes; with "(leaked)", which stays */
  uint64_t minutes;      /* that it has been in this state; 0: less than one */
  bool locked;           /* to its thread */
  uint64_t bubble;       /* of testing/synctest, 0 none */
  struct hd_scan labels; /* {"key": "value"}, empty where none are printed */
};

/* Whether the line is one; what it holds. */
bool hd_go_header_read(struct hd_scan line, struct hd_go_header *header);

/* --- a goroutine, and those of its kind (go_dump_stack.c) --- */

/* Goroutines of one stack, state and labels. */
struct hd_go_group {
  uint32_t stack, labels;
  double count, wait;
};

struct hd_go_stacks {
  struct hd_profile *profile;
  /* The goroutine at hand. */
  bool open, elided;
  bool excused; /* Go could not look at its stack */
  bool creator; /* the call at hand created the goroutine */
  int64_t line; /* of its header */
  uint32_t labels;
  double wait;
  HD_VEC(uint32_t) stack;    /* locations, leaf first */
  struct hd_frame call;      /* whose place is on the next line; function 0: none */
  struct hd_index locations; /* (function, file, line) -> location */
  /* All of the dump. */
  HD_VEC(struct hd_go_group) groups;
  struct hd_index group_index;
};

/* Begins a goroutine; the one at hand ends. */
bool hd_go_begin(struct hd_go_stacks *stacks, const struct hd_go_header *header, int64_t line,
                 struct hd_error *error);
/* Ends it, if one is open. A call without its place was a line of something else. */
bool hd_go_end(struct hd_go_stacks *stacks, struct hd_error *error);
/* A function whose place comes next; `creator`: it created the goroutine, and is the
 * last one. */
bool hd_go_call(struct hd_go_stacks *stacks, struct hd_scan name, bool creator,
                struct hd_error *error);
/* "/src/worker.go:30 +0x45", or, where a program crashes, "... fp=0x1 sp=0x2 pc=0x3" */
bool hd_go_place(struct hd_go_stacks *stacks, struct hd_scan place, struct hd_error *error);
/* The groups become the profile's records. */
bool hd_go_records(struct hd_go_stacks *stacks, struct hd_error *error);
/* To be used again, with another profile. */
void hd_go_stacks_deinit(struct hd_go_stacks *stacks);

#endif
