/* A massif snapshot's call tree. Each node is a line, indented by a blank a level:
 *
 *   n2: 1500 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
 *    n1: 1000 0x109F87: index_load (index.c:17)
 *     n0: 1000 0x10935D: main (main.c:112)
 *    n0: 500 in 3 places, all below massif's threshold (1.00%)
 *
 * the number of its children, its bytes with theirs, and its frame: the children
 * are the callers (ms_output_group() in valgrind's coregrind/m_xtree.c). */
#include "readers/massif.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

bool hd_massif_line(struct hd_stream *stream, const char **line, size_t *length,
                    struct hd_error *error)
{
  bool whole;
  if (!hd_stream_line(stream, line, length, &whole, error))
    return false;
  if (!*line || whole)
    return true;
  *line = NULL;
  return hd_stream_cut(stream, error, (int64_t)stream->line, -1, "the file is cut off here",
                       "it was copied while valgrind wrote it, or the disk was full; get it again");
}

bool hd_massif_number(const char **text, size_t *length, uint64_t *number)
{
  const char *at = *text;
  size_t left = *length;
  *number = 0;
  for (; left && isdigit((unsigned char)*at); at++, left--)
    if (__builtin_mul_overflow(*number, 10, number) ||
        __builtin_add_overflow(*number, (uint64_t)(*at - '0'), number))
      return false;
  bool any = at != *text;
  *text = at;
  *length = left;
  return any;
}

static bool skip(const char **text, size_t *length, const char *word)
{
  size_t size = strlen(word);
  if (*length < size || memcmp(*text, word, size) != 0)
    return false;
  *text += size;
  *length -= size;
  return true;
}

struct line {
  uint64_t children, bytes;
  const char *text;
  size_t length;
};

static bool read_line(struct hd_massif_tree *tree, struct line *line, struct hd_error *error)
{
  const char *at;
  size_t left, depth = tree->path.count, indent = 0;
  if (!hd_massif_line(tree->stream, &at, &left, error))
    return false;
  int64_t number = (int64_t)tree->stream->line;
  if (!at) {
    tree->ended = hd_stream_cut(tree->stream, error, number, -1,
                                "the file ends inside a snapshot's call tree",
                                "valgrind has not finished it, or it was cut off; get it again");
    return false;
  }
  while (indent < left && at[indent] == ' ')
    indent++;
  at += indent;
  left -= indent;
  if (!skip(&at, &left, "n") || !hd_massif_number(&at, &left, &line->children) ||
      !skip(&at, &left, ": ") || !hd_massif_number(&at, &left, &line->bytes) ||
      !skip(&at, &left, " "))
    return hd_fail_line(error, number,
                        "a line of the call tree is expected here, as in \"n1: 64 "
                        "0x401136: main (main.c:3)\": the file is damaged or cut "
                        "off; get it again");
  if (indent != depth)
    return hd_fail_line(error, number,
                        "this line of the call tree is indented by %zu, but %zu is "
                        "its depth: the file is damaged",
                        indent, depth);
  line->text = at;
  line->length = left;
  return true;
}

/* The bytes that nothing further down the tree accounts for. */
static bool add_record(struct hd_massif_tree *tree, uint64_t bytes, bool truncated,
                       struct hd_error *error)
{
  struct hd_record record = {.rate = 1, .weight = 1};
  double values[HD_MEASURES] = {0};
  if (!bytes)
    return true;
  values[HD_INUSE_SPACE] = (double)bytes;
  if (!hd_valgrind_stack(&tree->valgrind, tree->frames.items, tree->frames.count, truncated,
                         &record.stack, error) ||
      !hd_profile_add_record(tree->valgrind.profile, record, values, error))
    return hd_error_at(error, (int64_t)tree->stream->line, -1);
  return true;
}

