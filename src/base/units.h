/* Numbers for people. Sizes are 1024-based and printed as pprof prints them:
 * B kB MB GB TB, two decimals, ".00" left out. */
#ifndef HD_BASE_UNITS_H
#define HD_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HD_UNITS_TEXT = 48 }; /* fits any of the texts below */

/* The index of a unit's name in hd_byte_units, -1 for "auto", -2 unknown. */
extern const char *const hd_byte_units[]; /* "B", "kB", ..., NULL */
int hd_byte_unit_find(const char *name);
/* The largest unit in which the value is at least 1; bytes for 0. */
int hd_byte_unit_of(int64_t bytes);

/* `unit` as above, -1: the largest in which the value is at least 1. With `sign`
 * a positive value has a "+". */
void hd_format_bytes(char out[HD_UNITS_TEXT], int64_t bytes, int unit, bool sign);
void hd_format_count(char out[HD_UNITS_TEXT], int64_t count, bool sign);
/* A ratio as a percentage with one decimal: .899 -> "89.9%". With `sign` it is a growth,
 * which past 999.9% is told by how many times it became what it was: 361.35 -> "x362". */
void hd_format_percent(char out[HD_UNITS_TEXT], double ratio, bool sign);
/* As pprof's top prints a percentage (of an absolute ratio). */
void hd_format_percent_pprof(char out[HD_UNITS_TEXT], double ratio);
/* "50 s", "2 h 5 min", "3 d 4 h", "450 ms". */
void hd_format_duration(char out[HD_UNITS_TEXT], int64_t ns);
/* "2023-11-14 22:13:20 UTC". */
void hd_format_time(char out[HD_UNITS_TEXT], int64_t ns);

#endif
