/* All call stacks of the kept snapshots as one tree, in which each node is a calling
 * context: a location, called from its parent's. Stacks share their roots, so that the tree
 * of 100,000 of 56 frames has some 300,000 nodes; what concerns a context, whoever calls on
 * from it, is done once.
 *
 * Numbers: of contexts from 0 on, which is the root, the empty stack; parents come before
 * their children. Of buckets from 0 on. */
#ifndef HD_ANALYSIS_CONTEXTS_H
#define HD_ANALYSIS_CONTEXTS_H

#include "base/index.h"
#include "base/vec.h"
#include "model/profile.h"

struct hd_context {
  uint32_t parent;   /* number; the root's is its own */
  uint32_t location; /* of the pool; the root has none */
};

/* What records of several snapshots have in common. */
struct hd_bucket {
  uint32_t context;
  uint32_t state;      /* of goroutines: string of the pool; 0 none */
  bool cut;            /* the recorder did not follow the stack to its root */
  uint64_t size, rate; /* as in struct hd_record */
  uint64_t met;        /* when: in the order of the snapshots and, in each, of its records */
  double weight;
};

struct hd_child {
  uint32_t parent, location, node; /* 0: no child */
};

struct hd_contexts {
  HD_VEC(struct hd_context) nodes;
  HD_VEC(struct hd_bucket) buckets;
  uint32_t *ends;               /* [node]: where its subtree ends; of those in order */
  size_t in_order;              /* so many nodes were there when they were put in order */
  uint64_t version;             /* another one after each change */
  uint64_t records;             /* of all snapshots so far */
  struct hd_child *children;    /* a table by parent and location */
  size_t children_size;         /* a power of two; 0 none yet */
  struct hd_index stacks;       /* of whole stacks that were met: node + 1 */
  struct hd_index bucket_index; /* bucket + 1 */
};

bool hd_contexts_init(struct hd_contexts *contexts);
void hd_contexts_deinit(struct hd_contexts *contexts);

/* A stack of `count` locations of the pool, leaf first, and its context. */
struct hd_stack {
  const uint32_t *locations;
  uint32_t count, context;
};

/* Finds the contexts of stacks, which are added where they are not there yet. False on want
 * of memory. */
bool hd_contexts_stacks(struct hd_contexts *contexts, struct hd_stack *stacks, size_t count);
/* The bucket that is like this one, whenever it was met; added where there is none. */
bool hd_contexts_bucket(struct hd_contexts *contexts, const struct hd_bucket *like,
                        uint32_t *bucket);
/* Numbers the contexts anew, each subtree in one row after its root, where some are new:
 * what is below a context then is what has a number from its own to its end. The contexts of
 * `stacks` are renumbered, too. False on want of memory, with nothing changed. */
bool hd_contexts_order(struct hd_contexts *contexts, struct hd_stack *stacks, size_t count);

#endif
