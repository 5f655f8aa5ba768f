/* A profile: one snapshot as a reader left it, self-contained. Ids (of strings,
 * modules, locations, stacks, label sets) are its own, 1-based; 0 means none.
 *
 * Life: hd_profile_create, the hd_profile_add_* functions while reading,
 * hd_profile_freeze, then read-only. Everything in it is freed by
 * hd_profile_destroy. The add functions return false when memory is short or a
 * limit below is passed, and fill `error`. */
#ifndef HD_MODEL_PROFILE_H
#define HD_MODEL_PROFILE_H

#include "base/error.h"
#include "base/strings.h"
#include "model/measure.h"

/* A file that has more than this is hostile, not large. */
#define HD_MAX_FRAMES_PER_STACK 65536u
#define HD_MAX_ITEMS 0x7fffffffu /* modules, locations, stacks, records */
/* Most that the absolute values of one measure may add up to (1 EiB): so whole
 * numbers, their sums and differences fit 64 bits wherever they are made. */
#define HD_MAX_SUM ((double)((uint64_t)1 << 60))

enum { HD_NO_LIMIT = 0 };

/* What a recorder inside the program took from it, up to the snapshot. */
struct hd_recorder_costs {
  uint64_t cpu_ns; /* of the whole process, the recorder's with it; 0: all unknown */
  uint64_t samples, recording_ns, writing_ns; /* in the allocations; for snapshots before this */
  uint64_t memory; /* bytes */
};

/* What a process's resident set is made of, in bytes, as its kernel has it. */
enum hd_resident_kind {
  HD_RESIDENT_BRK,    /* the heap that brk(2) grows */
  HD_RESIDENT_ARENAS, /* of libc's malloc, besides */
  HD_RESIDENT_STACKS,
  HD_RESIDENT_GO, /* the heap of Go's runtime */
  HD_RESIDENT_FILES,
  HD_RESIDENT_SHARED,
  HD_RESIDENT_ANONYMOUS, /* else: large blocks of malloc, mmap */
  HD_RESIDENT_OTHER,
  HD_RESIDENT_KINDS
};

extern const char *const hd_resident_names[HD_RESIDENT_KINDS]; /* as files have them */

struct hd_resident {
  bool known;
  uint64_t bytes[HD_RESIDENT_KINDS];
};

/* What libc's malloc says of itself, in bytes: what it has from the kernel, what of
 * that is in use with its overhead, and what of both is in mappings of its own. */
struct hd_malloc_figures {
  bool known;
  uint64_t system, used, mapped;
};

/* What a snapshot says of itself. Texts are NULL, numbers 0 where unknown. */
struct hd_meta {
  const char *format;  /* of the reader */
  const char *kind;    /* "heap", "goroutine", ...: what was sampled */
  const char *host, *boot_id;
  int64_t pid;
  int64_t start_ns;  /* the process's start, ns after the host's boot */
  int64_t image_ns;  /* CLOCK_MONOTONIC when this program image began: exec starts another */
  bool attached;     /* the recording began in a process that was running already: of what
                      * it had allocated nothing is known */
  int64_t time_ns;   /* of the snapshot, since 1970 */
  int64_t mono_ns;   /* of the snapshot, CLOCK_MONOTONIC of the host */
  int64_t duration_ns;
  int64_t progress;  /* how far the program was, by a count of the recorder's that is no
                      * time (instructions, bytes allocated); compares in one file only */
  int64_t sequence;  /* 0-based in its series; -1 where unknown */
  const char *reason;  /* start, interval, exit, ... */
  const char *label;   /* a word of the one who asked for it */
  const char *program; /* path or name of the main binary */
  const char *command; /* the command line, joined by blanks */
  const char *called;  /* the command line's first word: what the user knows it as */
  const char *recorder; /* name and version of what wrote it */
  uint64_t rate;     /* mean sampling interval in bytes; 1 exact; 0 unknown */
  int64_t rss, rss_peak;            /* bytes, -1 unknown */
  int64_t system, system_free; /* bytes that a runtime has from the system (not RSS: no other
                                * allocator is in it, and not all need be resident), and of them
                                * what it keeps free for later; -1 unknown */
  int64_t limit_cgroup, limit_rlimit; /* bytes, HD_NO_LIMIT none or unknown */
  int64_t threads;   /* -1 unknown */
  const char *allocator; /* whose malloc it was */
  int64_t threshold; /* rows below this many bytes are not in the file; 0 none */
  uint64_t dropped_stacks, dropped_allocations; /* by the recorder, counted */
  uint64_t truncated_stacks;
  uint64_t failed_snapshots;
  struct hd_recorder_costs costs;
  struct hd_resident resident;
  struct hd_malloc_figures malloc;
  const char *default_measure; /* as the file asks for, NULL none */
};

struct hd_module {
  uint32_t path;     /* string */
  uint32_t build_id; /* string, lower-case hex; 0 unknown */
  uint64_t start, limit, offset; /* as mapped: addresses and file offset; 0 unknown */
  bool by_address; /* its locations' offsets are addresses as the file was linked, load bias
                    * taken off: where that is in the file only its headers can tell */
};

/* One source-level frame. */
struct hd_frame {
  uint32_t function;    /* for people: demangled where it was mangled */
  uint32_t system_name; /* as the linker has it; 0 = the same */
  uint32_t file;
  uint32_t line;       /* 0 unknown */
  uint32_t start_line; /* of the function; 0 unknown */
};