/* "in 803 places, all below massif's threshold (1.00%)", or "in 1 place, below ...". */
static bool is_rest(const struct line *line, double *percent)
{
  const char *at = line->text;
  size_t left = line->length;
  uint64_t places, whole, fraction;
  if (!skip(&at, &left, "in ") || !hd_massif_number(&at, &left, &places) ||
      !(skip(&at, &left, " places, all") || skip(&at, &left, " place,")) ||
      !skip(&at, &left, " below massif's threshold ("))
    return false;
  *percent = 0;
  if (!hd_massif_number(&at, &left, &whole))
    return true;
  *percent = (double)whole;
  if (!skip(&at, &left, "."))
    return true;
  const char *digits = at;
  if (hd_massif_number(&at, &left, &fraction)) {
    double part = (double)fraction;
    for (; digits < at; digits++)
      part /= 10;
    *percent += part;
  }
  return true;
}

/* Charges a line's bytes to its parent. */
static bool take_from_parent(struct hd_massif_tree *tree, const struct line *line,
                             struct hd_error *error)
{
  struct hd_massif_node *parent = &tree->path.items[tree->path.count - 1];
  if (line->bytes > parent->own)
    return hd_fail_line(error, (int64_t)tree->stream->line,
                        "the callers add up to more bytes than the function they call: the file "
                        "is damaged");
  parent->own -= line->bytes;
  parent->children--;
  return true;
}

/* Ends the nodes that have all their children. */
static bool close_nodes(struct hd_massif_tree *tree, struct hd_error *error)
{
  while (tree->path.count && !tree->path.items[tree->path.count - 1].children) {
    if (!add_record(tree, tree->path.items[tree->path.count - 1].own, false, error))
      return false;
    tree->path.count--;
    if (tree->frames.count)
      tree->frames.count--;
  }
  return true;
}

static bool read_node(struct hd_massif_tree *tree, struct hd_error *error)
{
  struct line line;
  uint32_t frame;
  double percent;
  if (!read_line(tree, &line, error) || !take_from_parent(tree, &line, error))
    return false;
  if (is_rest(&line, &percent)) {
    tree->threshold = percent > tree->threshold ? percent : tree->threshold;
    if (line.children)
      return hd_fail_line(error, (int64_t)tree->stream->line,
                          "what is below the threshold has callers here: the file is damaged");
    return add_record(tree, line.bytes, true, error) && close_nodes(tree, error);
  }
  if (tree->frames.count >= HD_MAX_FRAMES_PER_STACK)
    return hd_fail_line(error, (int64_t)tree->stream->line, "the call tree is deeper than %u",
                        HD_MAX_FRAMES_PER_STACK);
  struct hd_massif_node node = {line.bytes, line.children};
  if (!hd_valgrind_frame(&tree->valgrind, line.text, line.length, &frame, error))
    return hd_error_at(error, (int64_t)tree->stream->line, -1);
  if (!frame)
    return hd_fail_line(error, (int64_t)tree->stream->line,
                        "this line of the call tree has no "
                        "function: the file is damaged");
  if (!hd_vec_push(&tree->path, node) || !hd_vec_push(&tree->frames, frame))
    return hd_fail_memory(error);
  return close_nodes(tree, error);
}

static bool read_root(struct hd_massif_tree *tree, struct hd_error *error)
{
  struct line line;
  if (!read_line(tree, &line, error))
    return false;
  struct hd_massif_node node = {line.bytes, line.children};
  tree->total = line.bytes;
  tree->root = hd_profile_text(tree->valgrind.profile, line.text, line.length);
  if (!tree->root || !hd_vec_push(&tree->path, node))
    return hd_fail_memory(error);
  return close_nodes(tree, error);
}

bool hd_massif_tree_read(struct hd_massif_tree *tree, struct hd_stream *stream,
                         struct hd_profile *profile, struct hd_error *error)
{
  hd_valgrind_deinit(&tree->valgrind);
  tree->valgrind.profile = profile;
  tree->stream = stream;
  tree->path.count = tree->frames.count = 0;
  tree->threshold = 0;
  if (!read_root(tree, error))
    return false;
  while (tree->path.count)
    if (!read_node(tree, error))
      return false;
  return true;
}

void hd_massif_tree_deinit(struct hd_massif_tree *tree)
{
  hd_valgrind_deinit(&tree->valgrind);
  hd_vec_deinit(&tree->path);
  hd_vec_deinit(&tree->frames);
}
