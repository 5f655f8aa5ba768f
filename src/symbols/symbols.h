/* Symbolization: offsets in a module in, source frames out. The only folder
 * that knows elfutils.
 *
 * A batch is values in, values out: nothing in an answer points into libdw's
 * memory, and nothing is shared between two batches but the symbolizer's list of
 * modules already opened. Threads may work at the same time, each with a symbolizer of
 * its own. */
#ifndef HD_SYMBOLS_SYMBOLS_H
#define HD_SYMBOLS_SYMBOLS_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_symbolizer;

struct hd_symbol_options {
  const char *const *debug_dirs; /* roots of .build-id trees and of debuglink paths, tried
                                  * before /usr/lib/debug */
  size_t debug_dir_count;
  const char *sysroot;           /* where the snapshots' system is, NULL: here */
  bool force;                    /* use a program of another build, too, unverified */
  bool cache;                    /* keep answers on disk, and take them from there */
  uint64_t fetch_timeout_ms;     /* how long a debuginfod server may stall; 0: the default */
  /* Called about once a second, or more often, while a server is waited for (`total`
   * 0: unknown); with `what` NULL at the end. False: it is to be waited no longer. NULL:
   * nobody cares. */
  bool (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
  void *progress_context;
};

/* How a module could be used. */
enum hd_symbol_status {
  HD_SYMBOLS_DWARF,      /* functions, lines, inlined chains */
  HD_SYMBOLS_TABLE,      /* no DWARF: names from the ELF symbol table alone */
  HD_SYMBOLS_NONE,       /* the file is there but has neither */
  HD_SYMBOLS_NO_FILE,    /* the file is not there or cannot be read */
  HD_SYMBOLS_MISMATCH,   /* the file there has another build-id: refused */
  HD_SYMBOLS_BAD_FILE,   /* not ELF, or damaged */
  HD_SYMBOLS_NOT_A_FILE, /* [vdso], [heap], //anon, memfd: nothing to open */
};

/* A word for people and JSON: "dwarf", "symbol table", ... */
const char *hd_symbol_status_name(enum hd_symbol_status status);

struct hd_symbol_frame {
  const char *function;    /* linkage name; "" where unknown */
  const char *file;        /* absolute where the compiler's directory is known; "" unknown */
  uint32_t line;           /* 0 unknown */
  uint32_t start_line;     /* DW_AT_decl_line of the function; 0 unknown */
  const char *shown;       /* the function as hd_demangle shows it, in short; NULL: not
                            * asked for yet (hd_symbol_batch_show) */
};

/* One answer for one wanted offset: frames[first .. first+count-1], innermost
 * inlined function first, the function itself last; count 0: not found. */
struct hd_symbol_answer {
  uint32_t first, count;
};

struct hd_symbol_batch {
  enum hd_symbol_status status;
  bool verified;           /* the build-ids were compared and are equal */
  bool forced;             /* they are not, and the module was used all the same */
  const char *file;        /* the ELF file that was opened, "" none, or all was in the cache */
  const char *debug_file;  /* the separate debug file used, "" none */
  const char *found_build_id; /* hex of the file at `path`, "" none */
  const char *reason;      /* half a sentence ("has no debug information") for people
                            * where something is wrong or missing, else ""; where
                            * status is DWARF, a part of it is missing */
  struct hd_symbol_answer *answers; /* as many as offsets, in their order */
  struct hd_symbol_frame *frames;
  size_t frame_count;
  struct hd_arena arena;   /* owns every array above, and the texts, but for those of
                            * frames from the cache, which are the symbolizer's */
};

bool hd_symbolizer_create(const struct hd_symbol_options *options,
                          struct hd_symbolizer **symbolizer, struct hd_error *error);
void hd_symbolizer_destroy(struct hd_symbolizer *symbolizer); /* takes NULL */

/* What the offsets of a batch are. */
enum hd_symbol_places {
  HD_FILE_OFFSETS,
  HD_LINKED_ADDRESSES, /* as in the file's program headers: load bias taken off */
};

/* Resolves `count` offsets (any order, repeats allowed) of the module at `path`.
 * `build_id` is lower-case hex, "" where the snapshot has none: then the path alone
 * decides and `verified` is false. What a file lacks is no error: the status says it.
 * An error is want of memory. */
bool hd_symbolize(struct hd_symbolizer *symbolizer, const char *path, const char *build_id,
                  enum hd_symbol_places places, const uint64_t *offsets, size_t count,
                  struct hd_symbol_batch *batch, struct hd_error *error);
/* The same for virtual addresses of the file at `path`, which may be a file of debug
 * information alone. `as_written`: a function without linkage name
 * has the one of the symbol table or, where it is inlined, the bare one of its DIE, and none
 * made from its place. */
bool hd_symbolize_addresses(struct hd_symbolizer *symbolizer, const char *path,
                            const uint64_t *addresses, size_t count, bool as_written,
                            struct hd_symbol_batch *batch, struct hd_error *error);
/* Sees to it that every frame has the name for people. False: want of memory. */
bool hd_symbol_batch_show(struct hd_symbol_batch *batch);
void hd_symbol_batch_deinit(struct hd_symbol_batch *batch);

/* Writes what was learnt since to the cache on disk, if options asked for one. Failure
 * is no error. hd_symbolizer_destroy does it, too. */
void hd_symbolizer_keep(struct hd_symbolizer *symbolizer);

/* --- the cache on disk (cache.h; here, what a user wants to know of it) --------- */

struct hd_symbol_cache_usage {
  char path[4096];    /* "": the environment names no place for it */
  uint64_t files, bytes;
  uint64_t addresses; /* of the files of this version */
};

bool hd_symbol_cache_ask(struct hd_symbol_cache_usage *usage, struct hd_error *error);
/* Removes all of it; says in `usage` what was removed. */
bool hd_symbol_cache_clear(struct hd_symbol_cache_usage *usage, struct hd_error *error);

/* --- demangling (demangle.c; no elfutils needed) --------------------------- */

/* The name for people of a linkage name: C++ (_Z), Rust (_R and the legacy
 * _ZN...17h<hash>E), D (_D). `full` keeps parameters and template arguments;
 * otherwise both are dropped ("ns::Class::method"), but never Rust's leading
 * "<T as Trait>", "operator<", "operator()", "(anonymous namespace)" or a
 * lambda's "{lambda(...)#1}". Clone suffixes (".cold", ".part.0", ".isra.0",
 * ".constprop.0") are dropped. A name that is not mangled is copied as it is
 * (less a clone suffix; and, where it ends in a parameter list, shortened like a
 * C++ one). NULL only when memory is short. */
const char *hd_demangle(struct hd_arena *arena, const char *name, bool full);

#endif