/* A code address: a module and a *file offset* in it, or what the module says its
 * offsets are (the look-up address: a return address less one where the format
 * holds return addresses), with its frames, innermost inlined first, where the file
 * carries symbols. Module 0: `offset` is a raw address of nobody knows where. */
struct hd_location {
  uint32_t module;
  uint32_t first_frame, frame_count; /* in frames[]; count 0: not symbolized */
  bool folded;                       /* identical code folding: ambiguous */
  uint64_t offset;
};

/* A label is text or number; one stack's records may differ by labels. */
struct hd_label {
  uint32_t key;
  uint32_t text; /* 0: a number */
  int64_t number;
  uint32_t unit;
};

/* One row of the file: a stack, a size class and its values, already unsampled
 * (each record by itself, before any sum). */
struct hd_record {
  uint32_t stack;  /* 0: the empty stack */
  uint32_t labels; /* label set, 0 none */
  uint64_t size;   /* bytes an object; 0 where sizes are mixed */
  uint64_t rate;   /* mean sampling interval in bytes; <= 1 exact */
  double weight;   /* objects that one sampled object stands for; 1 exact. The raw
                    * sampled count is objects / weight. */
};

/* Live objects of a record whose age is in [2^log2, 2^(log2+1)) milliseconds
 * (raw counts, as sampled). */
struct hd_age {
  uint32_t record; /* 1-based */
  uint32_t log2;
  uint64_t count;
};

struct hd_span {
  uint32_t first, count;
};

struct hd_profile {
  struct hd_arena arena; /* meta's texts */
  struct hd_strings strings;
  struct hd_meta meta;

  bool has[HD_MEASURES];    /* present; absent is not zero */
  int column[HD_MEASURES];  /* column of a measure, -1 absent */
  size_t columns;
  enum hd_measure measures[HD_MEASURES]; /* by column */
  double magnitude[HD_MEASURES]; /* of the absolute values: their sum, or the largest */

  HD_VEC(struct hd_module) modules;
  HD_VEC(struct hd_frame) frames;
  HD_VEC(struct hd_location) locations;
  HD_VEC(struct hd_span) stacks;        /* into stack_locations */
  HD_VEC(uint32_t) stack_locations;     /* leaf first */
  HD_VEC(bool) stack_truncated;         /* beside stacks */
  HD_VEC(struct hd_span) label_sets;    /* into labels */
  HD_VEC(struct hd_label) labels;
  HD_VEC(struct hd_record) records;
  HD_VEC(double) values;                /* records x columns */
  HD_VEC(struct hd_age) ages;
  HD_VEC(uint32_t) comments;            /* strings for people */

  uint64_t negative_values; /* counted, kept, said */
  uint64_t bad_rows;        /* rows of the file that could not be used */
  const char *first_bad;    /* where and why, of the first one; NULL unknown */

  struct hd_index stack_index, label_index;
  bool frozen;
};

bool hd_profile_create(struct hd_profile **profile, struct hd_error *error);
void hd_profile_destroy(struct hd_profile *profile); /* takes NULL */

/* A string of the profile; a terminated copy for meta's texts (NULL on want of
 * memory). */
bool hd_profile_string(struct hd_profile *profile, const char *text, size_t length, uint32_t *id,
                       struct hd_error *error);
const char *hd_profile_text(struct hd_profile *profile, const char *text, size_t length);

/* Declares a measure present; to be called before the first record. */
void hd_profile_declare(struct hd_profile *profile, enum hd_measure measure);

bool hd_profile_add_module(struct hd_profile *profile, struct hd_module module, uint32_t *id,
                           struct hd_error *error);
/* Does not deduplicate: a file numbers its own locations. `frames` may be NULL
 * with count 0. */
bool hd_profile_add_location(struct hd_profile *profile, uint32_t module, uint64_t offset,
                             const struct hd_frame *frames, size_t frame_count, bool folded,
                             uint32_t *id, struct hd_error *error);
/* Finds or adds a stack: location ids, leaf first; an empty one is id 0. */
bool hd_profile_add_stack(struct hd_profile *profile, const uint32_t *locations, size_t count,
                          bool truncated, uint32_t *id, struct hd_error *error);
/* Adds it without looking whether it is there: for what is read in parts. */
bool hd_profile_append_stack(struct hd_profile *profile, const uint32_t *locations, size_t count,
                             bool truncated, uint32_t *id, struct hd_error *error);
bool hd_profile_add_labels(struct hd_profile *profile, const struct hd_label *labels, size_t count,
                           uint32_t *id, struct hd_error *error);
/* `values` has HD_MEASURES entries, indexed by measure; absent ones are not
 * looked at. */
bool hd_profile_add_record(struct hd_profile *profile, struct hd_record record,
                           const double values[HD_MEASURES], struct hd_error *error);
bool hd_profile_add_age(struct hd_profile *profile, struct hd_age age, struct hd_error *error);
bool hd_profile_add_comment(struct hd_profile *profile, uint32_t text, struct hd_error *error);

/* Forgets the records, their stacks and ages: they have been passed on. What was counted
 * of them stays. Not together with hd_profile_add_stack. */
void hd_profile_forget_records(struct hd_profile *profile);

/* Ends the building: frees the look-up tables. */
void hd_profile_freeze(struct hd_profile *profile);

/* A record's value; 0 for an absent measure. */
double hd_profile_value(const struct hd_profile *profile, size_t record, enum hd_measure measure);
/* The sum over all records. */
double hd_profile_total(const struct hd_profile *profile, enum hd_measure measure);

#endif
