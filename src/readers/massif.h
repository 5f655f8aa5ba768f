/* The call tree of a massif snapshot; used by massif*.c alone. */
#ifndef HD_READERS_MASSIF_H
#define HD_READERS_MASSIF_H

#include "base/stream.h"
#include "readers/valgrind.h"

struct hd_massif_node {
  uint64_t own;      /* bytes, less those of the children read so far */
  uint64_t children; /* still to come */
};

struct hd_massif_tree {
  struct hd_valgrind valgrind;
  struct hd_stream *stream;
  HD_VEC(struct hd_massif_node) path; /* from the root to the node at hand */
  HD_VEC(uint32_t) frames;            /* of path[1 ..]: the stack, innermost first */
  /* What was found. */
  bool ended;       /* with false and no error: the file stops in this tree, as it may */
  uint64_t total;   /* the root's bytes */
  const char *root; /* the root's text, of the profile */
  double threshold; /* per cent of the snapshot below which nodes were left out; 0 none was */
};

/* Reads the tree that begins on the next line into `profile`, all of it or an error
 * that names the line. The tree is zeroed before its first use; each call starts
 * anew. */
bool hd_massif_tree_read(struct hd_massif_tree *tree, struct hd_stream *stream,
                         struct hd_profile *profile, struct hd_error *error);
void hd_massif_tree_deinit(struct hd_massif_tree *tree);

/* The next line; *line is NULL at the end of the file. A last line without newline
 * is an error: massif ends each with one, so this is a part of it. */
bool hd_massif_line(struct hd_stream *stream, const char **line, size_t *length,
                    struct hd_error *error);

/* Takes a decimal number off the start of a text, false where there is none or one
 * past 64 bits. */
bool hd_massif_number(const char **text, size_t *length, uint64_t *number);

#endif
