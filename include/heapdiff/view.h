/* What a report prints: made by a query, printed by hd_report. */
#ifndef HEAPDIFF_VIEW_H
#define HEAPDIFF_VIEW_H

#include <heapdiff/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_view hd_view;

void hd_view_destroy(hd_view *view); /* takes NULL */

struct hd_style {
  const char *format; /* NULL: text */
  const char *unit;   /* for bytes: auto, B, kB, MB, GB, TB; NULL: auto */
  bool bytes;         /* exact figures */
  bool color;
  bool ascii;         /* no characters past ASCII */
  unsigned width;     /* of the terminal in columns; 0: no limit */
};

typedef bool (*hd_write_fn)(void *context, const char *data, size_t length);

/* Prints a view through `write`; an error names a format that does not print
 * this kind of view, or says that `write` failed (kind internal). */
bool hd_report(const hd_view *view, const struct hd_style *style, hd_write_fn write, void *context,
               struct hd_error *error);
/* The same into a file, which is there whole or not at all; errors name it. */
bool hd_report_file(const hd_view *view, const struct hd_style *style, const char *path,
                    struct hd_error *error);

/* The words `format` takes: NULL past the last one. */
const char *hd_report_name(size_t i);
const char *hd_unit_name(size_t i);

#ifdef __cplusplus
}
#endif

#endif
