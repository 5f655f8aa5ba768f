/* What massif and DHAT have in common: code addresses as valgrind's describe_IP
 * prints them ("0x109F87: index_load (index.c:17)"), and stacks of these; used by
 * massif*.c and dhat.c. */
#ifndef HD_READERS_VALGRIND_H
#define HD_READERS_VALGRIND_H

#include "model/profile.h"

/* One distinct text of a frame. */
struct hd_valgrind_frame {
  uint64_t address; /* 0: the text has none */
  uint32_t module;
  struct hd_frame frame;
};

struct hd_valgrind {
  struct hd_profile *profile; /* filled; the caller's */
  struct hd_strings texts;    /* the texts of frames: their ids are the frames' */
  HD_VEC(struct hd_valgrind_frame) frames;
  HD_VEC(uint32_t) module_ids; /* [string id of the path] -> module */
  /* Code addresses, told apart by the frames inlined there. */
  HD_VEC(struct hd_span) chains; /* [location - 1], in chain_frames */
  HD_VEC(uint32_t) chain_frames;
  struct hd_index chain_index;
  HD_VEC(uint32_t) locations; /* scratch */
};

/* Finds or adds a frame by its text: "0xADDRESS: FUNCTION (FILE:LINE)", "(in
 * MODULE)" or nothing in the place of the file; FUNCTION may be "???" and may hold
 * blanks, parentheses and colons. *id is 0 for an empty text. */
bool hd_valgrind_frame(struct hd_valgrind *valgrind, const char *text, size_t length, uint32_t *id,
                       struct hd_error *error);

/* Finds or adds a stack of frames, innermost first. Frames that follow each other
 * with one address were inlined into the last of them. */
bool hd_valgrind_stack(struct hd_valgrind *valgrind, const uint32_t *frames, size_t count,
                       bool truncated, uint32_t *stack, struct hd_error *error);

/* The command line, and the program that it begins with. */
bool hd_valgrind_command(struct hd_profile *profile, const char *command, size_t length,
                         struct hd_error *error);

/* Leaves the profile alone. */
void hd_valgrind_deinit(struct hd_valgrind *valgrind);

#endif
