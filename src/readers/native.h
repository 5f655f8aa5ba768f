/* The lines of a native snapshot, one function a kind; used by native.c alone.
 *
 * Each takes the value of the member that names the kind, and the whole object;
 * an error names the line. */
#ifndef HD_READERS_NATIVE_H
#define HD_READERS_NATIVE_H

#include "model/profile.h"

#include <jansson.h>

enum { HD_NATIVE_MAX_AGE = 63 }; /* the largest log2 */

struct hd_native_plain;

struct hd_native {
  struct hd_profile *profile;
  int64_t line;
  bool ended;
  size_t measure_count;
  enum hd_measure measures[HD_MEASURES]; /* in the file's order */
  bool known[HD_MEASURES + 16];          /* per position: is it one we know? */
  size_t position_count;                 /* measures the file names, known or not */
  HD_VEC(uint32_t) strings, frames;      /* the file's numbers to the profile's ids */
  HD_VEC(uint32_t) stack;                /* scratch */
  struct hd_native_plain *plain;         /* scratch of native_stack.c */
  size_t stacks, records;
};

bool hd_native_header(struct hd_native *native, json_t *object, struct hd_error *error);
bool hd_native_strings(struct hd_native *native, json_t *value, json_t *object,
                       struct hd_error *error);
bool hd_native_module(struct hd_native *native, json_t *value, json_t *object,
                      struct hd_error *error);
bool hd_native_frames(struct hd_native *native, json_t *value, json_t *object,
                      struct hd_error *error);
bool hd_native_stack(struct hd_native *native, json_t *value, json_t *object,
                     struct hd_error *error);
bool hd_native_end(struct hd_native *native, json_t *value, json_t *object,
                   struct hd_error *error);
void hd_native_deinit(struct hd_native *native);

/* Reads a line of a stack whose shape is the one that recorders write (native_stack.c),
 * many times as fast as jansson does. *taken is false where it has another one, or
 * anything is wrong with it: nothing has been done then, and the other functions say what
 * it is. */
bool hd_native_plain_stack(struct hd_native *native, const char *line, size_t length, bool *taken,
                           struct hd_error *error);

void hd_native_plain_destroy(struct hd_native_plain *plain); /* takes NULL */

/* What is known of a record besides its stack. */
struct hd_native_record {
  uint64_t size, rate, live, alloc;
  bool has_size;
};

/* The weight of a record, and of one with raw counts its values. */
double hd_native_weight(const struct hd_native_record *record);
void hd_native_unsample(const struct hd_native_record *record, double values[HD_MEASURES]);

/* Members of an object with their checks: absent is fine and leaves *out alone;
 * another type, or a negative number for the unsigned one, is an error. */
bool hd_native_text(struct hd_native *native, json_t *object, const char *key, const char **out,
                    struct hd_error *error);
bool hd_native_int(struct hd_native *native, json_t *object, const char *key, int64_t *out,
                   struct hd_error *error);
bool hd_native_uint(struct hd_native *native, json_t *object, const char *key, uint64_t *out,
                    struct hd_error *error);

#endif
