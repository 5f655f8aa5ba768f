/* What the text formats of gperftools, jemalloc and Go have in common: rows of
 * counts, return addresses, symbols that the file brings along, and the list of
 * mapped files behind them. A file is read line by line; stacks refer to addresses
 * by number, and hd_heap_text_finish turns these into locations once the mapped
 * files are known. */
#ifndef HD_READERS_HEAP_TEXT_H
#define HD_READERS_HEAP_TEXT_H

#include "readers/heap_text_scan.h"
#include "readers/memory_map.h"
#include "readers/reader.h"

/* A return address, as the file has it; its number is the location's id. */
struct hd_heap_address {
  uint64_t address;
  struct hd_span frames; /* in hd_heap_text's; count 0 where the file names none */
};

/* A line of an embedded symbol table. */
struct hd_heap_symbol {
  uint64_t address;
  struct hd_span frames;
};

/* A line below a row of Go's: one frame. */
struct hd_heap_go_frame {
  uint64_t address; /* look-up address */
  struct hd_frame frame;
};

/* Live and allocated: objects, then bytes, as the file has them. */
enum { HD_HEAP_LIVE, HD_HEAP_LIVE_BYTES, HD_HEAP_ALLOC, HD_HEAP_ALLOC_BYTES, HD_HEAP_COUNTS };

/* What two counts of a row stand for. */
struct hd_heap_estimate {
  double objects, bytes;
  double weight; /* objects that one counted stands for */
  double size;   /* mean, of an object */
};

/* Of runtime.MemStats, bytes; -1 unknown. */
struct hd_heap_go_memory {
  int64_t sys, idle, released;
};

struct hd_heap_text {
  struct hd_stream *stream;
  struct hd_profile *profile;
  struct hd_scan line;  /* at hand; `at` NULL at the end of the file */
  bool whole;           /* the line ends in a newline */
  bool begun;           /* the header has been read: another one is another profile's */
  bool ends_in_maps;    /* the list of mapped files has begun */
  bool peeking;         /* only meta data is wanted: rows are passed over */
  bool sampled;         /* rows are to be unsampled by profile->meta.rate */
  bool has_alloc;
  bool complete;        /* whoever writes this leaves no row out (Go) */
  enum hd_measure counted; /* what each row counts; HD_MEASURES: objects and bytes of a heap */
  double expected, found; /* live objects: as the header has them (0 unknown), of the rows */

  HD_VEC(struct hd_heap_address) addresses;
  struct hd_index address_index;
  HD_VEC(struct hd_heap_symbol) symbols;
  struct hd_index symbol_index;
  HD_VEC(struct hd_frame) frames;
  const char *binary; /* as an embedded symbol table names it, NULL none */
  struct hd_memory_map map;

  /* The row at hand, until it is known where its stack begins. */
  bool pending;
  int64_t row_line;
  struct hd_heap_estimate live, alloc;
  uint32_t labels; /* label set */
  HD_VEC(uint64_t) stack;
  HD_VEC(struct hd_heap_go_frame) go;
  struct hd_heap_go_memory memory;
  HD_VEC(uint32_t) ids; /* scratch */
};

struct hd_heap_text hd_heap_text_of(struct hd_stream *stream, struct hd_profile *profile);
void hd_heap_text_deinit(struct hd_heap_text *text);

/* The next line, trimmed, without what a logger put before it. Where the header has
 * been read, that of another profile is an error. */
bool hd_heap_text_next(struct hd_heap_text *text, struct hd_error *error);
/* The line's number, for messages. */
int64_t hd_heap_text_line(const struct hd_heap_text *text);
/* Comes to the first line that is a header: passes over blank lines, keeps
 * warnings ("%warn ..."), reads an embedded symbol table. */
bool hd_heap_text_open(struct hd_heap_text *text, struct hd_error *error);
/* What a probe of either format begins with: the first line that may be a header. */
struct hd_scan hd_heap_text_head(const uint8_t *head, size_t length);
/* Declares the measures. `alloc`: the file has those of what was allocated, too. */
void hd_heap_text_measures(struct hd_heap_text *text, bool alloc);

/* A line that should be a row and is none: counted, the first one kept for `info`. */
bool hd_heap_text_bad_row(struct hd_heap_text *text, const char *why, struct hd_error *error);
/* "0x1 0x2 ..." to text->stack; *fine says whether it is that. */
bool hd_heap_text_stack(struct hd_heap_text *text, struct hd_scan list, bool *fine,
                        struct hd_error *error);
/* Takes the counts of a row, whose stack is read already: it is at hand then, or a
 * bad one where they cannot be. */
bool hd_heap_text_row(struct hd_heap_text *text, const int64_t counts[HD_HEAP_COUNTS],
                      struct hd_error *error);
/* Adds the row at hand, if any: its counts, its stack, its symbols. */
bool hd_heap_text_flush(struct hd_heap_text *text, struct hd_error *error);

/* The line begins the list of mapped files; then each line goes there. */
bool hd_heap_text_is_map(const struct hd_heap_text *text);
bool hd_heap_text_map_line(struct hd_heap_text *text, struct hd_error *error);
/* After the last line: the locations, the program's name, what is missing. */
bool hd_heap_text_finish(struct hd_heap_text *text, struct hd_error *error);

/* The header and body of each format, from the line at hand on. */
bool hd_heap_text_gperftools(struct hd_heap_text *text, struct hd_error *error);
bool hd_heap_text_jemalloc(struct hd_heap_text *text, struct hd_error *error);
bool hd_heap_text_counts(struct hd_heap_text *text, struct hd_error *error);
/* Whether a line is the header of the third. */
bool hd_heap_text_is_counts(struct hd_scan line);
/* A reader's read and peek, of whichever of them the header is. */
bool hd_heap_text_read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error);
bool hd_heap_text_peek(struct hd_stream *stream, struct hd_profile *profile,
                       struct hd_error *error);

/* --- symbols (heap_text_symbols.c) --- */

/* The lines behind "--- symbol", up to the one that ends them. */
bool hd_heap_text_symbols(struct hd_heap_text *text, struct hd_error *error);
/* The frames that the file gives for a return address; count 0 none. */
struct hd_span hd_heap_text_symbol(const struct hd_heap_text *text, uint64_t address);

/* --- Go (heap_text_go.c) --- */

/* A line that begins with "#": a frame of the row at hand, or of the MemStats. */
bool hd_heap_text_go_line(struct hd_heap_text *text, struct hd_error *error);
/* Gives the frames to the stack's addresses and drops from it what Go does not
 * show: the functions of its runtime that allocate. */
bool hd_heap_text_go_stack(struct hd_heap_text *text, struct hd_error *error);

/* The number of a return address; ids are in order of first appearance. */
bool hd_heap_text_address(struct hd_heap_text *text, uint64_t address, uint32_t *id,
                          struct hd_error *error);

#endif
